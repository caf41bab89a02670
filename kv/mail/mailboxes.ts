/** Mailboxes, the handshakes that open them, and what their readers have read. */
import type { Position } from "../../lib/cursor.ts";
import { type MailboxId, mailboxIdOf } from "../../lib/ids.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { Problem } from "../../lib/problem.ts";
import { keys } from "../keys.ts";
import { deleteThrough } from "./delete.ts";
import { isKnown } from "./read.ts";
import type { Store } from "../store/store.ts";

/** The owner's record. */
export interface Mailbox {
  /** SubjectPublicKeyInfo DER. */
  readonly publicKey: Bytes;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

/** The mailbox, if its owner has ever proven its key here. */
export async function findMailbox(
  store: Store,
  id: MailboxId,
): Promise<Mailbox | null> {
  return (await store.get<Mailbox>(keys.mailbox(id))).value;
}

/** Milliseconds by which the clocks of workers may differ. */
const SKEW = 60_000;

/**
 * The mailbox.
 *
 * @throws {Problem} `mailbox-unknown`
 */
export async function requireMailbox(
  store: Store,
  id: MailboxId,
): Promise<Mailbox> {
  const mailbox = await findMailbox(store, id);
  if (mailbox !== null) return mailbox;
  throw mailboxUnknown(id);
}

/** That there is no such mailbox, as a problem to be thrown. */
export function mailboxUnknown(id: MailboxId): Problem {
  return new Problem(
    "mailbox-unknown",
    `nobody has opened mailbox ${id} here`,
  );
}

/** A handshake that was answered rightly. */
export interface AnsweredHandshake {
  /** Its id. */
  readonly id: string;
  /** Unix milliseconds. */
  readonly expires: number;
  /** The key that was proven, SubjectPublicKeyInfo DER. */
  readonly publicKey: Bytes;
}

/**
 * Uses up a handshake and opens the mailbox if there is none, in one commit.
 * Gives whether the mailbox is new, or null if the handshake was used before.
 */
export async function completeHandshake(
  store: Store,
  { id, expires, publicKey }: AnsweredHandshake,
  now: number,
): Promise<{ created: boolean } | null> {
  const used = keys.handshake(id);
  const mailboxKey = keys.mailbox(mailboxIdOf(publicKey));
  const [mark, mailbox] = await store.getMany<[boolean, Mailbox]>([
    used,
    mailboxKey,
  ]);
  if (mark.value !== null) return null;
  const created = mailbox.value === null;
  // A copy: KV would keep the whole message that the key is a view of.
  const record: Mailbox = { publicKey: publicKey.slice(), createdAt: now };
  const versionstamp = await store.commit((operation) => {
    operation
      .check(mark, mailbox)
      .set(used, true, { expireIn: Math.max(expires - now, 0) + SKEW });
    if (created) {
      operation.set(mailboxKey, record);
    }
  });
  // Another request was first with one of the two: look again.
  if (versionstamp === null) {
    return await completeHandshake(store, { id, expires, publicKey }, now);
  }
  return { created };
}

/** Milliseconds after which a device that says nothing more is forgotten. */
export const READER_KEPT = 60 * 86_400_000;

/** Most devices of a mailbox that acknowledge for themselves. */
export const MAX_READERS = 64;

/**
 * Notes that a reader has everything up to a position, and deletes what every
 * known reader has. Gives how many messages were deleted. Going back to an
 * earlier position changes nothing.
 *
 * @throws {Problem} `malformed` if this store never gave out the position, or
 * for a reader over the limit
 */
export async function acknowledge(
  store: Store,
  mailbox: MailboxId,
  reader: string,
  position: Position,
): Promise<number> {
  if (!await isKnown(store, mailbox, position)) {
    throw new Problem(
      "malformed",
      "the cursor is not of this store; read again from it",
    );
  }
  const entries = await store.list<string>({ prefix: keys.readers(mailbox) });
  const others = entries.filter(({ key }) => key.at(-1) !== reader);
  if (others.length >= MAX_READERS) {
    throw new Problem(
      "malformed",
      `a mailbox has at most ${MAX_READERS} readers`,
    );
  }
  const own = await moveForward(
    store,
    keys.reader(mailbox, reader),
    position.versionstamp,
  );
  const least = others.reduce(
    (least, { value }) => value < least ? value : least,
    own,
  );
  return await deleteThrough(store, mailbox, least);
}

/** Raises the versionstamp kept under a key; gives the one kept then. */
async function moveForward(
  store: Store,
  key: Deno.KvKey,
  versionstamp: string,
): Promise<string> {
  const before = await store.get<string>(key);
  if (before.value !== null && before.value >= versionstamp) {
    return before.value;
  }
  const committed = await store.commit((operation) =>
    operation.check(before).set(key, versionstamp, { expireIn: READER_KEPT })
  );
  return committed === null
    ? await moveForward(store, key, versionstamp)
    : versionstamp;
}
