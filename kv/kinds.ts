/**
 * The key space: every kind of entry there is, with its rules, and the builders
 * of its keys (DESIGN section 4). A new kind is a row here and a builder below;
 * nothing else has to know of it. Types alone are taken from the rooms above.
 */
import type { Bytes } from "../lib/bytes.ts";
import type { MailboxId, MessageId, ObjectHash } from "../lib/ids.ts";
import type { DueItem, DueKind } from "./mail/due.ts";
import type { StoredFacts } from "./mail/entry.ts";
import type { Mailbox } from "./mail/mailboxes.ts";
import type { StoredHeader } from "./mail/objects.ts";
import type { Readers } from "./mail/readers.ts";
import type { Ticket } from "./mail/tickets.ts";
import type { UsageRow } from "./mail/usage.ts";
import type { KeysRecord } from "./relay_keys.ts";
import { type Key, type NewKey, STAMP } from "./store/database.ts";
import type { Lease } from "./store/lease.ts";
import type { StoreRecord } from "./store/record.ts";

/**
 * What becomes of a kind's entries in a backup. `log`: they have records of their
 * own. `copied`: they are restored as they were. `made anew`: they belong to the
 * store they are in, or to the moment.
 */
export type BackupRule = "log" | "copied" | "made anew";

/** The rules of a kind. */
export interface Kind {
  /** The parts of its key behind the kind's name. */
  readonly key: string;
  /** What is kept there. */
  readonly value: string;
  /** When it goes. */
  readonly ends: string;
  /** What becomes of it in a backup. */
  readonly backup: BackupRule;
}

/** Every kind, by the first part of its keys. */
export const KINDS = {
  store: {
    key: "",
    value: "the store's record: its form, its epoch, its limits",
    ends: "never",
    backup: "made anew",
  },
  relay: {
    key: "keys",
    value: "the relay's private keys, and its former public ones",
    ends: "never",
    backup: "copied",
  },
  message: {
    key: "<mailbox>, <commit versionstamp>",
    value: "the log: what one commit stored for a mailbox, in order",
    ends: "acknowledged or deleted; 7 days after the hold",
    backup: "log",
  },
  seen: {
    key: "<message id>",
    value: "dedupe mark, with the facts of the receipt",
    ends: "with the message, and not before the window of its work",
    backup: "log",
  },
  object: {
    key: "<blake3>",
    value: "header of a stored object",
    ends: "acknowledged or deleted; with the hold",
    backup: "log",
  },
  segment: {
    key: "<blake3>, <n>",
    value: "part n of a body that does not stand in the log",
    ends: "with its object",
    backup: "log",
  },
  mailbox: {
    key: "<mailbox>",
    value: "the owner's record",
    ends: "closed by its owner; 30 days unused",
    backup: "copied",
  },
  readers: {
    key: "<mailbox>",
    value: "what each device has acknowledged",
    ends: "with the mailbox; a device after 60 days of silence",
    backup: "log",
  },
  usage: {
    key: "<mailbox>",
    value: "what is kept for a mailbox; changed by every commit of its mail",
    ends: "with the mailbox, and not before the last mark of its mail",
    backup: "made anew",
  },
  "relay-usage": {
    key: "<shard>",
    value: "the same of all mailboxes of a shard, summed up",
    ends: "never",
    backup: "made anew",
  },
  due: {
    key: "<hour>, <due kind>, <n>, <commit versionstamp>",
    value: "what falls due at that hour: ends of holds, tombstones, marks",
    ends: "when it was seen to",
    backup: "made anew",
  },
  lease: {
    key: "<what>",
    value: "which worker sees to something, and until when",
    ends: "by its time",
    backup: "made anew",
  },
  doorbell: {
    key: "<shard>",
    value: "set by every commit that brings mail to a mailbox of the shard",
    ends: "never",
    backup: "made anew",
  },
  ring: {
    key: "<shard>, <commit versionstamp>",
    value: "the mailboxes that it brought mail to",
    ends: "after ten minutes",
    backup: "made anew",
  },
  handshake: {
    key: "<id>",
    value: "set once it has succeeded",
    ends: "with its challenge",
    backup: "copied",
  },
  ticket: {
    key: "<mailbox>, <slot>",
    value: "opens one WebSocket, once",
    ends: "spent; after half a minute",
    backup: "made anew",
  },
  revocation: {
    key: "",
    value: "set whenever the tokens of a mailbox are revoked",
    ends: "never",
    backup: "made anew",
  },
  trial: {
    key: "<part>, <part>, <part>",
    value: "what is tried when the store is opened",
    ends: "at once",
    backup: "made anew",
  },
} as const satisfies Record<string, Kind>;

/** The name of a kind. */
export type KindName = keyof typeof KINDS;

/** Shards of doorbells: as many keys as one watch takes. */
export const SHARDS = 10;

/** The shard of a mailbox: whose doorbell its mail rings, where it is summed up. */
export function shardOf(mailbox: MailboxId): number {
  return parseInt(mailbox.slice(0, 8), 16) % SHARDS;
}

/**
 * Builders of every key there is; each knows what is kept under it. Those of new
 * entries end in the versionstamp of the commit that writes them.
 */
export const keys = {
  store: (): Key<StoreRecord> => ["store"],
  relayKeys: (): Key<KeysRecord> => ["relay", "keys"],
  everyMessage: (): Key<Bytes> => ["message"],
  messages: (mailbox: MailboxId): Key<Bytes> => ["message", mailbox],
  message: (mailbox: MailboxId, stamp: string): Key<Bytes> => [
    "message",
    mailbox,
    stamp,
  ],
  newMessage: (mailbox: MailboxId): NewKey<Bytes> => [
    "message",
    mailbox,
    STAMP,
  ],
  seens: (): Key<StoredFacts> => ["seen"],
  seen: (id: MessageId): Key<StoredFacts> => ["seen", id],
  object: (hash: ObjectHash): Key<StoredHeader> => ["object", hash],
  segments: (hash: ObjectHash): Key<Bytes> => ["segment", hash],
  segment: (hash: ObjectHash, n: number): Key<Bytes> => ["segment", hash, n],
  mailboxes: (): Key<Mailbox> => ["mailbox"],
  mailbox: (id: MailboxId): Key<Mailbox> => ["mailbox", id],
  readers: (mailbox: MailboxId): Key<Readers> => ["readers", mailbox],
  usages: (): Key<UsageRow> => ["usage"],
  usage: (mailbox: MailboxId): Key<UsageRow> => ["usage", mailbox],
  relayUsage: (shard: number): Key<bigint> => ["relay-usage", shard],
  dues: (): Key<readonly DueItem[]> => ["due"],
  duesFrom: (hour: number): Key<readonly DueItem[]> => ["due", hour],
  newDue: (
    hour: number,
    kind: DueKind,
    n: number,
  ): NewKey<readonly DueItem[]> => ["due", hour, kind, n, STAMP],
  lease: (what: string): Key<Lease> => ["lease", what],
  doorbell: (shard: number): Key<true> => ["doorbell", shard],
  rings: (shard: number): Key<readonly MailboxId[]> => ["ring", shard],
  ring: (shard: number, stamp: string): Key<readonly MailboxId[]> => [
    "ring",
    shard,
    stamp,
  ],
  newRing: (shard: number): NewKey<readonly MailboxId[]> => [
    "ring",
    shard,
    STAMP,
  ],
  handshake: (id: string): Key<true> => ["handshake", id],
  tickets: (mailbox: MailboxId): Key<Ticket> => ["ticket", mailbox],
  ticket: (mailbox: MailboxId, slot: number): Key<Ticket> => [
    "ticket",
    mailbox,
    slot,
  ],
  revocation: (): Key<true> => ["revocation"],
  trial: (what: string, name: string | number): Key<unknown> => [
    "trial",
    what,
    name,
  ],
  newTrial: (what: string, name: string): NewKey<unknown> => [
    "trial",
    what,
    name,
    STAMP,
  ],
} as const;
