/** A real relay on a file, that can be stopped and begun anew. */
import assert from "node:assert/strict";
import type { DoorbellOptions } from "../../kv/doorbells.ts";
import type { Store } from "../../kv/store.ts";
import { Clock } from "../routes/clock.ts";
import { Owner } from "../routes/owner.ts";
import { TestRelay } from "../routes/relay_fixture.ts";
import { MAILBOX_KEYS } from "./mail.ts";

/** Makes a relay's store break its promise; for showing that it is noticed. */
export type Breakage = (store: Store, life: number) => void | Promise<void>;

/** How a relay is run. */
export interface WorldOptions {
  /** The file of its store. */
  readonly kv: string;
  readonly doorbells: DoorbellOptions;
  readonly breakage?: Breakage | undefined;
}

/** One store, and one relay after another on it. */
export class World implements AsyncDisposable {
  readonly clock = new Clock();
  readonly #options: WorldOptions;
  #relay: TestRelay | null = null;
  #owners: Owner[] = [];
  #server: Deno.HttpServer<Deno.NetAddr> | null = null;
  #lives = 0;

  private constructor(options: WorldOptions) {
    this.#options = options;
  }

  /** Starts the first relay. */
  static async open(options: WorldOptions): Promise<World> {
    const world = new World(options);
    await world.#begin();
    return world;
  }

  /** The relay that runs now. */
  get relay(): TestRelay {
    assert.ok(this.#relay, "the relay is stopped");
    return this.#relay;
  }

  /** The owners of all mailboxes. */
  get owners(): readonly Owner[] {
    return this.#owners;
  }

  /** The owner of a mailbox. */
  owner(mailbox: string): Owner {
    const owner = this.#owners.find((one) => one.mailbox === mailbox);
    assert.ok(owner, `nobody owns ${mailbox}`);
    return owner;
  }

  /** Where WebSockets are answered, which need a real connection. */
  get socketUrl(): string {
    this.#server ??= Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => this.relay.app.fetch(request),
    );
    return `ws://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Tells every stream to end. Then {@link World.restart} or nothing more. */
  async drain(): Promise<void> {
    assert.ok(await this.relay.app.drain(), "requests end when it drains");
  }

  /** Begins anew on the same file. */
  async restart(): Promise<void> {
    const { epoch } = this.relay.relay.store;
    await this.#end();
    await this.#begin();
    assert.equal(this.relay.relay.store.epoch, epoch, "epoch");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  async #begin(): Promise<void> {
    const { kv, doorbells, breakage } = this.#options;
    this.#relay = await TestRelay.open({ kv, doorbells, clock: this.clock });
    this.#lives += 1;
    await breakage?.(this.#relay.relay.store, this.#lives);
    this.#owners = [];
    for (const key of MAILBOX_KEYS) {
      this.#owners.push(await Owner.open(this.#relay, key));
    }
  }

  async #end(): Promise<void> {
    const relay = this.#relay;
    if (relay === null) return;
    await relay.app.drain();
    await this.#server?.shutdown();
    this.#server = null;
    await relay.relay.doorbells[Symbol.asyncDispose]();
    relay[Symbol.dispose]();
    this.#relay = null;
    assert.deepEqual(relay.failures, [], "failures that were the relay's own");
  }
}
