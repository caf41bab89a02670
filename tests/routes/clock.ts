/** The time of a test's relay. */

/** A clock that stands still until it is told to move. */
export class Clock {
  /** Unix milliseconds. */
  time: number;

  constructor(time = 1_790_000_000_000) {
    this.time = time;
  }

  readonly now = (): number => this.time;

  /** Moves on by some milliseconds. */
  advance(milliseconds: number): void {
    this.time += milliseconds;
  }
}

/** Milliseconds. */
export const SECOND = 1_000;
/** Milliseconds. */
export const MINUTE = 60 * SECOND;
/** Milliseconds. */
export const HOUR = 60 * MINUTE;
/** Milliseconds. */
export const DAY = 24 * HOUR;
