/** What one commit changes of what is kept: rows that it checks, sums that it does not. */
import type { MailboxId, MessageId } from "../../lib/ids.ts";
import { keys, shardOf } from "../kinds.ts";
import type { Failure, Gathered } from "../store/commit_part.ts";
import type { EntryMaybe, Operation } from "../store/database.ts";
import type { Ledger } from "./ledger.ts";
import {
  changedRow,
  NO_USAGE,
  packed,
  sum,
  type Usage,
  type UsageRow,
} from "./usage.ts";

/** What one commit changes. */
export class UsageChanges implements Gathered {
  readonly #ledger: Ledger;
  readonly #rows = new Map<MailboxId, {
    readonly entry: EntryMaybe<UsageRow>;
    row: UsageRow | null;
    isChanged: boolean;
    readonly stored: MessageId[];
  }>();
  readonly #shards = new Map<number, Usage>();
  #all: Usage = NO_USAGE;

  /** By what the ledger knows. */
  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** A mailbox's row with what this commit has changed so far. */
  rowOf(mailbox: MailboxId): UsageRow | null {
    return this.#changing(mailbox).row;
  }

  /** What all mailboxes hold with this and other commits under way. */
  get relay(): Usage {
    return this.#ledger.relay;
  }

  /** Relies on a mailbox's row, and changes it. */
  change(mailbox: MailboxId, change: Usage, now: number): void {
    const changing = this.#changing(mailbox);
    changing.row = changedRow(changing.row, change, now);
    changing.isChanged = true;
    this.#sum(mailbox, change);
  }

  /** Notes that a message is stored by this commit. */
  store(mailbox: MailboxId, id: MessageId): void {
    this.#changing(mailbox).stored.push(id);
  }

  /** Marks a mailbox as closed; its record counted for the relay alone. */
  close(mailbox: MailboxId, change: Usage, now: number): void {
    const changing = this.#changing(mailbox);
    const row = changedRow(changing.row, NO_USAGE, now);
    changing.row = { ...row, isOpen: false };
    changing.isChanged = true;
    this.#sum(mailbox, change);
  }

  /** Writes what has changed. */
  finish(operation: Operation): void {
    for (const [mailbox, { entry, row, isChanged }] of this.#rows) {
      if (!isChanged || row === null) continue;
      operation.check(entry);
      if (isOver(row)) operation.delete(entry.key);
      else operation.set(keys.usage(mailbox), row);
    }
    for (const [shard, change] of this.#shards) {
      if (change.bytes === 0 && change.messages === 0) continue;
      operation.sum(keys.relayUsage(shard), packed(change));
    }
  }

  /** The rows are as they were written. */
  committed(versionstamp: string): void {
    this.#ledger.endAdding(this.#all, true);
    for (const [mailbox, { row, isChanged, stored }] of this.#rows) {
      if (!isChanged || row === null) continue;
      const key = keys.usage(mailbox);
      const entry = { key, value: row, versionstamp };
      if (isOver(row)) this.#ledger.forget(mailbox);
      else this.#ledger.advance(mailbox, entry, stored);
    }
  }

  /** The rows may be otherwise than they were known. */
  failed(why: Failure): void {
    this.#ledger.endAdding(this.#all, false);
    if (why === "empty") return; // they were not tried
    for (const mailbox of this.#rows.keys()) this.#ledger.forget(mailbox);
  }

  #changing(mailbox: MailboxId) {
    const known = this.#rows.get(mailbox);
    if (known !== undefined) return known;
    const entry = this.#ledger.rowOf(mailbox);
    const changing = { entry, row: entry.value, isChanged: false, stored: [] };
    this.#rows.set(mailbox, changing);
    return changing;
  }

  #sum(mailbox: MailboxId, change: Usage): void {
    const shard = shardOf(mailbox);
    this.#shards.set(shard, sum(this.#shards.get(shard) ?? NO_USAGE, change));
    this.#all = sum(this.#all, change);
    this.#ledger.beginAdding(change);
  }
}

/** A closed mailbox of which nothing is left, not even a mark. */
function isOver({ isOpen, bytes, messages }: UsageRow): boolean {
  return !isOpen && bytes === 0 && messages === 0;
}

/** What {@link UsageChanges} adds to an operation for a mailbox, at most. */
export const USAGE_COST = { checks: 1, mutations: 2, bytes: 600 };
