/** A token that is held for as long as it lasts, and then renewed. */

/** What a token says of its end. */
interface Lasting {
  readonly token: string;
  /** Unix milliseconds. */
  readonly expires: number;
}

/** A token is renewed when it has less than this left, in milliseconds. */
const RENEW_BEFORE = 60_000;

/** The present token, or the handshake that is to give it. */
export class HeldToken<T extends Lasting> {
  readonly #renew: () => Promise<T>;
  #token: Promise<T> | null = null;

  /** Nothing is asked for before the first {@link HeldToken.get}. */
  constructor(renew: () => Promise<T>) {
    this.#renew = renew;
  }

  /** A token with some time left. */
  async get(): Promise<T> {
    const before = this.#token;
    const held = await before;
    if (held !== null && held.expires - RENEW_BEFORE > Date.now()) return held;
    // Of several who find that it ended, the first renews it for all.
    if (this.#token !== before) return await this.get();
    const renewal = this.#renew();
    this.#token = renewal;
    renewal.catch(() => this.#token = null);
    return await renewal;
  }

  /** Forgets a token that was refused, if it is still the present one. */
  async drop(token: string): Promise<void> {
    const before = this.#token;
    const held = await before?.catch(() => null);
    if (held?.token === token && this.#token === before) this.#token = null;
  }
}

/** What comes of a promise, unless the signal ends the waiting for it first. */
export async function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | null | undefined,
): Promise<T> {
  if (!signal) return await promise;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const end = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", end);
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", end);
  }
}
