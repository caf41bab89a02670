/** Reading a mailbox's log from any cursor. */
import {
  type Cursor,
  cursorOf,
  parseCursor,
  type Position,
  START_VERSIONSTAMP,
} from "../../lib/cursor.ts";
import type { MailboxId } from "../../lib/ids.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { keys, shardOf } from "../keys.ts";
import { type MessageEntry, TOMBSTONE_MS } from "./entry.ts";
import { readSegments, segmentCount } from "./objects.ts";
import type { Store } from "../store/store.ts";

/** A log entry as a reader gets it. */
export interface ListedMessage extends Omit<MessageEntry, "body"> {
  /** Where it stands in the log. */
  readonly cursor: Cursor;
  /** The envelope; null if it expired or is not for the reader's link. */
  readonly body: Bytes | null;
  /** Whether the hold ended before anybody acknowledged the message. */
  readonly expired: boolean;
}

/** What to read. */
export interface ReadOptions {
  /** The mailbox it is in. */
  readonly mailbox: MailboxId;
  /** Unix milliseconds. */
  readonly now: number;
  /** Read what is behind it; from the oldest held, if null. */
  readonly after: string | null;
  /** Whether `after` came from this store just now, and needs no check. */
  readonly isOwn?: boolean;
  /** Most messages of the page. */
  readonly limit: number;
  /** The reader's link in bits a second. */
  readonly bandwidth: number;
  /** Bytes of the largest body that is given; of any size, if not said. */
  readonly maxBody?: number;
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
  const { mailbox, now, limit, bandwidth, maxBody = Infinity, after } = options;
  const start = { epoch: store.epoch, versionstamp: START_VERSIONSTAMP };
  const asked = after === null ? start : parseCursor(after);
  const list = ({ versionstamp }: Position) =>
    listAfter(store, mailbox, versionstamp, limit + 1);
  const isOwn = after === null || options.isOwn === true;
  const [isGood, behind] = await Promise.all([
    isOwn || isKnown(store, mailbox, asked),
    list(asked),
  ]);
  // A cursor that this store never gave out begins anew.
  const position = isGood ? asked : start;
  const entries = isGood ? behind : await list(start);
  const messages: ListedMessage[] = [];
  let next = position.versionstamp;
  let bytes = 0;
  for (const { key, value } of entries.slice(0, limit)) {
    const versionstamp = String(key.at(-1));
    const expired = value.holdUntil <= now;
    const wantsBody = !expired && bandwidth >= value.minBandwidth &&
      value.size <= maxBody;
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
    reset: !isGood,
  };
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
  const head = await store.get(keys.doorbell(shardOf(mailbox)));
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
