/** What an operator does with the mailboxes of a store. */
import { type Place, placeOf } from "../../lib/cursor.ts";
import type { MailboxId } from "../../lib/ids.ts";
import type { Quota } from "../../lib/quota.ts";
import { keys } from "../kinds.ts";
import type { Key, Operation } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import { readRow } from "./change.ts";
import { deleteMessage, deleteThrough } from "./delete.ts";
import { ledgerOf } from "./ledger.ts";
import { type Mailbox, mailboxUnknown, SKEW } from "./mailboxes.ts";
import { mailboxUsage, type Usage } from "./usage.ts";

/** A mailbox and what it holds. */
export interface MailboxHoldings {
  /** Whose it is. */
  readonly id: MailboxId;
  /** Its record. */
  readonly mailbox: Mailbox;
  /** What counts in its price. */
  readonly usage: Usage;
}

/** Mailboxes and rows of the log read at once. */
const PAGE = 100;

/** Every mailbox with what it holds, in the order of their ids. */
export async function* eachMailbox(
  store: Store,
): AsyncGenerator<MailboxHoldings> {
  const prefix = keys.mailboxes();
  for (let start: Key = keys.mailbox("" as MailboxId);;) {
    const page = await store.list({ prefix, start }, PAGE);
    yield* await Promise.all(page.map(async ({ key, value }) => {
      const id = key.at(-1) as MailboxId;
      return { id, mailbox: value, usage: await mailboxUsage(store, id) };
    }));
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    start = keys.mailbox(`${String(last.key.at(-1))}\0` as MailboxId);
  }
}

/** Above every place of a log. */
const END = placeOf({ versionstamp: "f".repeat(20) }) as Place;

/** Deletes everything that a mailbox has; gives how many messages. */
export async function evictAll(
  store: Store,
  mailbox: MailboxId,
  now: number,
): Promise<number> {
  return await deleteThrough(store, mailbox, END, now);
}

/**
 * Deletes the messages of a mailbox that were stored before a time (Unix
 * milliseconds), with all that belongs to them; gives how many. Their marks
 * stay for as long as the same work could be sent again.
 */
export async function evictBefore(
  store: Store,
  mailbox: MailboxId,
  before: number,
  now: number,
): Promise<number> {
  const prefix = keys.messages(mailbox);
  let evicted = 0;
  for (let start: Key = keys.message(mailbox, "");;) {
    const page = await store.list({ prefix, start }, PAGE);
    for (const { stamp: versionstamp, messages } of page.map(readRow)) {
      const epoch = store.epochOf(versionstamp);
      for (const { index, storedAt } of messages) {
        if (storedAt >= before) continue;
        await deleteMessage(
          store,
          mailbox,
          { epoch, versionstamp, index },
          now,
        );
        evicted += 1;
      }
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return evicted;
    start = keys.message(mailbox, `${String(last.key.at(-1))}\0`);
  }
}

/**
 * Gives a mailbox a quota of its own, or changes a part of it; the relay's
 * again, if null. Gives its own one, which is made of the relay's where it had
 * none.
 *
 * @throws {Problem} `mailbox-unknown`
 */
export async function setMailboxQuota(
  store: Store,
  mailbox: MailboxId,
  change: Partial<Quota> | null,
  relays: Quota,
): Promise<Quota | null> {
  const { quota = null } = await changeMailbox(
    store,
    mailbox,
    ({ quota, ...record }) =>
      change === null
        ? record
        : { ...record, quota: { ...relays, ...quota, ...change } },
  );
  ledgerOf(store).forgetQuota(mailbox);
  return quota;
}

/**
 * Refuses every token of a mailbox that was issued up to `now` (Unix
 * milliseconds).
 *
 * @throws {Problem} `mailbox-unknown`
 */
export async function revokeTokens(
  store: Store,
  mailbox: MailboxId,
  now: number,
): Promise<void> {
  await changeMailbox(
    store,
    mailbox,
    (record) => ({
      ...record,
      revokedAt: Math.max(now, record.revokedAt ?? 0),
    }),
    // Workers look at this one key, and at records again once it has changed.
    (operation) => operation.set(keys.revocation(), true),
  );
}

/** Changes with every revocation, so that nobody looks at records for nothing. */
export async function revocationStamp(store: Store): Promise<string | null> {
  return (await store.get(keys.revocation())).versionstamp;
}

/**
 * Unix milliseconds up to which a mailbox's tokens are refused; null if there is
 * no such mailbox now. Those from before it was opened are refused as well:
 * with one that is closed and opened again, its revocation is forgotten.
 */
export async function revokedUntil(
  store: Store,
  mailbox: MailboxId,
): Promise<number | null> {
  const { value } = await store.get(keys.mailbox(mailbox));
  if (value === null) return null;
  return Math.max(value.revokedAt ?? 0, value.createdAt - SKEW);
}

async function changeMailbox(
  store: Store,
  id: MailboxId,
  change: (record: Mailbox) => Mailbox,
  add: (operation: Operation) => unknown = () => {},
): Promise<Mailbox> {
  for (;;) {
    const entry = await store.get(keys.mailbox(id));
    const { value } = entry;
    if (value === null) throw mailboxUnknown(id);
    const changed = change(value);
    const committed = await store.commit((operation) => {
      operation.check(entry).set(keys.mailbox(id), changed);
      add(operation);
    });
    if (committed !== null) return changed; // else it was changed meanwhile
  }
}
