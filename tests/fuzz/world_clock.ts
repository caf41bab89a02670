/** The time of a world: its hands are moved, and its timers are real. */
import { systemClock } from "../../lib/timers.ts";
import { Clock } from "../routes/clock.ts";

/** What waits for a reader to take something waits for as long as that takes. */
export class WorldClock extends Clock {
  override readonly monotonic = systemClock.monotonic;
  override readonly after = systemClock.after;
  override readonly every = systemClock.every;
  override readonly sleep = systemClock.sleep;

  /** Moves the hands alone. */
  override advance(milliseconds: number): void {
    this.time += milliseconds;
  }
}
