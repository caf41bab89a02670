/**
 * Marks of messages that are gone: they stay for as long as the same work could
 * be sent again, and count as what they take.
 */
import type { MailboxId, MessageId } from "../../lib/ids.ts";
import { keys } from "../kinds.ts";
import type { Batch, Part } from "../store/commit_part.ts";
import type { EntryMaybe, Operation } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import { DUE_BYTES, type DueItem } from "./due.ts";
import { MARK_BYTES, type StoredFacts } from "./entry.ts";
import { commitMail, type MailBatch, mailOf, orderOf } from "./mail_batch.ts";
import { ledgerOf } from "./ledger.ts";
import { USAGE_COST } from "./usage_changes.ts";

/** Removes the mark of a message that is gone, once its work is of the past. */
export async function dropMark(
  store: Store,
  { mailbox, id }: DueItem,
  now: number,
): Promise<void> {
  if (id === undefined) return;
  const mark = await store.get(keys.seen(id));
  if (mark.value === null || (mark.value.workUntil ?? 0) > now) return;
  const name = { mailbox, id };
  await changeMark(store, name, mark, (operation, { usage }) => {
    usage.change(mailbox, { bytes: -MARK_BYTES, messages: 0 }, now);
    operation.delete(mark.key);
  });
}

/**
 * Restores the mark of a message that is gone; gives whether it did, for it may
 * be there, or be of no use any more.
 */
export async function restoreMark(
  store: Store,
  id: MessageId,
  facts: StoredFacts,
  now: number,
): Promise<boolean> {
  const { mailbox, workUntil = 0 } = facts;
  if (workUntil <= now) return false;
  const key = keys.seen(id);
  const none = { key, value: null, versionstamp: null };
  const name = { mailbox, id };
  return await changeMark(store, name, none, (operation, { usage, due }) => {
    usage.change(mailbox, { bytes: MARK_BYTES, messages: 0 }, now);
    due.add("mark", workUntil, { mailbox, id });
    operation.set(key, facts);
  });
}

/** Whose mark it is, and of which message. */
interface MarkName {
  readonly mailbox: MailboxId;
  readonly id: MessageId;
}

/** Adds the change of a mark to an operation. */
type ChangeMark = (operation: Operation, mail: MailBatch) => void;

/** Changes a mark with its count; false if it was otherwise than it is known. */
async function changeMark(
  store: Store,
  name: MarkName,
  mark: EntryMaybe<StoredFacts>,
  change: ChangeMark,
): Promise<boolean> {
  const part = new MarkPart(store, name, mark, change);
  return (await commitMail(store, name.mailbox, part)).isDone;
}

class MarkPart implements Part<{ readonly isDone: boolean }> {
  readonly order: readonly string[];
  readonly apart: readonly string[];
  readonly cost = {
    checks: 1,
    mutations: 2,
    bytes: 1_500 + DUE_BYTES,
  };
  readonly sharedCost = USAGE_COST;
  readonly asks;
  readonly #store: Store;
  readonly #mailbox: MailboxId;
  readonly #mark: EntryMaybe<StoredFacts>;
  readonly #change: ChangeMark;

  constructor(
    store: Store,
    { mailbox, id }: MarkName,
    mark: EntryMaybe<StoredFacts>,
    change: ChangeMark,
  ) {
    this.#store = store;
    this.#mailbox = mailbox;
    this.#mark = mark;
    this.#change = change;
    this.order = [orderOf(mailbox)];
    this.apart = [id];
    this.asks = [mark.key];
  }

  prepare(): Promise<void> | null {
    return ledgerOf(this.#store).prepare(this.#mailbox);
  }

  add(batch: Batch): void {
    const mail = mailOf(batch, this.#store);
    batch.operation.check(this.#mark);
    this.#change(batch.operation, mail);
  }

  done(): { readonly isDone: boolean } {
    return { isDone: true };
  }

  settle(
    [found]: readonly EntryMaybe[],
  ): { readonly isDone: boolean } | null {
    const isSame = found?.versionstamp === this.#mark.versionstamp;
    return isSame ? null : { isDone: false };
  }
}
