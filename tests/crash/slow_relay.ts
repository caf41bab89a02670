/** A relay that listens, on a slow store. */
import { completeHandshake } from "../../kv/mail/mailboxes.ts";
import { readAfter } from "../../kv/mail/read.ts";
import type { Store } from "../../kv/store/store.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { mailboxIdOf } from "../../lib/ids.ts";
import { createApp } from "../../routes/app.ts";
import { type Clock, MINUTE, SECOND } from "../routes/clock.ts";
import { envelopeBytes, randomBytes } from "../routes/envelopes.ts";
import { freshKey } from "../routes/owner.ts";
import { TestRelay } from "../routes/relay_fixture.ts";
import { type HeldCommit, SlowKv } from "./slow_store.ts";

/** What a poster was told. */
export interface Told {
  readonly status: number;
  readonly text: string;
}

/** Counts requests. */
class Arrivals {
  #count = 0;
  #next = Promise.withResolvers<void>();

  add(): void {
    this.#count++;
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }

  async reach(count: number): Promise<void> {
    while (this.#count < count) await this.#next.promise;
  }
}

/** Its clock moves as the test says, and its commits end as the test says. */
export class SlowRelay implements AsyncDisposable {
  readonly kv: SlowKv;
  readonly url: string;
  readonly #arrivals: Arrivals;
  readonly #clock: Clock;
  readonly #store: Store;
  readonly #open: AsyncDisposable;

  private constructor(
    { kv, store, clock, url, arrivals, open }: {
      kv: SlowKv;
      store: Store;
      clock: Clock;
      url: string;
      arrivals: Arrivals;
      open: AsyncDisposable;
    },
  ) {
    this.kv = kv;
    this.url = url;
    this.#store = store;
    this.#clock = clock;
    this.#arrivals = arrivals;
    this.#open = open;
  }

  static async start(): Promise<SlowRelay> {
    await using opening = new AsyncDisposableStack();
    const { relay, clock } = opening.use(await TestRelay.open());
    const kv = new SlowKv();
    const store = opening.use(await kv.open());
    const app = await createApp({ ...relay, store });
    const arrivals = new Arrivals();
    const server = opening.use(
      Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (
        request,
      ) => {
        arrivals.add();
        return app.fetch(request);
      }),
    );
    const url = `http://127.0.0.1:${server.addr.port}`;
    return new SlowRelay({
      kv,
      store,
      clock,
      url,
      arrivals,
      open: opening.move(),
    });
  }

  /** A mined message to a new mailbox, or to the one of a key. */
  async message(to: Bytes = freshKey(), size = 1_500): Promise<Bytes> {
    const { time } = this.#clock;
    const id = randomBytes(22).toHex();
    const handshake = { id, expires: time + MINUTE, publicKey: to };
    await completeHandshake(this.#store, handshake, time);
    return envelopeBytes({ to, time, size });
  }

  /** Posts it, until it is told something or gives up. */
  async post(body: Bytes, signal?: AbortSignal): Promise<Told> {
    const response = await fetch(`${this.url}/v1/messages`, {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream" },
      body,
      ...(signal && { signal }),
    });
    return { status: response.status, text: await response.text() };
  }

  /** The commit that has begun, ten seconds later by the relay's clock. */
  async tenSecondsInto(): Promise<HeldCommit> {
    const held = await this.kv.next();
    this.#clock.advance(10 * SECOND);
    return held;
  }

  /** Ends once so many requests have come, and one behind them was answered. */
  async hasGot(requests: number): Promise<void> {
    await this.#arrivals.reach(requests);
    const relay = await fetch(`${this.url}/.well-known/restante`);
    await relay.body?.cancel();
  }

  /** The ids in a mailbox. */
  async idsIn(to: Bytes): Promise<string[]> {
    const { messages } = await readAfter(this.#store, {
      mailbox: mailboxIdOf(to),
      now: this.#clock.time,
      after: null,
      limit: 1_000,
      bandwidth: Infinity,
    });
    return messages.map(({ id }) => id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open[Symbol.asyncDispose]();
  }
}
