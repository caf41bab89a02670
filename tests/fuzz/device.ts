/** A reader's device: where it stands, and the stream that it has open. */
import assert from "node:assert/strict";
import { TOKEN_LIFETIME } from "../../lib/token.ts";
import type { MailboxId } from "../../lib/ids.ts";
import type { Listed } from "../routes/owner.ts";
import { checkStreamed, isHint, type Stay, type Way } from "./check.ts";
import type { LiveReader } from "./live_reader.ts";
import { openEvents, openSocket } from "./live_reader.ts";
import type { Model } from "./model.ts";
import type { Worker } from "./worker.ts";
import type { World } from "./world.ts";

/** Milliseconds after which what should come is taken for lost. */
const PATIENCE = 4_000;

/** How to stay: by events, asked for in this process or by TCP, or a socket. */
export type Live =
  | "events"
  | "events by TCP"
  | "socket"
  | "socket of elements";

/** A stream ended without a word: the store failed it. */
const BROKEN = "broken";

interface OpenStream {
  readonly reader: LiveReader;
  readonly stay: Stay;
  readonly worker: Worker;
  readonly transport: Live;
  /** Deaths of the store's server before it was opened. */
  readonly deaths: number;
}

/** One device of a mailbox. */
export class Device {
  /** Up to where it has everything; null before it has read anything. */
  cursor: string | null = null;
  /** Messages that came without their bodies, for want of bandwidth. */
  readonly hints: Listed[] = [];
  #live: OpenStream | null = null;
  #way: Way | null = null;

  constructor(
    readonly name: string,
    readonly mailbox: MailboxId,
    readonly world: World,
    readonly model: Model,
  ) {}

  /** Whether it has a stream open. */
  get isLive(): boolean {
    return this.#live !== null;
  }

  /** The relay that its stream comes from; null if it has none. */
  get worker(): Worker | null {
    return this.#live?.worker ?? null;
  }

  /** Whether the token of its stream has expired. */
  get isOutlived(): boolean {
    return this.#live !== null &&
      this.world.clock.time >= this.#endsAt(this.#live.stay);
  }

  /** Opens a stream from where it stands. */
  async open(transport: Live, bandwidth: number): Promise<void> {
    const isBinary = transport === "socket of elements";
    const way = isBinary || transport === "socket" ? "socket" : "events";
    await this.turnTo(way);
    const { world, model, mailbox, cursor } = this;
    const worker = world.next();
    const stay = {
      way,
      mailbox,
      after: cursor,
      bandwidth,
      since: world.clock.time,
      step: model.step,
    } as const;
    const owner = worker.owner(mailbox);
    const opening = way === "socket"
      ? openSocket(owner, cursor, bandwidth, worker.url, isBinary)
      : openEvents(
        owner,
        cursor,
        bandwidth,
        transport === "events" ? null : worker.url,
      );
    const reader = await within(opening, "an open stream");
    const { deaths } = world;
    this.#live = { reader, stay, worker, transport, deaths };
    model.tally.count(way === "socket" ? "sockets" : "event streams");
    if (isBinary) model.tally.count("sockets of elements");
    if (transport === "events by TCP") {
      model.tally.count("event streams by TCP");
    }
  }

  /** Gives up the stream, if there is one, for another way to go on. */
  async turnTo(way: Way): Promise<void> {
    const { model: { tally } } = this;
    if (this.#way !== null && this.#way !== way) {
      tally.count("switches to another way");
      if (this.isLive) tally.count("switches to another way in mid-stream");
    }
    this.#way = way;
    await this.drop();
  }

  /** Notes what it was sent. */
  got(message: Listed): void {
    if (isHint(message)) this.hints.push(message);
    this.cursor = message.cursor;
  }

  /** Takes so many messages from its stream, or all that there are. */
  async take(most = Infinity): Promise<number> {
    const { world: { clock }, model, mailbox } = this;
    let taken = 0;
    while (
      taken < most && model.above(mailbox, this.cursor, clock.time).length > 0
    ) {
      const what = await this.#next();
      if (what === BROKEN) {
        await this.#openAgain();
        continue;
      }
      assert.equal(what, null, "the stream has not ended");
      taken += 1;
    }
    return taken;
  }

  /** Takes what comes until the relay ends its stream, and says why. */
  async outlast(reason: string): Promise<void> {
    assert.ok(this.#live, "a stream to outlast");
    let end: string | null = null;
    while (end === null) end = await this.#next();
    await this.drop();
    if (end !== BROKEN) assert.equal(end, reason, "why it ends");
  }

  /** Drops the connection, if there is one. */
  async drop(): Promise<void> {
    await this.#live?.reader.drop();
    this.#live = null;
  }

  async #openAgain(): Promise<void> {
    assert.ok(this.#live, "no stream is open");
    const { transport, stay: { bandwidth } } = this.#live;
    this.model.tally.count("streams that a kill broke");
    await this.open(transport, bandwidth);
  }

  /** Null for a message; otherwise why there is none, and no stream. */
  async #next(): Promise<string | null> {
    assert.ok(this.#live, "no stream is open");
    const { reader, stay, worker, deaths } = this.#live;
    const item = await within(reader.next(), "what the stream should bring");
    if (item.kind === "end") return item.reason;
    if (item.kind === "broken") {
      assert.ok(this.world.deaths > deaths, "a stream says why it ends");
      return BROKEN;
    }
    const { message } = item;
    const asked = { ...stay, after: this.cursor };
    checkStreamed(this.model, asked, this.world.clock.time, message);
    assert.ok(message.storedAt < this.#endsAt(stay), "its token has expired");
    this.got(message);
    const { tally } = this.model;
    tally.count("messages streamed");
    if (!worker.isHearing) {
      tally.count("messages streamed where doorbells are lost");
    }
    return null;
  }

  #endsAt({ since }: Stay): number {
    return 1_000 * Math.floor(since / 1_000) + TOKEN_LIFETIME;
  }
}

/** What a promise gives, unless it takes so long that it is taken for lost. */
export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`${what} has not come`)),
    PATIENCE,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
