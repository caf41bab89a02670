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

/** The bodies that a worker is reading. */
export class Uploads {
  readonly #clock: Clock;
  readonly #caps: Caps;
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
    let held = 0;
    const end = this.#clock.every(LOOK_EVERY, () => {
      const passed = this.#clock.monotonic() - began;
      const isLate = passed >= 1_000 * uploadSeconds;
      const isSlow = passed > BEGIN &&
        held < uploadRate * (passed - BEGIN) / 1_000;
      if (!isLate && !isSlow) return;
      end();
      this.dropped++;
      giveUp(isLate ? "takes too long" : "comes too slowly");
    });
    this.#count++;
    return {
      take: (bytes) => {
        if (this.#bytes + bytes > uploadBytes) {
          this.refused++;
          throw new Problem(
            "busy",
            "as many bytes are being sent as there is room for",
            { retryAfter: RETRY_AFTER },
          );
        }
        this.#bytes += bytes;
        held += bytes;
      },
      complete: end,
      [Symbol.dispose]: () => {
        end();
        this.#bytes -= held;
        this.#count--;
      },
    };
  }
}
