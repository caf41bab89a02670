/** Real relays on one real store, that can be stopped and begun anew. */
import assert from "node:assert/strict";
import type { DoorbellOptions } from "../../kv/bells/doorbells.ts";
import { noteRead } from "../../kv/mail/mailboxes.ts";
import type { Database } from "../../kv/store/database.ts";
import { openDatabase } from "../../kv/store/deno_kv.ts";
import type { Store } from "../../kv/store/store.ts";
import { type MailboxId, mailboxIdOf } from "../../lib/ids.ts";
import { Problem } from "../../lib/problem.ts";
import type { DenoKv } from "../cluster/denokv.ts";
import type { Owner } from "../routes/owner.ts";
import { Failures } from "./failures.ts";
import { MAILBOX_KEYS } from "./mail.ts";
import type { Place } from "./place.ts";
import { Worker } from "./worker.ts";
import { WorldClock } from "./world_clock.ts";

/** Makes a relay's database break its promise; for showing that it is noticed. */
export type Breakage = (
  database: Database,
  life: number,
) => Database | Promise<Database>;

/** How relays are run. */
export interface WorldOptions {
  readonly place: Place;
  /** How many run at once. */
  readonly workers: number;
  /** How the next one that begins is to listen. */
  readonly doorbells: () => DoorbellOptions;
  readonly breakage?: Breakage | undefined;
}

/** Whether it says that the store does not answer. */
export function isBusy(error: unknown): boolean {
  return error instanceof Problem && error.code === "busy";
}

/** One store, and one relay after another on it. */
export class World implements AsyncDisposable {
  readonly clock = new WorldClock();
  /** All mailboxes, whether anybody reads them or not. */
  readonly mailboxes: readonly MailboxId[] = MAILBOX_KEYS.map(mailboxIdOf);
  /** Commits that are to fail. */
  readonly failures: Failures = new Failures();
  readonly #options: WorldOptions;
  /** How often the store's server died. */
  deaths = 0;
  /** Whether it is dead, or may be. */
  isFailing = false;
  /** How often somebody was told to come again for that. */
  refusals = 0;
  readonly #workers: Worker[] = [];
  #lives = 0;
  #turn = 0;

  private constructor(options: WorldOptions) {
    this.#options = options;
  }

  /** Starts the first relays. */
  static async open(options: WorldOptions): Promise<World> {
    await using opening = new AsyncDisposableStack();
    const world = opening.use(new World(options));
    while (world.#workers.length < options.workers) await world.#begin();
    // Else those that hold nothing would end after a month.
    for (const mailbox of world.mailboxes) {
      await noteRead(world.store(), mailbox, world.clock.time);
    }
    opening.move();
    return world;
  }

  /** The relays that run now. */
  get workers(): readonly Worker[] {
    return this.#workers;
  }

  /** What keeps the store, if that can be killed. */
  get server(): DenoKv | null {
    return this.#options.place.server;
  }

  /** The relay whose turn it is, as behind a balancer. */
  next(): Worker {
    const worker = this.#workers[this.#turn++ % this.#workers.length];
    assert.ok(worker, "all relays are stopped");
    return worker;
  }

  /** The store, by the relay whose turn it is. */
  store(): Store {
    return this.next().relay.relay.store;
  }

  /** The owner of a mailbox, who asks the relay whose turn it is. */
  owner(mailbox: string): Owner {
    return this.next().owner(mailbox);
  }

  /**
   * Asks a relay, and again while it is too busy; which it may be only while
   * the store's server is failing.
   */
  async ask(request: () => Promise<Response>): Promise<Response> {
    for (;;) {
      const response = await request();
      if (response.status !== 503 || !this.isFailing) return response;
      const { code } = await response.json();
      const told = [code, response.headers.get("Retry-After")];
      assert.deepEqual(told, ["busy", "2"], "what a busy relay says");
      this.refusals += 1;
    }
  }

  /** Tells every stream to end. */
  async drain(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.drain()));
  }

  /** Ends a relay, and begins another one in its place. */
  async replace(worker: Worker): Promise<void> {
    const { epoch } = worker.relay.relay.store;
    await this.#end(worker);
    const { relay } = await this.#begin();
    assert.equal(relay.relay.store.epoch, epoch, "epoch");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of [...this.#workers]) await this.#end(worker);
  }

  async #begin(): Promise<Worker> {
    const { place: { kv }, doorbells, breakage } = this.#options;
    this.#lives += 1;
    const life = this.#lives;
    const worker = await Worker.begin({
      kv,
      openDatabase: async (location) => {
        const database = await openDatabase(location);
        return this.failures.wrap(await breakage?.(database, life) ?? database);
      },
      // Every other keeps what a row has no room for in rows of its own.
      ...(life % 2 === 0 && { queue: { rowBytes: Infinity } }),
      doorbells: doorbells(),
      clock: this.clock,
    });
    this.#workers.push(worker);
    return worker;
  }

  async #end(worker: Worker): Promise<void> {
    this.#workers.splice(this.#workers.indexOf(worker), 1);
    const { failures } = await worker.end();
    // A stream may have met its end while the store had no server.
    const own = failures.filter((error) => this.deaths === 0 || !isBusy(error));
    assert.deepEqual(own, [], "failures that were the relay's own");
  }
}
