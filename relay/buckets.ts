/** Token buckets: how often something may be asked for by the same asker. */

/** Askers remembered; of more, those go that asked longest ago. */
const MAX_ASKERS = 20_000;

/** Milliseconds in which a bucket fills up from empty. */
export const BUCKET_WINDOW = 60_000;

/** What an asker has left, in the words of the RateLimit header fields. */
export interface RateState {
  /** Whether this one is let through. */
  readonly isAllowed: boolean;
  /** Requests that are left now. */
  readonly remaining: number;
  /** Seconds until there is another, or until the bucket is full. */
  readonly seconds: number;
}

interface Bucket {
  left: number;
  at: number;
}

/** A bucket for each asker, of so many requests a minute. */
export class Buckets {
  readonly #quota: number;
  readonly #askers = new Map<string, Bucket>();
  /** Requests that were not let through, since the start. */
  refused = 0;

  /** So many a minute, all of which may come at once; 0 for any number. */
  constructor(quota: number) {
    this.#quota = quota;
  }

  /** Requests a minute; 0 for any number. */
  get quota(): number {
    return this.#quota;
  }

  /** How many askers are remembered. */
  get askers(): number {
    return this.#askers.size;
  }

  /** What the next request of an asker would be told at `now`; takes none. */
  look(asker: string, now: number): RateState {
    const quota = this.#quota;
    if (quota === 0) {
      return { isAllowed: true, remaining: Infinity, seconds: 0 };
    }
    const perMs = quota / BUCKET_WINDOW;
    const filled = this.#filled(asker, now);
    const isAllowed = filled >= 1;
    const remaining = isAllowed ? filled - 1 : filled;
    const missing = isAllowed ? quota - remaining : 1 - remaining;
    return {
      isAllowed,
      remaining: Math.floor(remaining),
      seconds: Math.ceil(missing / perMs / 1_000),
    };
  }

  /** Takes one request of an asker at `now` (monotonic milliseconds). */
  take(asker: string, now: number): RateState {
    const state = this.look(asker, now);
    if (this.#quota === 0) return state;
    const left = this.#filled(asker, now) - (state.isAllowed ? 1 : 0);
    // Put behind the others: those in front asked longest ago.
    this.#askers.delete(asker);
    this.#askers.set(asker, { left, at: now });
    this.#forget();
    if (!state.isAllowed) this.refused++;
    return state;
  }

  /** Requests that an asker has, in parts. */
  #filled(asker: string, now: number): number {
    const quota = this.#quota;
    const perMs = quota / BUCKET_WINDOW;
    const { left, at } = this.#askers.get(asker) ?? { left: quota, at: now };
    return Math.min(quota, left + (now - at) * perMs);
  }

  #forget(): void {
    if (this.#askers.size <= MAX_ASKERS) return;
    for (const asker of this.#askers.keys()) {
      this.#askers.delete(asker);
      return;
    }
  }
}
