/** Bytes that wait to be taken: those of streams, and those of long answers. */
import { Problem } from "../lib/problem.ts";
import type { Clock } from "../lib/timers.ts";
import type { Caps } from "./caps.ts";

/** Milliseconds for which an answer may stand still where others want its room. */
const GRACE = 1_000;
/** Seconds after which an answer that found no room may be asked for again. */
const RETRY_AFTER = 1;

/** A long answer's share. */
export interface Parcel {
  /**
   * Says that all before was taken and more was handed on: as much as so many
   * times the patience of one part is for.
   */
  handOn(parts?: number): void;
  /** Gives the room back; again does nothing. */
  end(): void;
}

/** An answer that is not taken whole. */
interface Waiting {
  /** When it last moved; monotonic milliseconds. */
  movedAt: number;
  drop(): void;
}

/** What waits on a worker, and may. */
export class Backlog {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #patience: number;
  /** Those that have stood still for longest come first. */
  readonly #parcels = new Set<Waiting>();
  #bytes = 0;
  #abandoned = 0;
  /** Answers that found no room, since the start. */
  refused = 0;
  /** Answers that were dropped as they were not taken, since the start. */
  dropped = 0;

  /** Nothing yet, by a clock and under caps. */
  constructor(
    clock: Clock,
    { bufferedBytes, drainSeconds }: Pick<
      Caps,
      "bufferedBytes" | "drainSeconds"
    >,
  ) {
    this.#clock = clock;
    this.#most = bufferedBytes;
    this.#patience = 1_000 * drainSeconds;
  }

  /** Bytes that wait now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Notes that so many bytes more wait, or less. */
  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /**
   * Bytes of readers that are told to go and have not gone. Nothing ends a socket
   * whose other side takes nothing: what it was sent stays in memory.
   */
  get abandoned(): number {
    return this.#abandoned;
  }

  /**
   * Notes that so many of the bytes that wait are abandoned, and keep no room
   * from others any more.
   */
  abandon(bytes: number): void {
    this.#bytes -= bytes;
    this.#abandoned += bytes;
  }

  /** Notes that so many of the abandoned bytes are gone. */
  drop(bytes: number): void {
    this.#abandoned -= bytes;
  }

  /**
   * Room for a socket: as many bytes may be abandoned as may wait.
   *
   * @throws {Problem} `busy`
   */
  requireRoomForSocket(): void {
    if (this.#abandoned < this.#most) return;
    this.refused++;
    throw new Problem(
      "busy",
      "sockets whose readers take nothing hold as much as there is room for; " +
        "read by events or polls",
      { retryAfter: RETRY_AFTER },
    );
  }

  /**
   * Whether so many bytes more may wait, for one of whom `own` wait already.
   * Where nothing waits for others they may, however many they are. Answers
   * that stand still give way.
   */
  hasRoomFor(bytes: number, own = 0): boolean {
    while (!this.#fits(bytes, own)) {
      if (!this.#dropStillest()) return false;
    }
    return true;
  }

  /**
   * Room for an answer, until its parcel is ended. It is dropped, and `drop` is
   * called, if what was handed on is not taken for as long as patience lasts, or
   * if it stands still and others want its room.
   *
   * @throws {Problem} `busy` if there is no room
   */
  begin(bytes: number, drop: () => void): Parcel {
    if (!this.hasRoomFor(bytes)) {
      this.refused++;
      throw new Problem(
        "busy",
        "as many bytes wait to be taken as there is room for",
        { retryAfter: RETRY_AFTER },
      );
    }
    this.#bytes += bytes;
    let hasEnded = false;
    let callOff = () => {};
    // One timer for all of an answer: it looks again as often as that moved.
    let [dropAt, lookAt] = [0, Infinity];
    const end = () => {
      if (hasEnded) return;
      hasEnded = true;
      callOff();
      this.#parcels.delete(waiting);
      this.#bytes -= bytes;
    };
    const waiting: Waiting = {
      movedAt: 0, // noted as soon as it is handed on, below
      drop: () => {
        end();
        this.dropped++;
        drop();
      },
    };
    const lookLater = (after: number) => {
      lookAt = dropAt;
      callOff = this.#clock.after(after, look);
    };
    const look = () => {
      const left = dropAt - this.#clock.monotonic();
      if (left > 0) lookLater(left);
      else waiting.drop();
    };
    const handOn = (parts = 1) => {
      if (hasEnded) return;
      const patience = parts * this.#patience;
      waiting.movedAt = this.#clock.monotonic();
      dropAt = waiting.movedAt + patience;
      if (dropAt < lookAt) {
        callOff();
        lookLater(patience);
      }
      this.#parcels.delete(waiting);
      this.#parcels.add(waiting);
    };
    handOn();
    return { handOn, end };
  }

  #fits(bytes: number, own: number): boolean {
    const others = this.#bytes - own;
    return others === 0 || this.#bytes + bytes <= this.#most;
  }

  /** Drops the answer that has stood still for longest; false if none has. */
  #dropStillest(): boolean {
    const [stillest] = this.#parcels;
    if (stillest === undefined) return false;
    if (this.#clock.monotonic() - stillest.movedAt < GRACE) return false;
    stillest.drop();
    return true;
  }
}
