/** Storing a message: all of it or nothing, and once. */
import { cursorOf } from "../lib/cursor.ts";
import { blake3_256 } from "../lib/hash.ts";
import { type MessageId, objectHashOf } from "../lib/ids.ts";
import { keys } from "./keys.ts";
import {
  type MessageEntry,
  type NewMessage,
  type StoredFacts,
  type StoredMessage,
  TOMBSTONE_MS,
} from "./messages.ts";
import { INLINE_BYTES, setObject } from "./objects.ts";
import type { Store } from "./store.ts";

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
