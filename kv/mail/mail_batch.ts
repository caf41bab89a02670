/** What every commit of mail gathers: the log, usage, what falls due, rings. */
import type { MailboxId } from "../../lib/ids.ts";
import type { Batch, Part } from "../store/commit_part.ts";
import type { Store } from "../store/store.ts";
import { DueRows } from "./due.ts";
import { LogRows } from "./log.ts";
import { Rings } from "./rings.ts";
import { ledgerOf } from "./ledger.ts";
import { UsageChanges } from "./usage_changes.ts";

/** The parts of a batch that its messages share. */
export interface MailBatch {
  /** The log. */
  readonly log: LogRows;
  /** What is kept. */
  readonly usage: UsageChanges;
  /** What falls due. */
  readonly due: DueRows;
  /** Who is rung for. */
  readonly rings: Rings;
}

/** What a batch gathers of a store's mail. */
export function mailOf(batch: Batch, store: Store): MailBatch {
  return {
    log: batch.gather(LogRows, () => new LogRows()),
    usage: batch.gather(
      UsageChanges,
      () => new UsageChanges(ledgerOf(store)),
    ),
    due: batch.gather(DueRows, () => new DueRows()),
    rings: batch.gather(Rings, () => new Rings(store)),
  };
}

/** The name by which all commits of a mailbox's mail follow one another. */
export function orderOf(mailbox: MailboxId): string {
  return `mailbox ${mailbox}`;
}

/**
 * Commits a part that changes what is kept for a mailbox.
 *
 * @throws {Problem} what it refuses itself with, or `busy`
 */
export async function commitMail<Outcome>(
  store: Store,
  mailbox: MailboxId,
  part: Part<Outcome>,
): Promise<Outcome> {
  const ledger = ledgerOf(store);
  ledger.hold(mailbox);
  try {
    return await store.commits.add(part);
  } finally {
    ledger.release(mailbox);
  }
}
