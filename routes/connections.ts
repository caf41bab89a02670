/** The connections of a server: how many there are, and which of them idle. */
import type { Clock } from "../lib/timers.ts";
import type { Caps } from "../relay/caps.ts";
import type { Served } from "./serve_connection.ts";
import type { Connection } from "./serve_info.ts";

/** Looks at idle connections in the time in which one may idle. */
const LOOKS = 4;
/**
 * A connection idles once its answer was handed on, and the client may still be
 * taking that: by a slow link for so many times as long as one may idle.
 */
const TAKING = 16;

/** Milliseconds for which answers stand still before their seat is given away. */
const GRACE = 1_000;

/** What is said of connections. */
export type ConnectionCaps = Pick<
  Caps,
  "connections" | "connectionRequests" | "idleSeconds"
>;

/** Counts connections, and ends those that idle. */
export class ConnectionTable implements Disposable {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #mostRequests: number;
  readonly #idleMs: number;
  readonly #seats = new Set<Seat>();
  readonly #endLooks: () => void;
  #held = 0;
  /** Connections that were closed at once, as there were too many. */
  refused = 0;
  /** Connections that were ended for idling. */
  dropped = 0;
  /** Requests that were one too many of a connection. */
  crowded = 0;

  /** A table with so many seats. */
  constructor(clock: Clock, caps: ConnectionCaps) {
    this.#clock = clock;
    this.#most = caps.connections;
    this.#mostRequests = caps.connectionRequests;
    this.#idleMs = 1_000 * caps.idleSeconds;
    this.#endLooks = clock.every(
      Math.ceil(this.#idleMs / LOOKS),
      () => this.#endIdle(),
    );
  }

  /** Connections that are open, those among them that became sockets. */
  get size(): number {
    return this.#seats.size + this.#held;
  }

  /**
   * A seat for a connection. If there is none, the one that has idled longest
   * goes, or has taken nothing; null if there is none such.
   */
  enter(): Seat | null {
    if (this.size >= this.#most) this.makeRoom();
    if (this.size >= this.#most) {
      this.refused++;
      return null;
    }
    const seat: Seat = new Seat(this.#clock, {
      mostRequests: this.#mostRequests,
      left: () => this.#seats.delete(seat),
      held: (count) => this.#held += count,
      crowded: () => this.crowded++,
    });
    this.#seats.add(seat);
    return seat;
  }

  /** Ends the connection that has idled longest, if there is one to spare. */
  makeRoom(): void {
    let longest: Seat | null = null;
    for (const seat of this.#seats) {
      if (!seat.isSpare) continue;
      if (longest === null || seat.idleSince < longest.idleSince) {
        longest = seat;
      }
    }
    if (longest !== null) this.#drop(longest);
  }

  /** Ends connections as they fall idle; ends itself when there is none. */
  async shutdown(): Promise<void> {
    await Promise.all([...this.#seats].map((seat) => seat.shutdown()));
  }

  /** Ends every connection at once. */
  cutAll(): void {
    for (const seat of [...this.#seats]) seat.cut();
  }

  /** Stops to look. */
  [Symbol.dispose](): void {
    this.#endLooks();
  }

  #endIdle(): void {
    const now = this.#clock.monotonic();
    for (const seat of [...this.#seats]) {
      const patience = (seat.isAnswered ? TAKING : 1) * this.#idleMs;
      if (seat.isIdle && now - seat.idleSince >= patience) this.#drop(seat);
    }
  }

  #drop(seat: Seat): void {
    this.dropped++;
    seat.cut();
  }
}

/** What a seat tells its table. */
interface TableEnd {
  readonly mostRequests: number;
  left(): void;
  held(count: number): void;
  crowded(): void;
}

/** A request that has come. */
interface UnderWay {
  /** Whether as many were under way before it as may be. */
  readonly isOneTooMany: boolean;
  /** To be called when there is an answer: the client is to take it now. */
  readonly answered: () => void;
}

/** One connection's seat. */
export class Seat implements Connection {
  readonly #clock: Clock;
  readonly #table: TableEnd;
  readonly #cut = new AbortController();
  #served: Served | null = null;
  #ended: Promise<void> = Promise.resolve();
  #underWay = 0;
  #worked = 0;
  #isAnswered = false;
  #isEnding = false;
  #isSocket = false;
  #hasLeft = false;
  /**
   * Since when nothing was worked on, and no part of an answer was taken;
   * monotonic milliseconds.
   */
  idleSince: number;

  /** A seat that was just taken. */
  constructor(clock: Clock, table: TableEnd) {
    this.#clock = clock;
    this.#table = table;
    this.idleSince = clock.monotonic();
  }

  /** Aborted when the connection is to end at once. */
  get signal(): AbortSignal {
    return this.#cut.signal;
  }

  /** Whether nothing is under way. */
  get isIdle(): boolean {
    return this.#underWay === 0;
  }

  /**
   * Whether its seat may be given to another: it idles, or only has answers that
   * nobody takes. Otherwise who takes nothing would keep it.
   */
  get isSpare(): boolean {
    if (this.isIdle) return true;
    const stillFor = this.#clock.monotonic() - this.idleSince;
    return this.#worked === 0 && stillFor >= GRACE;
  }

  /** Whether it was ever answered: what was may not be taken yet. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** Gives the seat up when what serves the connection has ended. */
  serve(served: Served): void {
    this.#served = served;
    this.#ended = served.finished.then(
      () => this.leave(),
      async () => {
        // Deno keeps what served a connection that broke, if it is not closed.
        await served.shutdown().catch(() => {});
        this.leave();
      },
    );
  }

  /** A request has come; the promise ends when its answer was handed on whole. */
  begin(completed: Promise<void>): UnderWay {
    const isOneTooMany = this.#underWay >= this.#table.mostRequests;
    if (isOneTooMany) this.#table.crowded();
    this.#underWay++;
    const answered = this.stay();
    const end = () => {
      answered();
      this.#underWay--;
      this.#isAnswered = true;
      this.moved();
    };
    completed.then(end, end);
    return { isOneTooMany, answered };
  }

  /** Says that something is worked on until what this gives is called. */
  readonly stay = (): () => void => {
    this.#worked++;
    let isWorked = true;
    return () => {
      if (!isWorked) return;
      isWorked = false;
      this.#worked--;
      this.moved();
    };
  };

  /** Says that a part of an answer was taken. */
  readonly moved = (): void => {
    this.idleSince = this.#clock.monotonic();
  };

  hold(): () => void {
    this.#table.held(1);
    let isHeld = true;
    return () => {
      if (isHeld) this.#table.held(-1);
      isHeld = false;
    };
  }

  keepSocket(): void {
    this.#isSocket = true;
    this.#served?.release();
  }

  cut(): void {
    if (this.#hasLeft) return; // Deno takes it ill to end what has ended
    this.leave();
    // What served it was let go of, by us or by Deno.
    if (this.#isSocket || this.#isEnding) return;
    try {
      this.#cut.abort();
    } catch {
      // it ended in this very moment
    }
  }

  /**
   * Ends when what is under way has ended, and is taken. It cannot be cut off
   * any more: Deno forgets what it was told to end.
   */
  async shutdown(): Promise<void> {
    this.#isEnding = true;
    await this.#served?.shutdown().catch(() => {});
    await this.#ended;
  }

  /** Gives the seat up; again does nothing. */
  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#table.left();
  }
}
