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
  drop(why: string): void;
}

/** The bodies that a worker is reading. */
export class Uploads {
  readonly #clock: Clock;
  readonly #caps: Caps;
  readonly #sending = new Set<Sending>();
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
    const { uploadBytes, uploadSeconds, uploadRate } = this.#caps;
    const began = this.#clock.monotonic();
    let seen = 0;
    const sending: Sending = {
      pace: Infinity, // until it has had a second
      held: 0,
      drop: (why) => {
        end();
        this.dropped++;
        giveUp(why);
      },
    };
    this.#sending.add(sending);
    const endLooks = this.#clock.every(LOOK_EVERY, () => {
      const before = Number.isFinite(sending.pace) ? sending.pace : 0;
      sending.pace = before / 2 + sending.held - seen;
      seen = sending.held;
      const passed = this.#clock.monotonic() - began;
      const isLate = passed >= 1_000 * uploadSeconds;
      const isSlow = passed > BEGIN &&
        sending.held < uploadRate * (passed - BEGIN) / 1_000;
      if (!isLate && !isSlow) return;
      sending.drop(isLate ? "takes too long" : "comes too slowly");
    });
    const end = () => {
      endLooks();
      this.#sending.delete(sending);
    };
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
