/** One relay of a world, from its start to its end, and who reads through it. */
import assert from "node:assert/strict";
import type { DoorbellOptions } from "../../kv/bells/doorbells.ts";
import { Owner } from "../routes/owner.ts";
import { TestRelay, type TestRelayOptions } from "../routes/relay_fixture.ts";
import { MAILBOX_KEYS } from "./mail.ts";

/** How a worker is begun. */
export interface WorkerOptions extends TestRelayOptions {
  readonly doorbells: DoorbellOptions;
}

/** A relay in this process, which listens once somebody connects. */
export class Worker {
  readonly relay: TestRelay;
  /** Whether it hears doorbells; else they are all lost on it. */
  readonly isHearing: boolean;
  readonly #owners: readonly Owner[];
  #server: Deno.HttpServer<Deno.NetAddr> | null = null;

  private constructor(
    relay: TestRelay,
    isHearing: boolean,
    owners: readonly Owner[],
  ) {
    this.relay = relay;
    this.isHearing = isHearing;
    this.#owners = owners;
  }

  /** Starts one on a store that may have been used before. */
  static async begin(options: WorkerOptions): Promise<Worker> {
    const relay = await TestRelay.open(options);
    const owners: Owner[] = [];
    for (const key of MAILBOX_KEYS) owners.push(await Owner.open(relay, key));
    return new Worker(relay, options.doorbells.isHearing !== false, owners);
  }

  /** The owner of a mailbox, who asks this worker. */
  owner(mailbox: string): Owner {
    const owner = this.#owners.find((one) => one.mailbox === mailbox);
    assert.ok(owner, `nobody owns ${mailbox}`);
    return owner;
  }

  /** Where it listens. */
  get url(): string {
    this.#server ??= Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => this.relay.app.fetch(request),
    );
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Tells every stream to end; nothing can be asked any more. */
  async drain(): Promise<void> {
    assert.ok(await this.relay.app.drain(), "requests end when it drains");
  }

  /** Stops it in good order; gives the failures that it took for its own. */
  async end(): Promise<{ failures: readonly unknown[] }> {
    const { relay } = this;
    await relay.app.drain();
    await this.#server?.shutdown();
    await relay.relay.doorbells[Symbol.asyncDispose]();
    relay[Symbol.dispose]();
    return relay;
  }
}
