/** A reader that comes again wherever its connection breaks. */
import assert from "node:assert/strict";
import { pauseBeforeRetry } from "./deadline.ts";
import type { Mailbox } from "./mailbox.ts";
import { BrokenError, type Transport } from "./transports.ts";

/** Whom a reader reads, how, and through which worker. */
export interface FollowerOptions {
  readonly mailbox: Mailbox;
  readonly transport: Transport;
  /** The worker to go to; asked again after a break. */
  readonly worker: () => string;
}

/** Takes down what it reads. */
export class Follower implements AsyncDisposable {
  /** Message ids, in the order in which they came. */
  readonly ids: string[] = [];
  /** Connections that broke. */
  breaks = 0;
  readonly #options: FollowerOptions;
  readonly #stop = new AbortController();
  readonly #reading: Promise<void>;
  readonly #failed = Promise.withResolvers<never>();
  #after: string | null = null;
  #grown = Promise.withResolvers<void>();

  /** Reads from the start until it is disposed of. */
  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#failed.promise.catch(() => {});
    this.#reading = this.#read().catch(this.#failed.reject);
  }

  /** Ends once so many messages have come. */
  async has(count: number): Promise<void> {
    while (this.ids.length < count) {
      await Promise.race([this.#grown.promise, this.#failed.promise]);
    }
  }

  /** Stops reading. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { mailbox, transport, worker } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const after = this.#after;
      try {
        const place = { mailbox, url: worker(), after, signal };
        for await (const listed of transport(place)) {
          assert.ok(listed.cursor > (this.#after ?? ""), "in order, once");
          mailbox.check(listed);
          this.#after = listed.cursor;
          this.ids.push(listed.id);
          this.#grown.resolve();
          this.#grown = Promise.withResolvers();
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof BrokenError)) throw error;
        this.breaks++;
        await pauseBeforeRetry();
      }
    }
  }
}
