/** Reading the log for a backup, each message whole or not at all. */
import type { Bytes } from "../../lib/bytes.ts";
import { placeOf } from "../../lib/cursor.ts";
import { blake3_256 } from "../../lib/hash.ts";
import { objectHashOf } from "../../lib/ids.ts";
import { keys } from "../kinds.ts";
import { storedMessage } from "../mail/accept.ts";
import { findRow, type ReadRow } from "../mail/change.ts";
import {
  type MessageEntry,
  type StoredFacts,
  TOMBSTONE_MS,
} from "../mail/entry.ts";
import { readSegments } from "../mail/objects.ts";
import type { Entry, EntryMaybe } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import type { MarkRecord, MessageRecord } from "./records.ts";

/** What a mark says, with the cursor that the message's receipt names. */
export function markRecord(
  store: Store,
  { key, value, versionstamp }: Entry<StoredFacts>,
): MarkRecord {
  const id = key.at(-1) as MarkRecord["id"];
  const { cursor } = storedMessage(store, id, value, versionstamp);
  return { kind: "mark", id, facts: { ...value, cursor } };
}

/** A message as it was read, as far as it is there. */
export interface ReadMessage {
  /** Null if it is not there, or not whole. */
  readonly record: MessageRecord | null;
  /** Null if there is none. */
  readonly mark: Entry<StoredFacts> | null;
  /** Whether it should have been there, and whole. */
  readonly isDamaged: boolean;
}

/** Milliseconds by which the database's clock may be ahead. */
const SKEW = 60_000;

/** Reads everything that was committed with a message of the log. */
export async function readMessage(
  store: Store,
  row: ReadRow,
  message: MessageEntry,
  now: () => number,
): Promise<ReadMessage> {
  const [found, body] = await Promise.all([
    store.get(keys.seen(message.id)),
    bodyOf(store, message),
  ]);
  const mark = isThere(found) ? found : null;
  const isExpired = message.holdUntil <= now() + SKEW;
  if (mark !== null && (body !== null || isExpired)) {
    const { stamp: versionstamp } = row;
    const { index, id, minBandwidth, priority } = message;
    const record: MessageRecord = {
      kind: "message",
      place: placeOf({ versionstamp, index }),
      id,
      minBandwidth,
      priority,
      facts: markRecord(store, mark).facts,
      body,
    };
    return { record, mark, isDamaged: false };
  }
  // Deleted while it was read, or swept: then it is a message no more.
  const mailbox = row.entry.key[1] as StoredFacts["mailbox"];
  const again = await findRow(store, mailbox, row.stamp);
  const isListed = again?.messages.some(({ id }) => id === message.id) ?? false;
  const isGone = message.holdUntil + TOMBSTONE_MS <= now() + SKEW;
  return { record: null, mark, isDamaged: isListed && !isGone };
}

function isThere<T>(entry: EntryMaybe<T>): entry is Entry<T> {
  return entry.versionstamp !== null;
}

/** The body, if it is that which was stored; null if not, or if it is over. */
async function bodyOf(
  store: Store,
  { place, object, size, body: inEntry }: MessageEntry,
): Promise<Bytes | null> {
  const body = place === "segments"
    ? await readSegments(store, object, 0, size).catch(() => null)
    : inEntry;
  if (body === null || body.length !== size) return null;
  return objectHashOf(blake3_256(body)) === object ? body.slice() : null;
}
