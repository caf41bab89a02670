/** The log of a mailbox: committing a message, and reading from any cursor. */
import {
  type Cursor,
  cursorOf,
  parseCursor,
  type Position,
  START_VERSIONSTAMP,
} from "../lib/cursor.ts";
import { blake3_256 } from "../lib/hash.ts";
import {
  type MailboxId,
  type MessageId,
  type ObjectHash,
  objectHashOf,
} from "../lib/ids.ts";
import type { Bytes } from "../lib/minima/codec.ts";
import type { Paid } from "../lib/receipt.ts";
import { keys } from "./keys.ts";
import {
  deleteObject,
  INLINE_BYTES,
  readSegments,
  segmentCount,
  setObject,
} from "./objects.ts";
import type { Store } from "./store.ts";

/** How urgent a message is, by its sender's word. */
export const PRIORITIES = ["critical", "normal", "lazy"] as const;

/** One of {@link PRIORITIES}. */
export type Priority = typeof PRIORITIES[number];

/** A message that was checked and priced. */
export interface NewMessage {
  /** Hash of its package. */
  readonly id: MessageId;
  /** The mailbox it is in. */
  readonly mailbox: MailboxId;
  /** The whole envelope. */
  readonly body: Bytes;
  /** What it was paid with. */
  readonly paid: Paid;
  /** Seconds. */
  readonly hold: number;
  /** Bits a second; a slower link gets no body. */
  readonly minBandwidth: number;
  /** By the sender's word. */
  readonly priority: Priority;
  /** Unix milliseconds until which the same work could be sent again. */
  readonly workUntil: number;
}

/** The facts that receipts are made of; kept with the dedupe mark. */
export interface StoredFacts {
  /** The mailbox it is in. */
  readonly mailbox: MailboxId;
  /** Name of the stored bytes. */
  readonly object: ObjectHash;
  /** Bytes. */
  readonly size: number;
  /** Unix milliseconds. */
  readonly storedAt: number;
  /** Unix milliseconds. */
  readonly holdUntil: number;
  /** What it was paid with. */
  readonly paid: Paid;
}

/** A message that the store holds, or held. */
export interface StoredMessage extends StoredFacts {
  /** Hash of its package. */
  readonly id: MessageId;
  /** Where it stands in the log. */
  readonly cursor: Cursor;
}

/** A log entry. */
export interface MessageEntry {
  /** Hash of its package. */
  readonly id: MessageId;
  /** Name of the stored bytes. */
  readonly object: ObjectHash;
  /** Bytes. */
  readonly size: number;
  /** Bits a second; a slower link gets no body. */
  readonly minBandwidth: number;
  /** By the sender's word. */
  readonly priority: Priority;
  /** Unix milliseconds. */
  readonly storedAt: number;
  /** Unix milliseconds. */
  readonly holdUntil: number;
  /** Null where the body is kept in segments. */
  readonly body: Bytes | null;
}

/** A log entry as a reader gets it. */
export interface ListedMessage extends Omit<MessageEntry, "body"> {
  /** Where it stands in the log. */
  readonly cursor: Cursor;
  /** The envelope; null if it expired or the link is too slow for it. */
  readonly body: Bytes | null;
  /** Whether the hold ended before anybody acknowledged the message. */
  readonly expired: boolean;
}

/** How long an expired message is still listed, without its body. */
export const TOMBSTONE_MS = 7 * 86_400_000;

/** What came of a commit. */
export interface CommittedMessage {
  /** As it is stored. */
  readonly message: StoredMessage;
  /** False if the store had the message already. */
  readonly created: boolean;
}

/**
 * Stores a message: log entry, object, dedupe mark and doorbell in one atomic
 * operation, so that it is charged if and only if it is stored, and once.
 */
export async function commitMessage(
  store: Store,
  message: NewMessage,
  now: number,
): Promise<CommittedMessage> {
  const { id, mailbox, body, paid, minBandwidth, priority } = message;
  const holdUntil = now + 1_000 * message.hold;
  const object = objectHashOf(blake3_256(body));
  const facts: StoredFacts = {
    mailbox,
    object,
    size: body.length,
    storedAt: now,
    holdUntil,
    paid,
  };
  const entry: MessageEntry = {
    id,
    object,
    size: body.length,
    minBandwidth,
    priority,
    storedAt: now,
    holdUntil,
    // A copy: KV would keep the whole buffer that a view stands in.
    body: body.length <= INLINE_BYTES ? body.slice() : null,
  };
  const held = holdUntil - now;
  const markUntil = Math.max(holdUntil, message.workUntil) + TOMBSTONE_MS;
  const versionstamp = await store.commit((operation) => {
    operation
      .check({ key: keys.seen(id), versionstamp: null })
      .set(keys.seen(id), facts, { expireIn: markUntil - now })
      .set(keys.message(mailbox, store.commitVersionstamp()), entry, {
        expireIn: held + TOMBSTONE_MS,
      })
      .set(keys.doorbell(mailbox), now);
    setObject(operation, object, body, {
      mailbox,
      size: body.length,
      holdUntil,
    }, held);
  });
  if (versionstamp !== null) {
    return { message: stored(store, id, facts, versionstamp), created: true };
  }
  const seen = await findMessage(store, id);
  // The mark that refused the message was swept since then: store it after all.
  if (seen === null) return await commitMessage(store, message, now);
  return { message: seen, created: false };
}

/** The message, if it was ever stored and its mark still stands. */
export async function findMessage(
  store: Store,
  id: MessageId,
): Promise<StoredMessage | null> {
  const { value, versionstamp } = await store.get<StoredFacts>(keys.seen(id));
  return value === null ? null : stored(store, id, value, versionstamp);
}

function stored(
  store: Store,
  id: MessageId,
  facts: StoredFacts,
  versionstamp: string,
): StoredMessage {
  return {
    ...facts,
    id,
    cursor: cursorOf({ epoch: store.epoch, versionstamp }),
  };
}

/** What to read. */
export interface ReadOptions {
  /** The mailbox it is in. */
  readonly mailbox: MailboxId;
  /** Unix milliseconds. */
  readonly now: number;
  /** Read what is behind it; from the oldest held, if null. */
  readonly after: string | null;
  /** Most messages of the page. */
  readonly limit: number;
  /** The reader's link in bits a second. */
  readonly bandwidth: number;
}

/** A part of a log. */
export interface Page {
  /** In the order of the log. */
  readonly messages: readonly ListedMessage[];
  /** Behind the last message of the page. */
  readonly next: Cursor;
  /** Whether there is more behind it. */
  readonly more: boolean;
  /** Whether `after` was not of this store, so that reading began anew. */
  readonly reset: boolean;
}

/** A page ends once its bodies have this many bytes together. */
const PAGE_BYTES = 2 ** 20;

/**
 * The messages behind a cursor, in order, each once.
 *
 * @throws {Problem} `malformed` if `after` is not a cursor
 */
export async function readAfter(
  store: Store,
  options: ReadOptions,
): Promise<Page> {
  const { mailbox, now, limit, bandwidth } = options;
  const { position, reset } = await startOf(store, options);
  const entries = await listAfter(
    store,
    mailbox,
    position.versionstamp,
    limit + 1,
  );
  const messages: ListedMessage[] = [];
  let next = position.versionstamp;
  let bytes = 0;
  for (const { key, value } of entries.slice(0, limit)) {
    const versionstamp = String(key.at(-1));
    const expired = value.holdUntil <= now;
    const wantsBody = !expired && bandwidth >= value.minBandwidth;
    if (wantsBody && bytes > 0 && bytes + value.size > PAGE_BYTES) break;
    next = versionstamp;
    if (expired && value.holdUntil + TOMBSTONE_MS <= now) continue;
    const body = wantsBody ? await bodyOf(store, value) : null;
    // Deleted between listing and reading: there is no such message any more.
    if (wantsBody && body === null) continue;
    bytes += body?.length ?? 0;
    const cursor = cursorOf({ epoch: store.epoch, versionstamp });
    messages.push({ ...value, cursor, body, expired });
  }
  const last = entries.at(-1);
  return {
    messages,
    next: cursorOf({ epoch: store.epoch, versionstamp: next }),
    more: last !== undefined && String(last.key.at(-1)) > next,
    reset,
  };
}

/** Where reading starts. A cursor that this store never gave out resets it. */
async function startOf(
  store: Store,
  { after, mailbox }: ReadOptions,
): Promise<{ position: Position; reset: boolean }> {
  const start = { epoch: store.epoch, versionstamp: START_VERSIONSTAMP };
  if (after === null) return { position: start, reset: false };
  const position = parseCursor(after);
  const known = await isKnown(store, mailbox, position);
  return known ? { position, reset: false } : { position: start, reset: true };
}

/**
 * Whether the store can have given out a position: it is of its epoch and not
 * above the newest commit for the mailbox's shard.
 */
export async function isKnown(
  store: Store,
  mailbox: MailboxId,
  position: Position,
): Promise<boolean> {
  if (position.epoch !== store.epoch) return false;
  if (position.versionstamp === START_VERSIONSTAMP) return true;
  const head = await store.get(keys.doorbell(mailbox));
  return head.versionstamp !== null &&
    position.versionstamp <= head.versionstamp;
}

function listAfter(
  store: Store,
  mailbox: MailboxId,
  versionstamp: string,
  limit: number,
): Promise<Deno.KvEntry<MessageEntry>[]> {
  // The least key that is greater: the log's keys hold hex digits alone.
  const start = keys.message(mailbox, `${versionstamp}\0`);
  return store.list<MessageEntry>(
    { prefix: keys.messages(mailbox), start },
    limit,
  );
}

function bodyOf(store: Store, entry: MessageEntry): Promise<Bytes | null> {
  if (segmentCount(entry.size) === 0) return Promise.resolve(entry.body);
  return readSegments(store, entry.object, 0, entry.size);
}

/** Deletes the message at a position, if there is one. */
export async function deleteMessage(
  store: Store,
  mailbox: MailboxId,
  position: Position,
): Promise<void> {
  if (position.epoch !== store.epoch) return;
  const key = keys.message(mailbox, position.versionstamp);
  const { value } = await store.get<MessageEntry>(key);
  if (value === null) return;
  await store.commit((operation) => {
    operation.delete(key);
    deleteObject(operation, value.object, value.size);
  });
}

/** Messages deleted in one commit: a thousandth of what KV allows each. */
const DELETE_BATCH = 50;

/** Deletes every message up to and with a position; gives how many. */
export async function deleteThrough(
  store: Store,
  mailbox: MailboxId,
  versionstamp: string,
): Promise<number> {
  const range = {
    prefix: keys.messages(mailbox),
    end: keys.message(mailbox, `${versionstamp}\0`),
  };
  for (let deleted = 0;;) {
    const entries = await store.list<MessageEntry>(range, DELETE_BATCH);
    if (entries.length === 0) return deleted;
    await store.commit((operation) => {
      for (const { key, value } of entries) {
        operation.delete(key);
        deleteObject(operation, value.object, value.size);
      }
    });
    deleted += entries.length;
  }
}
