/** Mailboxes: the handshakes that open them, and how they end. */
import type { Bytes } from "../../lib/bytes.ts";
import { type Place, placeOf } from "../../lib/cursor.ts";
import { type MailboxId, mailboxIdOf } from "../../lib/ids.ts";
import { Problem } from "../../lib/problem.ts";
import type { Quota } from "../../lib/quota.ts";
import { keys, shardOf } from "../kinds.ts";
import type { Batch, Part } from "../store/commit_part.ts";
import type { Entry, Operation } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import { deleteThrough } from "./delete.ts";
import { hourOf } from "./due.ts";
import { MAILBOX_BYTES } from "./entry.ts";
import { commitMail, mailOf, orderOf } from "./mail_batch.ts";
import { ledgerOf } from "./ledger.ts";
import { USAGE_COST } from "./usage_changes.ts";
import { openedRow, packed, type Usage, type UsageRow } from "./usage.ts";

/** The owner's record. */
export interface Mailbox {
  /** SubjectPublicKeyInfo DER. */
  readonly publicKey: Bytes;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** When its owner first came back to it: Unix milliseconds. */
  readonly usedAt?: number;
  /** In the place of the relay's own quota, by the operator's word. */
  readonly quota?: Quota;
  /** Tokens issued up to then are refused: Unix milliseconds. */
  readonly revokedAt?: number;
}

/** The mailbox, if its owner has ever proven its key here. */
export async function findMailbox(
  store: Store,
  id: MailboxId,
): Promise<Mailbox | null> {
  return (await store.get(keys.mailbox(id))).value;
}

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

/** Milliseconds by which the clocks of workers may differ. */
export const SKEW = 60_000;

/** Milliseconds after which a mailbox ends that nobody has used. */
export const UNUSED_MS = 30 * 86_400_000;

/** An open mailbox counts as an object of the relay's. */
const COUNTED: Usage = { bytes: MAILBOX_BYTES, messages: 1 };
const COUNTED_OUT: Usage = { bytes: -MAILBOX_BYTES, messages: -1 };

/** A handshake that was answered rightly. */
export interface AnsweredHandshake {
  /** Its id. */
  readonly id: string;
  /** Unix milliseconds. */
  readonly expires: number;
  /** The key that was proven, SubjectPublicKeyInfo DER. */
  readonly publicKey: Bytes;
  /** False if what was paid for it is not enough for a new mailbox. */
  readonly mayCreate?: boolean;
}

/**
 * Uses up a handshake and opens the mailbox if there is none, in one commit.
 * Gives whether the mailbox is new; null if the handshake was used before, or
 * there is no mailbox and none may be made.
 */
export async function completeHandshake(
  store: Store,
  handshake: AnsweredHandshake,
  now: number,
): Promise<{ created: boolean } | null> {
  const { id, expires, publicKey, mayCreate = true } = handshake;
  const used = keys.handshake(id);
  const mailbox = mailboxIdOf(publicKey);
  for (;;) {
    const [mark, before, usage] = await store.getMany([
      used,
      keys.mailbox(mailbox),
      keys.usage(mailbox),
    ]);
    if (mark.value !== null) return null;
    const created = before.value === null;
    if (created && !mayCreate) return null;
    const committed = await store.commit((operation) => {
      operation.check(mark, before)
        .set(used, true, { expireIn: Math.max(expires - now, 0) + SKEW });
      if (!created) {
        return noteUse(operation, before as Entry<Mailbox>, now);
      }
      // A copy: KV would keep the whole message that the key is a view of.
      const record = { publicKey: publicKey.slice(), createdAt: now };
      setOpen(operation.check(usage), mailbox, record, usage.value, now);
    });
    // Another request was first with one of them: look again.
    if (committed !== null) return { created };
  }
}

/** Adds an open mailbox, which counts, and may be left unused. */
function setOpen(
  operation: Operation,
  mailbox: MailboxId,
  record: Mailbox,
  usage: UsageRow | null,
  now: number,
): void {
  const lookAt = Math.max(record.createdAt + UNUSED_MS, now);
  operation
    .set(keys.mailbox(mailbox), record)
    .set(keys.usage(mailbox), { ...usage ?? openedRow(now), isOpen: true })
    .sum(keys.relayUsage(shardOf(mailbox)), packed(COUNTED))
    .set(keys.newDue(hourOf(lookAt), "mailbox", 0), [{ mailbox }]);
}

/** Opens a mailbox that was copied, with its record. */
export async function restoreMailbox(
  store: Store,
  mailbox: MailboxId,
  record: Mailbox,
  now: number,
): Promise<void> {
  for (;;) {
    const [before, usage] = await store.getMany([
      keys.mailbox(mailbox),
      keys.usage(mailbox),
    ]);
    if (before.value !== null) return;
    // Whoever else opens it sets its count as well.
    const committed = await store.commit((operation) =>
      setOpen(operation.check(usage), mailbox, record, usage.value, now)
    );
    if (committed !== null) return;
  }
}

/** Notes once that an owner came back. */
function noteUse(
  operation: Operation,
  { key, value }: Entry<Mailbox>,
  now: number,
): void {
  if (value.usedAt === undefined) {
    operation.set<Mailbox>(key, { ...value, usedAt: now });
  }
}

/** Notes that an owner reads a mailbox: it is not one that nobody uses. */
export async function noteRead(
  store: Store,
  mailbox: MailboxId,
  now: number,
): Promise<void> {
  const before = await store.get(keys.mailbox(mailbox));
  if (before.value === null || before.value.usedAt !== undefined) return;
  const entry = before as Entry<Mailbox>;
  // Who is first has noted it for all.
  await store.commit((operation) => {
    noteUse(operation.check(entry), entry, now);
  });
}

/** Above every place of a log. */
const END = placeOf({ versionstamp: "f".repeat(20) }) as Place;

/**
 * Closes a mailbox: its mail is deleted, and nobody can write to it. Gives
 * whether there was one. Marks of its mail stay, so that no work pays twice
 * should it be opened again.
 *
 * @throws {Problem} `busy`
 */
export async function closeMailbox(
  store: Store,
  mailbox: MailboxId,
  now: number,
): Promise<boolean> {
  for (;;) {
    await deleteThrough(store, mailbox, END, now);
    const before = await store.get(keys.mailbox(mailbox));
    if (before.value === null) return false;
    const part = new ClosePart(store, mailbox, before as Entry<Mailbox>, now);
    // Mail may have come meanwhile, or somebody else may close it as well.
    if (await commitMail(store, mailbox, part) === "closed") return true;
  }
}

/** What became of closing: mail had come, or its record was changed. */
type Closing = "closed" | "has mail" | "changed";

class ClosePart implements Part<Closing> {
  readonly order: readonly string[];
  readonly apart: readonly string[];
  readonly cost = {
    checks: 1,
    mutations: 3,
    bytes: 1_000,
  };
  readonly sharedCost = USAGE_COST;
  readonly asks;
  readonly #store: Store;
  readonly #mailbox: MailboxId;
  readonly #entry: Entry<Mailbox>;
  readonly #now: number;
  #hasMail = false;

  constructor(
    store: Store,
    mailbox: MailboxId,
    entry: Entry<Mailbox>,
    now: number,
  ) {
    this.order = [orderOf(mailbox)];
    // Two would count it out twice.
    this.apart = [`close ${mailbox}`];
    this.asks = [keys.mailbox(mailbox)];
    this.#store = store;
    this.#mailbox = mailbox;
    this.#entry = entry;
    this.#now = now;
  }

  prepare(): Promise<void> | null {
    return ledgerOf(this.#store).prepare(this.#mailbox);
  }

  add(batch: Batch): void {
    const { usage } = mailOf(batch, this.#store);
    this.#hasMail = (usage.rowOf(this.#mailbox)?.messages ?? 0) > 0;
    if (this.#hasMail) return;
    usage.close(this.#mailbox, COUNTED_OUT, this.#now);
    batch.operation.check(this.#entry)
      .delete(this.#entry.key)
      .delete(keys.readers(this.#mailbox));
    // Who knows of a revocation is to look again should it be opened again.
    if (this.#entry.value.revokedAt !== undefined) {
      batch.operation.set(keys.revocation(), true);
    }
  }

  done(): Closing {
    return this.#hasMail ? "has mail" : "closed";
  }

  settle([found]: readonly { versionstamp: string | null }[]): Closing | null {
    const isSame = found?.versionstamp === this.#entry.versionstamp;
    return isSame ? null : "changed";
  }
}

/**
 * Closes a mailbox that its owner never came back to and that holds nothing;
 * gives when to look again (Unix milliseconds), if that is worth while.
 */
export async function endUnused(
  store: Store,
  mailbox: MailboxId,
  now: number,
): Promise<{ readonly lookAt: number | null }> {
  for (;;) {
    const record = await store.get(keys.mailbox(mailbox));
    if (record.value === null) return { lookAt: null };
    const { usedAt, createdAt } = record.value;
    const isYoung = createdAt + UNUSED_MS > now; // it was closed and opened again
    if (usedAt !== undefined || isYoung) return { lookAt: null };
    // Mail that has just come is kept: only the commit knows that there is none.
    const part = new ClosePart(store, mailbox, record as Entry<Mailbox>, now);
    const closing = await commitMail(store, mailbox, part);
    if (closing === "closed") return { lookAt: null };
    if (closing === "has mail") return { lookAt: now + UNUSED_MS };
  }
}
