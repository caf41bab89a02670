/** Deleting messages, with everything that was stored for them. */
import { type Place, placeOf, type Position } from "../../lib/cursor.ts";
import type { MailboxId } from "../../lib/ids.ts";
import { keys } from "../kinds.ts";
import type { Batch } from "../store/commit_part.ts";
import type { Store } from "../store/store.ts";
import { changeRows, findRow, type ReadRow, readRow } from "./change.ts";
import {
  keptBytes,
  MARK_BYTES,
  type MessageEntry,
  TOMBSTONE_BYTES,
} from "./entry.ts";
import type { MailBatch } from "./mail_batch.ts";
import { deleteObject } from "./objects.ts";
import type { Usage } from "./usage.ts";

/** What a message of the log counts for. */
export function countOf({ place, size }: MessageEntry): Usage {
  return place === "none"
    ? { bytes: TOMBSTONE_BYTES, messages: 0 }
    : { bytes: keptBytes(size), messages: 1 };
}

/**
 * Adds the removal of a message to a commit, all but its entry. Its mark stays
 * for as long as the same work could be sent again, and counts until then.
 */
export function removeMessage(
  { operation }: Batch,
  { usage, due }: MailBatch,
  { mailbox, message, now }: {
    readonly mailbox: MailboxId;
    readonly message: MessageEntry;
    readonly now: number;
  },
): void {
  const { id, object, size, place, workUntil } = message;
  const isMarkKept = workUntil > now;
  const counted = countOf(message);
  const bytes = (isMarkKept ? MARK_BYTES : 0) - counted.bytes;
  usage.change(mailbox, { bytes, messages: -counted.messages }, now);
  if (place !== "none") deleteObject(operation, object, size, place);
  if (isMarkKept) due.add("mark", workUntil, { mailbox, id });
  else operation.delete(keys.seen(id));
}

/** Deletes the message at a position, if there is one. */
export async function deleteMessage(
  store: Store,
  mailbox: MailboxId,
  { epoch, versionstamp, index = 0 }: Position,
  now: number,
): Promise<void> {
  // Mail of former epochs is listed under this one, and named by that in receipts.
  const isOwn = epoch === store.epoch || epoch === store.epochOf(versionstamp);
  if (!isOwn) return;
  for (;;) {
    const row = await findRow(store, mailbox, versionstamp);
    const message = row?.messages.find((one) => one.index === index);
    if (row === null || message === undefined) return;
    if (await remove(store, mailbox, [row], [message], now)) return;
  }
}

/** Messages deleted in one commit, and rows read for it. */
const MESSAGES_AT_ONCE = 40;
const ROWS_AT_ONCE = 20;

/** Deletes every message up to and with a place; gives how many. */
export async function deleteThrough(
  store: Store,
  mailbox: MailboxId,
  through: Place,
  now: number,
): Promise<number> {
  const stamp = through.slice(0, 20);
  const range = {
    prefix: keys.messages(mailbox),
    end: keys.message(mailbox, `${stamp}\0`),
  };
  // Each row takes a check, and so does the count.
  const most = Math.min(ROWS_AT_ONCE, store.limits.checks - 1);
  for (let deleted = 0;;) {
    const rows = (await store.list(range, most)).map(readRow);
    const chosen = rows.flatMap(({ stamp, messages }) =>
      messages.filter(({ index }) =>
        placeOf({ versionstamp: stamp, index }) <= through
      )
    ).slice(0, MESSAGES_AT_ONCE);
    if (chosen.length === 0) return deleted;
    const touched = rows.filter(({ messages }) =>
      messages.some((message) => chosen.includes(message))
    );
    // Where somebody else was first with one of them, the next look tells.
    if (await remove(store, mailbox, touched, chosen, now)) {
      deleted += chosen.length;
    }
  }
}

async function remove(
  store: Store,
  mailbox: MailboxId,
  rows: readonly ReadRow[],
  messages: readonly MessageEntry[],
  now: number,
): Promise<boolean> {
  return await changeRows(store, {
    mailbox,
    rows,
    messages,
    add(batch, mail) {
      for (const message of messages) {
        removeMessage(batch, mail, { mailbox, message, now });
      }
    },
    become: (message) => messages.includes(message) ? null : message,
  });
}
