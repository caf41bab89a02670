/** Storing a message: all of it or nothing, and once. */
import { cursorOf } from "../../lib/cursor.ts";
import { blake3_256 } from "../../lib/hash.ts";
import { type MessageId, objectHashOf } from "../../lib/ids.ts";
import { systemRandom } from "../../lib/random.ts";
import type { CommitPart } from "../store/commit_queue.ts";
import { keys } from "../keys.ts";
import {
  type MessageEntry,
  type NewMessage,
  type StoredFacts,
  type StoredMessage,
  TOMBSTONE_MS,
} from "./entry.ts";
import {
  chunksBytes,
  INLINE_BYTES,
  segmentCount,
  setObject,
} from "./objects.ts";
import type { Store } from "../store/store.ts";

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
 * Messages that wait at the same time are committed together.
 *
 * @throws {Problem} `busy` if the outcome is not known
 */
export async function commitMessage(
  store: Store,
  message: NewMessage,
  now: number,
): Promise<CommittedMessage> {
  const { facts, versionstamp, created } = await store.commits.add(
    partOf(store, message, now),
  );
  return { message: stored(store, message.id, facts, versionstamp), created };
}

/** Bytes of a message's keys and of what is around its body, at most. */
const FRAME_BYTES = 2_000;
/** Log entry, mark and object header. */
const FRAME_MUTATIONS = 3;

/** Enough that no two attempts for one message are the same. */
const ATTEMPT_BYTES = 8;

function partOf(store: Store, message: NewMessage, now: number): CommitPart {
  const { id, mailbox, body, paid, minBandwidth, priority } = message;
  const size = body.length;
  const object = objectHashOf(blake3_256(body));
  const holdUntil = now + 1_000 * message.hold;
  const held = holdUntil - now;
  const marked = Math.max(holdUntil, message.workUntil) + TOMBSTONE_MS - now;
  const facts: StoredFacts = {
    mailbox,
    object,
    size,
    storedAt: now,
    holdUntil,
    paid,
    attempt: systemRandom(ATTEMPT_BYTES).toHex(),
  };
  const entry: MessageEntry = {
    id,
    object,
    size,
    minBandwidth,
    priority,
    storedAt: now,
    holdUntil,
    // A copy: KV would keep the whole buffer that a view stands in.
    body: size <= INLINE_BYTES ? body.slice() : null,
  };
  return {
    id,
    mailbox,
    facts,
    mutations: FRAME_MUTATIONS + segmentCount(size),
    bytes: FRAME_BYTES + chunksBytes(size) + size,
    add(operation) {
      const key = keys.message(mailbox, store.commitVersionstamp());
      operation
        .set(keys.seen(id), facts, { expireIn: marked })
        .set(key, entry, { expireIn: held + TOMBSTONE_MS });
      setObject(operation, object, body, { mailbox, size, holdUntil }, held);
    },
  };
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
  { attempt: _, ...facts }: StoredFacts,
  versionstamp: string,
): StoredMessage {
  return {
    ...facts,
    id,
    cursor: facts.cursor ?? cursorOf({ epoch: store.epoch, versionstamp }),
  };
}
