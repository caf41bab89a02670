/** A clock that a test moves by hand. */
import { type Clock, sleepBy } from "../lib/timers.ts";

/** Where a clock stands when a test begins. */
const BEGIN = 1_790_000_000_000;

interface Timer {
  /** Monotonic milliseconds. */
  readonly due: number;
  readonly call: () => void;
}

/** Stands still until it is told to move; then what is due is called, in order. */
export class ManualClock implements Clock {
  /** Unix milliseconds; setting it moves no timer, as with a machine's clock. */
  time: number;
  #passed = 0;
  readonly #timers = new Set<Timer>();
  readonly #awaited = new Set<() => void>();

  constructor(time = BEGIN) {
    this.time = time;
  }

  readonly now = (): number => this.time;

  readonly monotonic = (): number => this.#passed;

  readonly after = (milliseconds: number, call: () => void): () => void => {
    const timer = { due: this.#passed + Math.max(milliseconds, 0), call };
    this.#timers.add(timer);
    for (const look of [...this.#awaited]) look();
    return () => void this.#timers.delete(timer);
  };

  readonly every = (milliseconds: number, call: () => void): () => void => {
    let callOff = () => {};
    const again = () => {
      callOff = this.after(milliseconds, () => {
        again();
        call();
      });
    };
    again();
    return () => callOff();
  };

  readonly sleep: Clock["sleep"] = sleepBy(this.after);

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Ends as soon as so many timers are set: what is tested waits by now. */
  async waitedFor(count = 1): Promise<void> {
    if (this.#timers.size >= count) return;
    const set = Promise.withResolvers<void>();
    const look = () => {
      if (this.#timers.size >= count) set.resolve();
    };
    this.#awaited.add(look);
    await set.promise;
    this.#awaited.delete(look);
  }

  /** Moves on, and calls what gets due on the way, each at its own time. */
  advance(milliseconds: number): void {
    const end = this.#passed + milliseconds;
    for (let next = this.#next(end); next !== null; next = this.#next(end)) {
      this.#move(next.due);
      this.#timers.delete(next);
      next.call();
    }
    this.#move(end);
  }

  /** The first timer that is due at a time; of several, the one set first. */
  #next(end: number): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.due <= end && (next === null || timer.due < next.due)) {
        next = timer;
      }
    }
    return next;
  }

  #move(passed: number): void {
    this.time += passed - this.#passed;
    this.#passed = passed;
  }
}
