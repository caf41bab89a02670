/** Reading a mailbox's log from any cursor. */
import type { Bytes } from "../../lib/bytes.ts";
import {
  type Cursor,
  cursorAt,
  parseCursor,
  type Place,
  placeOf,
  type Position,
  START_VERSIONSTAMP,
} from "../../lib/cursor.ts";
import type { MailboxId } from "../../lib/ids.ts";
import { keys, shardOf } from "../kinds.ts";
import type { Store } from "../store/store.ts";
import { findRow, readRow } from "./change.ts";
import { type MessageEntry, TOMBSTONE_MS } from "./entry.ts";
import { readBodies } from "./objects.ts";

/** A log entry as a reader gets it. */
export interface ListedMessage
  extends Omit<MessageEntry, "index" | "place" | "workUntil" | "body"> {
  /** Where it stands in the log. */
  readonly cursor: Cursor;
  /** The envelope; null if it expired, is missing, or not for the reader's link. */
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
  /** A page ends once its bodies have so many bytes together; 1 MiB, if not said. */
  readonly pageBytes?: number;
  /**
   * Whether the page is not kept for longer than it is worked on; else bodies are
   * copies, for whoever keeps one would keep the row that it is a view of.
   */
  readonly isBrief?: boolean;
  /** Told of a message whose body should be there and is not. */
  readonly onMissing?: (message: ListedMessage) => void;
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

/** Bytes of a page's bodies together, if not said. */
const PAGE_BYTES = 2 ** 20;
/** Rows that are read first: each may have a message, or a hundred. */
const FIRST_ROWS = 4;
/** Rows that are read at once, at most. */
const MOST_ROWS = 100;

/** A message of the log, and where it stands there. */
interface Placed {
  readonly entry: MessageEntry;
  readonly place: Place;
  readonly stamp: string;
}

/**
 * The messages behind a cursor, in order, each once.
 *
 * @throws {Problem} `malformed` if `after` is not a cursor
 */
export async function readAfter(
  store: Store,
  options: ReadOptions,
): Promise<Page> {
  const { mailbox, now, limit, after, pageBytes = PAGE_BYTES } = options;
  const asked = after === null ? startOf(store) : parseCursor(after);
  const isOwn = after === null || options.isOwn === true;
  const [isGood, behind] = await Promise.all([
    isOwn || isKnown(store, mailbox, asked),
    listAfter(store, asked, options),
  ]);
  // A cursor that this store never gave out begins anew.
  const position = isGood ? asked : startOf(store);
  const { entries, isEnd } = isGood
    ? behind
    : await listAfter(store, position, options);
  const page: (Placed & { readonly isWanted: boolean })[] = [];
  let next = placeOf(position);
  let bytes = 0;
  for (const one of entries.slice(0, limit)) {
    const { size, holdUntil } = one.entry;
    const isWanted = isForReader(one.entry, options);
    if (isWanted && bytes > 0 && bytes + size > pageBytes) break;
    next = one.place;
    if (holdUntil + TOMBSTONE_MS <= now) continue;
    page.push({ ...one, isWanted });
    if (isWanted) bytes += size;
  }
  const apart = await readBodies(
    store,
    page.flatMap(({ entry, isWanted }) =>
      isWanted && entry.place === "segments" ? [entry] : []
    ),
  );
  const messages: ListedMessage[] = [];
  for (const one of page) {
    const { entry, isWanted } = one;
    const body = isWanted
      ? apart.get(entry.object) ?? bodyIn(entry, options)
      : null;
    const expired = entry.holdUntil <= now;
    const message = listed(store, one, { body, expired });
    if (isWanted && body === null) {
      // Deleted between listing and reading, or lost: these are told apart.
      if (!await isThere(store, mailbox, one)) continue;
      options.onMissing?.(message);
    }
    messages.push(message);
  }
  const last = entries.at(-1);
  return {
    messages,
    next: cursorAt(store.epoch, next),
    more: !isEnd || last !== undefined && last.place > next,
    reset: !isGood,
  };
}

function startOf({ epoch }: Store): Position {
  return { epoch, versionstamp: START_VERSIONSTAMP };
}

/** Whether its body is held, and for the reader's link. */
function isForReader(
  { size, minBandwidth, holdUntil }: MessageEntry,
  { now, bandwidth, maxBody = Infinity }: ReadOptions,
): boolean {
  return holdUntil > now && bandwidth >= minBandwidth && size <= maxBody;
}

function listed(
  { epoch }: Store,
  { entry, place }: Placed,
  { body, expired }: { body: Bytes | null; expired: boolean },
): ListedMessage {
  const { id, object, size, minBandwidth, priority, storedAt, holdUntil } =
    entry;
  return {
    cursor: cursorAt(epoch, place),
    id,
    object,
    size,
    minBandwidth,
    priority,
    storedAt,
    holdUntil,
    body,
    expired,
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
  const { versionstamp } = position;
  if (versionstamp === START_VERSIONSTAMP) return true;
  const shard = shardOf(mailbox);
  if (versionstamp <= (newestOf(store)[shard] ?? "")) return true;
  const head = await store.get(keys.doorbell(shard));
  noteNewest(store, shard, head.versionstamp ?? "");
  return versionstamp <= (head.versionstamp ?? "");
}

/** Of each store the newest commits that were seen, by shard. */
const newest = new WeakMap<Store, string[]>();

function newestOf(store: Store): string[] {
  const stamps = newest.get(store) ?? [];
  newest.set(store, stamps);
  return stamps;
}

/** Whoever goes on from what was read here needs no look at the doorbell. */
function noteNewest(store: Store, shard: number, stamp: string): void {
  const stamps = newestOf(store);
  if (stamp > (stamps[shard] ?? "")) stamps[shard] = stamp;
}

/** Messages behind a position. */
interface Behind {
  /** One more than a page takes, or to the end of the log. */
  readonly entries: readonly Placed[];
  /** Whether nothing was behind them. */
  readonly isEnd: boolean;
}

/**
 * What a page is made of: no more rows are read than it may need, as far as those
 * tell that were read before them.
 */
async function listAfter(
  store: Store,
  position: Position,
  options: ReadOptions,
): Promise<Behind> {
  const { mailbox, limit, pageBytes = PAGE_BYTES } = options;
  const after = placeOf(position);
  const prefix = keys.messages(mailbox);
  const wanted = limit + 1;
  const entries: Placed[] = [];
  let [rows, bytes] = [0, 0];
  // The row of the position itself may have more messages behind it.
  let start = keys.message(mailbox, position.versionstamp);
  for (let most = Math.min(wanted + 1, FIRST_ROWS);;) {
    const found = await store.list({ prefix, start }, most);
    const before = bytes;
    for (const { stamp, messages } of found.map(readRow)) {
      for (const entry of messages) {
        const place = placeOf({ versionstamp: stamp, index: entry.index });
        if (place <= after) continue;
        entries.push({ entry, place, stamp });
        if (isForReader(entry, options)) bytes += entry.size;
      }
    }
    const last = found.at(-1);
    if (last !== undefined) {
      noteNewest(store, shardOf(mailbox), String(last.key.at(-1)));
    }
    if (last === undefined || found.length < most) {
      const isEnd = entries.length <= wanted;
      return { entries: entries.slice(0, wanted), isEnd };
    }
    if (entries.length >= wanted || bytes > pageBytes) {
      return { entries: entries.slice(0, wanted), isEnd: false };
    }
    // The least key that is greater: the log's keys hold hex digits alone.
    start = keys.message(mailbox, `${String(last.key.at(-1))}\0`);
    rows += found.length;
    const isCounted = bytes > before;
    // Were the next as those before; and one by which the end is known.
    const more = Math.min(
      (wanted - entries.length) * rows / Math.max(entries.length, 1),
      isCounted ? (pageBytes - bytes) * rows / bytes : Infinity,
    );
    most = Math.min(Math.ceil(more) + 1, MOST_ROWS);
  }
}

/** The body that stands in an entry. */
function bodyIn(
  { body }: MessageEntry,
  { isBrief = false }: ReadOptions,
): Bytes | null {
  return isBrief ? body : body?.slice() ?? null;
}

async function isThere(
  store: Store,
  mailbox: MailboxId,
  { entry, stamp }: Placed,
): Promise<boolean> {
  const row = await findRow(store, mailbox, stamp);
  return row?.messages.some(({ index }) => index === entry.index) ?? false;
}
