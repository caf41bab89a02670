/** A token that is held for as long as it lasts, and then renewed. */
import type { Clock } from "../lib/timers.ts";

/** What a token says of its end. */
interface Lasting {
  readonly token: string;
  /** Unix milliseconds. */
  readonly expires: number;
}

/** A token is renewed when it has less than this left, in milliseconds. */
const RENEW_BEFORE = 60_000;

/** A handshake that is to give a token, and those who wait for it. */
interface Renewal<T> {
  readonly token: Promise<T>;
  readonly end: AbortController;
  waiting: number;
}

/** The present token, or the handshake that is to give it. */
export class HeldToken<T extends Lasting> {
  readonly #clock: Clock;
  readonly #renew: (signal: AbortSignal) => Promise<T>;
  #held: T | null = null;
  #renewal: Renewal<T> | null = null;

  /** Nothing is asked for before the first {@link HeldToken.get}. */
  constructor(clock: Clock, renew: (signal: AbortSignal) => Promise<T>) {
    this.#clock = clock;
    this.#renew = renew;
  }

  /**
   * A token with some time left. Of several who find that there is none, the
   * first renews it for all; it ends when nobody waits for it any more.
   */
  async get(signal?: AbortSignal | null): Promise<T> {
    signal?.throwIfAborted();
    const held = this.#held;
    const now = this.#clock.now();
    if (held !== null && held.expires - RENEW_BEFORE > now) return held;
    const renewal = this.#renewal ??= this.#begin();
    renewal.waiting++;
    try {
      return await unlessAborted(renewal.token, signal);
    } finally {
      if (--renewal.waiting === 0) this.#end(renewal);
    }
  }

  /** Forgets a token that was refused, if it is still the present one. */
  drop(token: string): void {
    if (this.#held?.token === token) this.#held = null;
  }

  #begin(): Renewal<T> {
    const end = new AbortController();
    const token = this.#renew(end.signal);
    token.then((renewed) => this.#held = renewed, () => {});
    return { token, end, waiting: 0 };
  }

  /** It is done, or of no use to anybody. */
  #end(renewal: Renewal<T>): void {
    renewal.end.abort();
    if (this.#renewal === renewal) this.#renewal = null;
  }
}

/** What comes of a promise, unless the signal ends the waiting for it first. */
async function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | null | undefined,
): Promise<T> {
  if (!signal) return await promise;
  const aborted = Promise.withResolvers<never>();
  const end = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", end);
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", end);
  }
}
