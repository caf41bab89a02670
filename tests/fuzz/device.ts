/** A reader's device: where it stands, and the stream that it has open. */
import assert from "node:assert/strict";
import { TOKEN_LIFETIME } from "../../lib/token.ts";
import { checkStreamed, type Stay } from "./check.ts";
import type { LiveReader } from "./live_reader.ts";
import { openEvents, openSocket } from "./live_reader.ts";
import type { Model } from "./model.ts";
import type { World } from "./world.ts";

/** Milliseconds after which what should come is taken for lost. */
const PATIENCE = 4_000;

/** The ways to read that stay open. */
export type Live = "events" | "socket";

/** One device of a mailbox. */
export class Device {
  /** Up to where it has everything; null before it has read anything. */
  cursor: string | null = null;
  #live: { reader: LiveReader; stay: Stay } | null = null;

  constructor(
    readonly name: string,
    readonly mailbox: string,
    readonly world: World,
    readonly model: Model,
  ) {}

  /** Whether it has a stream open. */
  get isLive(): boolean {
    return this.#live !== null;
  }

  /** Whether the token of its stream has expired. */
  get isOutlived(): boolean {
    return this.#live !== null &&
      this.world.clock.time >= this.#endsAt(this.#live.stay);
  }

  /** Opens a stream from where it stands. */
  async open(transport: Live, bandwidth: number): Promise<void> {
    await this.drop();
    const { world, model, mailbox, cursor } = this;
    const stay = {
      mailbox,
      after: cursor,
      bandwidth,
      since: world.clock.time,
      step: model.step,
    };
    const owner = world.owner(mailbox);
    const opening = transport === "events"
      ? openEvents(owner, cursor, bandwidth)
      : openSocket(owner, cursor, bandwidth, world.socketUrl);
    this.#live = { reader: await within(opening, "an open stream"), stay };
  }

  /** Takes so many messages from its stream, or all that there are. */
  async take(most = Infinity): Promise<number> {
    const { world: { clock }, model, mailbox } = this;
    let taken = 0;
    while (
      taken < most && model.above(mailbox, this.cursor, clock.time).length > 0
    ) {
      assert.equal(await this.#next(), null, "the stream has not ended");
      taken += 1;
    }
    return taken;
  }

  /** Takes what comes until the relay ends the stream; gives why it did. */
  async outlast(): Promise<string | null> {
    while (this.#live !== null) {
      const reason = await this.#next();
      if (reason === null) continue;
      this.#live = null;
      return reason;
    }
    return null;
  }

  /** Drops the connection, if there is one. */
  async drop(): Promise<void> {
    await this.#live?.reader.drop();
    this.#live = null;
  }

  async #next(): Promise<string | null> {
    assert.ok(this.#live, "no stream is open");
    const { reader, stay } = this.#live;
    const item = await within(reader.next(), "what the stream should bring");
    if (item.kind === "end") return item.reason;
    const { message } = item;
    const asked = { ...stay, after: this.cursor };
    checkStreamed(this.model, asked, this.world.clock.time, message);
    assert.ok(message.storedAt < this.#endsAt(stay), "its token has expired");
    this.cursor = message.cursor;
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
