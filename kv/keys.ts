/**
 * The key space. This is the one place that builds keys (DESIGN section 4).
 *
 * | key                                        | value                          |
 * | ------------------------------------------ | ------------------------------ |
 * | `store`                                    | {@link StoreRecord}: the epoch |
 * | `relay, keys`                              | the relay's private keys       |
 * | `message, <mailbox>, <commit versionstamp>`| the log, in commit order       |
 * | `seen, <message id>`                       | dedupe mark, facts for receipts|
 * | `object, <blake3>`                         | header of a stored object      |
 * | `segment, <blake3>, <n>`                   | part n of a body over 4 KiB    |
 * | `mailbox, <mailbox>`                       | the owner's record             |
 * | `reader, <mailbox>, <reader>`              | acknowledged, one per device   |
 * | `doorbell, <shard>`                        | set by every commit that       |
 * |                                            | touches a mailbox of the shard |
 * | `ring, <shard>, <commit versionstamp>`     | the mailboxes that it touched; |
 * |                                            | kept for ten minutes           |
 * | `usage, <mailbox>, <hour>`                 | what of a mailbox is held      |
 * |                                            | until that hour                |
 * | `relay-usage, <shard>, <hour>`             | the same of all its mailboxes  |
 * | `trial, <part>, <part>`                    | what is tried at start         |
 * | `handshake, <id>`                          | set once it has succeeded      |
 * | `ticket, <mailbox>, <slot>`                | opens one WebSocket, once      |
 *
 * A log key ends in its own commit's versionstamp, so the database numbers the
 * log, and the versionstamp of a `seen` or `object` entry is that of the log
 * entry it was committed with.
 */
import type { MailboxId, MessageId, ObjectHash } from "../lib/ids.ts";

/** Shards of doorbells: as many keys as one `kv.watch` takes. */
export const DOORBELL_SHARDS = 10;

/** The shard whose doorbell a mailbox's mail rings. */
export function shardOf(mailbox: MailboxId): number {
  return parseInt(mailbox.slice(0, 8), 16) % DOORBELL_SHARDS;
}

/** Builders of every key there is. */
export const keys = {
  store: () => ["store"],
  relayKeys: () => ["relay", "keys"],
  messages: (mailbox: MailboxId) => ["message", mailbox],
  message: (
    mailbox: MailboxId,
    stamp: string | symbol,
  ) => ["message", mailbox, stamp],
  seen: (id: MessageId) => ["seen", id],
  object: (hash: ObjectHash) => ["object", hash],
  segments: (hash: ObjectHash) => ["segment", hash],
  segment: (hash: ObjectHash, n: number) => ["segment", hash, n],
  mailbox: (id: MailboxId) => ["mailbox", id],
  readers: (mailbox: MailboxId) => ["reader", mailbox],
  reader: (mailbox: MailboxId, reader: string) => ["reader", mailbox, reader],
  doorbell: (shard: number) => ["doorbell", shard],
  rings: (shard: number) => ["ring", shard],
  ring: (shard: number, stamp: string | symbol) => ["ring", shard, stamp],
  everyUsage: () => ["usage"],
  usages: (mailbox: MailboxId) => ["usage", mailbox],
  usage: (mailbox: MailboxId, hour: number) => ["usage", mailbox, hour],
  relayUsages: () => ["relay-usage"],
  relayUsage: (shard: number, hour: number) => ["relay-usage", shard, hour],
  trial: (...parts: (string | number)[]) => ["trial", ...parts],
  handshake: (id: string) => ["handshake", id],
  tickets: (mailbox: MailboxId) => ["ticket", mailbox],
  ticket: (mailbox: MailboxId, slot: number) => ["ticket", mailbox, slot],
} as const;
