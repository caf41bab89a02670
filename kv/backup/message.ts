/** Reading one message for a backup, whole or not at all. */
import type { Bytes } from "../../lib/bytes.ts";
import { cursorOf } from "../../lib/cursor.ts";
import { blake3_256 } from "../../lib/hash.ts";
import { type MailboxId, objectHashOf } from "../../lib/ids.ts";
import type { MessageRecord } from "./records.ts";
import { keys } from "../keys.ts";
import {
  type MessageEntry,
  type StoredFacts,
  TOMBSTONE_MS,
} from "../mail/entry.ts";
import { type ObjectHeader, segmentCount } from "../mail/objects.ts";
import type { Store } from "../store/store.ts";

/** What a mark says, with the cursor that the message's receipt names. */
export function factsOf(
  { epoch }: Store,
  { value, versionstamp }: Deno.KvEntry<StoredFacts>,
): StoredFacts {
  return {
    ...value,
    cursor: value.cursor ?? cursorOf({ epoch, versionstamp }),
  };
}

/** A message as it was read, as far as it is there. */
export interface ReadMessage {
  /** Null if it is not there, or not whole. */
  readonly record: MessageRecord | null;
  /** Null if there is none. */
  readonly mark: Deno.KvEntry<StoredFacts> | null;
  /** Whether it should have been there, and whole. */
  readonly isDamaged: boolean;
}

/** Milliseconds by which the database's clock may be ahead. */
const SKEW = 60_000;

/** Reads everything that was committed with a log entry. */
export async function readMessage(
  store: Store,
  { key, value: entry }: Deno.KvEntry<MessageEntry>,
  now: () => number,
): Promise<ReadMessage> {
  const { id, object, size } = entry;
  const [mark, header] = await store.getMany<[StoredFacts, ObjectHeader]>([
    keys.seen(id),
    keys.object(object),
  ]);
  const listed = segmentCount(size) === 0
    ? []
    : await store.list<Bytes>({ prefix: keys.segments(object) });
  const segments = listed.map(({ value }) => value);
  const isMarked = mark.value !== null;
  const isWhole = header.value !== null && isBody(entry, segments);
  // From here on its parts may be swept: it is listed without them.
  const isExpired = entry.holdUntil <= now() + SKEW;
  if (isMarked && (isWhole || isExpired)) {
    const record: MessageRecord = {
      kind: "message",
      mailbox: key[1] as MailboxId,
      stamp: String(key.at(-1)),
      entry,
      facts: factsOf(store, mark),
      header: isWhole ? header.value : null,
      segments: isWhole ? segments : [],
    };
    return { record, mark, isDamaged: false };
  }
  // Deleted while it was read, or swept: then it is a message no more.
  const isThere = (await store.get(key)).value !== null;
  const isGone = entry.holdUntil + TOMBSTONE_MS <= now() + SKEW;
  return {
    record: null,
    mark: isMarked ? mark : null,
    isDamaged: isThere && !isGone,
  };
}

/** Whether a log entry's or these segments' bytes are those of its object. */
function isBody(entry: MessageEntry, segments: readonly Bytes[]): boolean {
  if (segments.length !== segmentCount(entry.size)) return false;
  const body = entry.body ?? joined(segments);
  return body.length === entry.size &&
    objectHashOf(blake3_256(body)) === entry.object;
}

function joined(parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(
    parts.reduce((size, part) => size + part.length, 0),
  );
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
