/** What happens again and again, said once in a while. */

/** Most things remembered; the oldest go first. */
const MAX_NAMES = 256;

/** Something that was kept back. */
interface Kept {
  /** When it was last said, in milliseconds. */
  readonly saidAt: number;
  /** How often it happened since. */
  count: number;
}

/** Counts what is kept back, bounded in number. */
export class Repeats {
  readonly #every: number;
  readonly #kept = new Map<string, Kept>();

  /** Each thing is said once in so many milliseconds. */
  constructor(every: number) {
    this.#every = every;
  }

  /**
   * Notes that something happened at `now`. Gives how often it was kept back
   * since it was last said, if it is to be said; null if it is to be kept back.
   */
  note(name: string, now: number): number | null {
    const kept = this.#kept.get(name);
    // A clock that was set back must not keep things back for long.
    const isEarly = kept !== undefined &&
      Math.abs(now - kept.saidAt) < this.#every;
    if (isEarly) {
      kept.count++;
      return null;
    }
    this.#kept.delete(name); // so that the map is in the order of saying
    if (this.#kept.size >= MAX_NAMES) {
      for (const oldest of this.#kept.keys()) {
        this.#kept.delete(oldest);
        break;
      }
    }
    this.#kept.set(name, { saidAt: now, count: 0 });
    return kept?.count ?? 0;
  }

  /** What was kept back and never said since, and how often; then forgets it. */
  take(): [name: string, count: number][] {
    const kept = [...this.#kept].filter(([, { count }]) => count > 0)
      .map(([name, { count }]): [string, number] => [name, count]);
    this.#kept.clear();
    return kept;
  }
}
