/**
 * Whether the store takes what it is given: something tiny is written and read
 * again. Whoever asks, it is done once a second at most, and all are told of it.
 */
import { keys } from "../kv/kinds.ts";
import type { Store } from "../kv/store/store.ts";
import { Problem } from "../lib/problem.ts";
import { type Clock, systemClock } from "../lib/timers.ts";

/** Milliseconds for which a result is good. */
const GOOD_FOR = 1_000;
/** Milliseconds that the store has to answer. */
const PATIENCE = 5_000;
/** Milliseconds after which what was written may be swept. */
const KEPT = 60_000;
/** Seconds after which a caller may ask again. */
const RETRY_AFTER = 2;

/** The store's pulse, as one worker feels it. */
export class Pulse {
  readonly #store: Store;
  readonly #clock: Clock;
  /** A key of this worker's own: others write theirs. */
  readonly #key = keys.trial("health", crypto.randomUUID());
  #last: { readonly at: number; readonly result: Promise<void> } | null = null;
  #isFeeling = false;
  #beats = 0;
  #isProven = false;

  /** Feels nothing until it is asked to. */
  constructor(store: Store, clock: Clock = systemClock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Whether the store was ever seen to take something. */
  get isProven(): boolean {
    return this.#isProven;
  }

  /**
   * Ends if the store took something a second ago or takes something now.
   *
   * @throws {Problem} `busy` if it does not, or not in time
   */
  feel(): Promise<void> {
    const at = this.#clock.monotonic();
    const isGood = this.#last !== null &&
      (this.#isFeeling || at - this.#last.at < GOOD_FOR);
    if (this.#last === null || !isGood) {
      this.#isFeeling = true;
      const result = this.#withinTime(this.#prove())
        .finally(() => this.#isFeeling = false);
      result.catch(() => {}); // those who ask are told
      this.#last = { at, result };
    }
    return this.#last.result;
  }

  async #prove(): Promise<void> {
    const beat = ++this.#beats;
    await this.#store.commit((operation) =>
      operation.set(this.#key, beat, { expireIn: KEPT })
    );
    const { value } = await this.#store.get(this.#key);
    if (value !== beat) {
      throw busy("the store does not keep what is written to it");
    }
    this.#isProven = true;
  }

  async #withinTime(proof: Promise<void>): Promise<void> {
    const timeUp = Promise.withResolvers<never>();
    const callOff = this.#clock.after(
      PATIENCE,
      () => timeUp.reject(busy(`the store took over ${PATIENCE} ms`)),
    );
    try {
      await Promise.race([proof, timeUp.promise]);
    } finally {
      callOff();
    }
  }
}

function busy(detail: string): Problem {
  return new Problem("busy", detail, { retryAfter: RETRY_AFTER });
}
