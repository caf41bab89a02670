/**
 * What this worker has seen lately and must not take twice. Workers do not
 * share it: what matters across workers is in the store.
 */

/** Most names remembered; the oldest go first. */
const MAX_NAMES = 100_000;

/** Remembers names, bounded in time and number. */
export class SeenLog {
  readonly #keptMs: number;
  /** When each was seen, in that order. */
  readonly #seen = new Map<string, number>();

  /** Remembers each name for so many milliseconds. */
  constructor(keptMs: number) {
    this.#keptMs = keptMs;
  }

  /** Notes a name at `now`; false if it was noted before. */
  note(name: string, now: number): boolean {
    for (const [oldest, at] of this.#seen) {
      if (now - at <= this.#keptMs && this.#seen.size < MAX_NAMES) break;
      this.#seen.delete(oldest);
    }
    if (this.#seen.has(name)) return false;
    this.#seen.set(name, now);
    return true;
  }

  /** Forgets a name: what it stands for was not done after all. */
  forget(name: string): void {
    this.#seen.delete(name);
  }
}
