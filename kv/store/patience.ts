/** Not waiting for ever for what may never answer. */
import type { Clock } from "../../lib/timers.ts";

/** Somebody who waits. */
interface Waiting {
  /** Until when, by the monotonic clock. */
  readonly until: number;
  readonly giveUp: () => void;
}

/**
 * Bounds the time for which answers are waited for. All who wait have as long,
 * so that one timer does for all of them: there are thousands in a second.
 */
export class Patience implements Disposable {
  readonly #clock: Pick<Clock, "after" | "monotonic">;
  readonly #milliseconds: number;
  /** The first is the one that has waited for longest. */
  readonly #waiting = new Set<Waiting>();
  #callOff: (() => void) | null = null;
  #isOver = false;

  /** Of so many milliseconds. */
  constructor(
    clock: Pick<Clock, "after" | "monotonic">,
    milliseconds: number,
  ) {
    this.#clock = clock;
    this.#milliseconds = milliseconds;
  }

  /**
   * What an operation gives, or what `tooLate` makes once patience has ended.
   * The operation may still end after that, and nobody hears of it. The timer
   * may go on for as long behind the last answer, until this is disposed of.
   */
  wait<T>(operation: Promise<T>, tooLate: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const until = this.#clock.monotonic() + this.#milliseconds;
      const waiting = { until, giveUp: () => reject(tooLate()) };
      if (this.#isOver) waiting.giveUp();
      else this.#waiting.add(waiting);
      this.#watch();
      operation.then(
        (answer) => {
          this.#waiting.delete(waiting);
          resolve(answer);
        },
        (error) => {
          this.#waiting.delete(waiting);
          reject(error);
        },
      );
    });
  }

  /** Patience ends now, for everybody, and for whoever comes. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#callOff?.();
    this.#callOff = null;
    for (const { giveUp } of this.#waiting) giveUp();
    this.#waiting.clear();
  }

  /** It goes on while somebody waits; of those who are answered none stops it. */
  #watch(): void {
    if (this.#callOff !== null || this.#isOver) return;
    const [first] = this.#waiting;
    if (first === undefined) return;
    // To give up on many takes a while, in which that of the next may end.
    const left = Math.max(0, first.until - this.#clock.monotonic());
    this.#callOff = this.#clock.after(left, () => {
      this.#callOff = null;
      this.#look();
      this.#watch();
    });
  }

  #look(): void {
    const now = this.#clock.monotonic();
    for (const waiting of this.#waiting) {
      if (waiting.until > now) return;
      this.#waiting.delete(waiting);
      waiting.giveUp();
    }
  }
}
