/** Rings: who got mail by a commit, for all workers to hear. */
import type { MailboxId } from "../../lib/ids.ts";
import { keys, shardOf } from "../kinds.ts";
import type { Gathered } from "../store/commit_part.ts";
import type { Operation } from "../store/database.ts";
import type { Store } from "../store/store.ts";

/** Milliseconds for which the rings of a shard are kept. */
export const RINGS_KEPT = 10 * 60_000;

/** The doorbell of a mailbox's shard, and the ring that says whose it was. */
export const RING_MUTATIONS = 2;

/** Hears of mailboxes that got mail by this worker's own commits. */
export type RingListener = (mailboxes: readonly MailboxId[]) => void;

const listeners = new WeakMap<Store, Set<RingListener>>();

/** Calls back at every commit of this worker that brings mail; gives how to end that. */
export function onOwnRing(store: Store, listener: RingListener): () => void {
  const own = listeners.get(store) ?? new Set();
  listeners.set(store, own.add(listener));
  return () => own.delete(listener);
}

/** The rings of one commit. */
export class Rings implements Gathered {
  readonly #store: Store;
  readonly #mailboxes = new Set<MailboxId>();

  /** Of a commit to that store. */
  constructor(store: Store) {
    this.#store = store;
  }

  /** Rings for a mailbox. */
  add(mailbox: MailboxId): void {
    this.#mailboxes.add(mailbox);
  }

  /** Writes a ring for each shard, and sets its doorbell. */
  finish(operation: Operation): void {
    const shards = Map.groupBy(this.#mailboxes, shardOf);
    for (const [shard, mailboxes] of shards) {
      operation
        .set(keys.doorbell(shard), true)
        .set(keys.newRing(shard), mailboxes, { expireIn: RINGS_KEPT });
    }
  }

  /** Those who listen here need not wait for the bell. */
  committed(): void {
    this.#tell();
  }

  /** Whoever finds nothing has looked for nothing. */
  found(): void {
    this.#tell();
  }

  #tell(): void {
    const mailboxes = [...this.#mailboxes];
    for (const listener of listeners.get(this.#store) ?? []) {
      listener(mailboxes);
    }
  }
}
