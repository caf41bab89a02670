/** Bodies that are being read: how many bytes, how long, and how fast. */
import { Problem } from "../lib/problem.ts";
import type { Clock } from "../lib/timers.ts";
import type { Caps } from "./caps.ts";

/** Milliseconds in which a body may begin slowly. */
const BEGIN = 5_000;
/** Milliseconds between two looks at how fast a body comes. */
const LOOK_EVERY = 1_000;
/** Seconds after which a body that found no room may be sent again. */
const RETRY_AFTER = 2;

/** One body's share. */
export interface Upload extends Disposable {
  /**
   * Takes room for bytes that have come.
   *
   * @throws {Problem} `busy` if the bodies being read have no room for them
   */
  take(bytes: number): void;
  /** Says that all of it has come: it cannot be too slow any more. */
  complete(): void;
}

/** A body that has not come as a whole yet. */
interface Sending {
  /** Bytes that came in the last seconds; each counts half of the one after it. */
  pace: number;
  /** Bytes of room that it has. */
  held: number;
  /** Bytes of it that were there at the last look. */
  seen: number;
  /** When it began, and when it is looked at next: monotonic milliseconds. */
  readonly began: number;
  lookAt: number;
  drop(why: string): void;
}

/**
 * The bodies that a worker is reading. Each is looked at every second, and one
 * timer does for all of them: most have come whole long before. It may go on for
 * a second behind the last one.
 */
export class Uploads implements Disposable {
  readonly #clock: Clock;
  readonly #caps: Caps;
  /** Those that are to be looked at, the next one first. */
  readonly #sending = new Set<Sending>();
  #callOff: (() => void) | null = null;
  #bytes = 0;
  #count = 0;
  /** Bodies that found no room, since the start. */
  refused = 0;
  /** Bodies that came too slowly, since the start. */
  dropped = 0;

  /** Bodies by a clock, and under caps. */
  constructor(clock: Clock, caps: Caps) {
    this.#clock = clock;
    this.#caps = caps;
  }

  /** Bytes of the bodies that are being read. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bodies that are being read. */
  get size(): number {
    return this.#count;
  }

  /**
   * Begins a body; `giveUp` is called if it takes too long or comes too slowly.
   * Its room is given back when the upload is disposed of, which is once.
   */
  begin(giveUp: (why: string) => void): Upload {
    const { uploadBytes } = this.#caps;
    const began = this.#clock.monotonic();
    const sending: Sending = {
      pace: Infinity, // until it has had a second
      held: 0,
      seen: 0,
      began,
      lookAt: began + LOOK_EVERY,
      drop: (why) => {
        end();
        this.dropped++;
        giveUp(why);
      },
    };
    const end = () => {
      this.#sending.delete(sending);
    };
    this.#sending.add(sending);
    this.#watch();
    this.#count++;
    return {
      take: (bytes) => {
        if (this.#bytes + bytes > uploadBytes) {
          this.refused++;
          this.#makeRoom(sending);
          throw new Problem(
            "busy",
            "as many bytes are being sent as there is room for",
            { retryAfter: RETRY_AFTER },
          );
        }
        this.#bytes += bytes;
        sending.held += bytes;
      },
      complete: end,
      [Symbol.dispose]: () => {
        end();
        this.#bytes -= sending.held;
        this.#count--;
      },
    };
  }

  /** Ends its timer. */
  [Symbol.dispose](): void {
    this.#callOff?.();
    this.#callOff = null;
  }

  /** Goes on while there is a body; none that has come stops it. */
  #watch(): void {
    if (this.#callOff !== null) return;
    const [next] = this.#sending;
    if (next === undefined) return;
    const left = Math.max(0, next.lookAt - this.#clock.monotonic());
    this.#callOff = this.#clock.after(left, () => {
      this.#callOff = null;
      this.#lookAtAll();
      this.#watch();
    });
  }

  #lookAtAll(): void {
    const now = this.#clock.monotonic();
    for (const sending of this.#sending) {
      if (sending.lookAt > now) return;
      this.#sending.delete(sending);
      this.#sending.add(sending); // behind all whose turn is sooner
      sending.lookAt = now + LOOK_EVERY;
      this.#look(sending, now);
    }
  }

  #look(sending: Sending, now: number): void {
    const { uploadSeconds, uploadRate } = this.#caps;
    const { held, seen, began } = sending;
    const before = Number.isFinite(sending.pace) ? sending.pace : 0;
    sending.pace = before / 2 + held - seen;
    sending.seen = held;
    const passed = now - began;
    const isLate = passed >= 1_000 * uploadSeconds;
    const isSlow = passed > BEGIN &&
      held < uploadRate * (passed - BEGIN) / 1_000;
    if (!isLate && !isSlow) return;
    sending.drop(isLate ? "takes too long" : "comes too slowly");
  }

  /** Drops the body that comes slowest, so that the next may find room. */
  #makeRoom(asking: Sending): void {
    let slowest: Sending | null = null;
    for (const one of this.#sending) {
      if (one === asking || one.held === 0) continue;
      if (one.pace === Infinity) continue;
      if (slowest === null || one.pace < slowest.pace) slowest = one;
    }
    slowest?.drop("comes too slowly, and others have no room");
  }
}
