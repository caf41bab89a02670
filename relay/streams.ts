/** What long-lived readers have in common: a place, a pulse, and an end. */
import type { MailboxId } from "../lib/ids.ts";
import type { Clock } from "../lib/timers.ts";
import { Backlog } from "./backlog.ts";
import type { Caps } from "./caps.ts";
import { RateLimited } from "./rate_limited.ts";

/** Milliseconds between two beats: half of what API.md allows. */
const BEAT_EVERY = 15_000;
/** Seconds after which a reader that found no place may ask again. */
const RETRY_AFTER = 10;

/** The ways to stay. */
export const TRANSPORTS = ["events", "socket", "poll"] as const;

/** A way to stay. */
export type Transport = typeof TRANSPORTS[number];

/** What a place is counted against. */
export const STREAM_SCOPES = ["token", "mailbox", "relay"] as const;

/** One of them. */
export type StreamScope = typeof STREAM_SCOPES[number];

/** Who wants a place. */
export interface Visitor {
  readonly transport: Transport;
  /** The token's own id. */
  readonly token: string;
  readonly mailbox: MailboxId;
}

/** A reader's place, until it leaves. */
export interface Place {
  /** Bytes that wait for the reader now. */
  buffered: number;
  /** Whether so many bytes more may wait for it now. */
  hasRoomFor(bytes: number): boolean;
  /**
   * Says that the reader is told to go: what waits for it keeps no room from
   * others, though it may be there until the place is left.
   */
  abandon(): void;
  /** Gives the place up; again does nothing. */
  leave(): void;
}

/** The streams of a worker. */
export class Streams {
  readonly #clock: Clock;
  readonly #caps: Caps;
  readonly #backlog: Backlog;
  readonly #closing = new AbortController();
  readonly #beats = new Set<() => void>();
  readonly #tokens = new Map<string, number>();
  readonly #mailboxes = new Map<MailboxId, number>();
  #endBeats: (() => void) | null = null;
  /** Readers that stay now, by their way. */
  readonly counts: Readonly<Record<Transport, number>>;
  /** Readers that found no place, by what was full. */
  readonly refused: Readonly<Record<StreamScope, number>>;
  /** Readers that were dropped for taking nothing. */
  dropped = 0;

  readonly #counts: Record<Transport, number> = {
    events: 0,
    socket: 0,
    poll: 0,
  };
  readonly #refused: Record<StreamScope, number> = {
    token: 0,
    mailbox: 0,
    relay: 0,
  };

  /** Streams by a clock, and under caps; what waits is counted in a backlog. */
  constructor(
    clock: Clock,
    caps: Caps,
    backlog: Backlog = new Backlog(clock, caps),
  ) {
    this.#clock = clock;
    this.#caps = caps;
    this.#backlog = backlog;
    this.counts = this.#counts;
    this.refused = this.#refused;
  }

  /** Aborted when the relay is about to stop. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Readers that stay now. */
  get size(): number {
    return TRANSPORTS.reduce((sum, name) => sum + this.#counts[name], 0);
  }

  /** Bytes that wait for readers now, those of long answers among them. */
  get buffered(): number {
    return this.#backlog.bytes;
  }

  /**
   * A place for a reader. It is taken at once, so that of two who come for the
   * last one only one gets it.
   *
   * @throws {RateLimited} saying which cap is reached; {@link Problem} `busy` if
   * sockets that were told to go hold too much
   */
  enter({ transport, token, mailbox }: Visitor): Place {
    if (transport === "socket") this.#backlog.requireRoomForSocket();
    const ofToken = this.#tokens.get(token) ?? 0;
    const ofMailbox = this.#mailboxes.get(mailbox) ?? 0;
    if (ofToken >= this.#caps.tokenStreams) throw this.#full("token");
    if (ofMailbox >= this.#caps.mailboxStreams) throw this.#full("mailbox");
    if (this.size >= this.#caps.streams) throw this.#full("relay");
    this.#counts[transport]++;
    this.#tokens.set(token, ofToken + 1);
    this.#mailboxes.set(mailbox, ofMailbox + 1);
    return this.#place(() => {
      this.#counts[transport]--;
      countDown(this.#tokens, token);
      countDown(this.#mailboxes, mailbox);
    });
  }

  /** Calls `beat` once in a while; gives how to end that. */
  readonly onBeat = (beat: () => void): () => void => {
    this.#beats.add(beat);
    // One timer for all, and none where there are none.
    this.#endBeats ??= this.#clock.every(BEAT_EVERY, () => this.#beat());
    return () => {
      this.#beats.delete(beat);
      if (this.#beats.size > 0) return;
      this.#endBeats?.();
      this.#endBeats = null;
    };
  };

  /** Tells every stream to end: with one more beat, at which it looks. */
  close(): void {
    this.#closing.abort();
    this.#beat();
  }

  #place(free: () => void): Place {
    const { streamBytes } = this.#caps;
    const backlog = this.#backlog;
    let own = 0;
    let isAbandoned = false;
    let hasLeft = false;
    return {
      get buffered() {
        return own;
      },
      set buffered(bytes) {
        if (hasLeft || isAbandoned) return;
        backlog.add(bytes - own);
        own = bytes;
      },
      hasRoomFor(bytes) {
        // One that has nothing gets its message, however large that is, so
        // long as all together have room.
        const isRoomy = own === 0 || own + bytes <= streamBytes;
        return isRoomy && backlog.hasRoomFor(bytes, own);
      },
      abandon() {
        if (hasLeft || isAbandoned) return;
        isAbandoned = true;
        backlog.abandon(own);
      },
      leave() {
        if (hasLeft) return;
        if (isAbandoned) backlog.drop(own);
        else backlog.add(-own);
        own = 0;
        hasLeft = true;
        free();
      },
    };
  }

  #full(scope: StreamScope): RateLimited {
    this.#refused[scope]++;
    const quota = {
      token: this.#caps.tokenStreams,
      mailbox: this.#caps.mailboxStreams,
      relay: this.#caps.streams,
    }[scope];
    return new RateLimited(
      `at most ${quota} readers may stay with one ${scope}`,
      { name: `${scope}-streams`, quota, window: null, seconds: RETRY_AFTER },
    );
  }

  #beat(): void {
    for (const beat of [...this.#beats]) beat();
  }
}

function countDown<K>(counts: Map<K, number>, key: K): void {
  const count = counts.get(key) ?? 0;
  if (count > 1) counts.set(key, count - 1);
  else counts.delete(key);
}
