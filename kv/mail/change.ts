/** Changing messages that are stored: their rows, marks and objects together. */
import type { MailboxId } from "../../lib/ids.ts";
import { keys } from "../kinds.ts";
import type { Batch, Cost, Part } from "../store/commit_part.ts";
import type { Check, Entry, Key } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { DUE_BYTES } from "./due.ts";
import type { MessageEntry } from "./entry.ts";
import { commitMail, type MailBatch, mailOf, orderOf } from "./mail_batch.ts";
import { segmentCount } from "./objects.ts";
import { decodeRow, encodeRow } from "./row.ts";
import { ledgerOf } from "./ledger.ts";
import { USAGE_COST } from "./usage_changes.ts";

/** A row of the log as it was read. */
export interface ReadRow {
  /** As it stands in the store. */
  readonly entry: Entry<Bytes>;
  /** Versionstamp of the commit that wrote it first. */
  readonly stamp: string;
  /** What is in it. */
  readonly messages: readonly MessageEntry[];
}

/** A row as it was read. */
export function readRow(entry: Entry<Bytes>): ReadRow {
  const stamp = String(entry.key.at(-1));
  return { entry, stamp, messages: decodeRow(entry.value) };
}

/** A row of a mailbox's log; null if it is there no more. */
export async function findRow(
  store: Store,
  mailbox: MailboxId,
  stamp: string,
): Promise<ReadRow | null> {
  const entry = await store.get(keys.message(mailbox, stamp));
  return entry.value === null ? null : readRow(entry);
}

/** What becomes of rows, and of what belongs to them. */
export interface RowChange {
  /** Whose log it is. */
  readonly mailbox: MailboxId;
  /** The rows that it relies on. */
  readonly rows: readonly ReadRow[];
  /** The messages that it changes: more cost more. */
  readonly messages: readonly MessageEntry[];
  /** Other entries that it relies on; none, if not said. */
  readonly relies?: readonly Check[];
  /**
   * Adds what is changed; what it relies on is checked, and rows are written,
   * already. False if there is nothing to change, and nothing was added.
   */
  add(batch: Batch, mail: MailBatch): void | false;
  /** What a message becomes; null if it goes. Itself, if it stays as it is. */
  become(message: MessageEntry, row: ReadRow): MessageEntry | null;
}

/**
 * Changes rows in one commit; false if one of them was not as it was read, and
 * nothing was done.
 *
 * @throws {Problem} `busy` if the outcome is not known
 */
export async function changeRows(
  store: Store,
  change: RowChange,
): Promise<boolean> {
  const { mailbox } = change;
  const part = new ChangePart(store, change);
  return (await commitMail(store, mailbox, part)).isDone;
}

/** Keys and counters of a change, and of each message that it changes. */
const BASE_BYTES = 1_000;
const MESSAGE_BYTES = 1_500 + 2 * DUE_BYTES;
const MESSAGE_MUTATIONS = 4;

class ChangePart implements Part<{ readonly isDone: boolean }> {
  readonly order: readonly string[];
  readonly apart: readonly string[];
  readonly cost: Cost;
  readonly sharedCost: Cost = USAGE_COST;
  readonly asks: readonly Key[];
  readonly #store: Store;
  readonly #change: RowChange;
  /** Tells what is as it was from what was changed. */
  readonly #relies: readonly Check[];

  constructor(store: Store, change: RowChange) {
    const { mailbox, rows, messages, relies = [] } = change;
    this.#store = store;
    this.#change = change;
    this.#relies = [...rows.map(({ entry }) => entry), ...relies];
    this.order = [orderOf(mailbox)];
    // Of two changes of one row the second would undo the first, and of two
    // that see a mark differently neither could be done.
    this.apart = [
      ...rows.map(({ stamp }) => `row ${mailbox} ${stamp}`),
      ...messages.map(({ id }) => id),
    ];
    this.asks = this.#relies.map(({ key }) => key);
    const segments = messages.reduce(
      (sum, { place, size }) =>
        sum + (place === "segments" ? segmentCount(size) : 0),
      0,
    );
    this.cost = {
      checks: this.#relies.length,
      mutations: rows.length + MESSAGE_MUTATIONS * messages.length + segments,
      bytes: BASE_BYTES + MESSAGE_BYTES * messages.length + 100 * segments +
        rows.reduce((sum, { entry }) => sum + entry.value.length, 0),
    };
  }

  prepare(): Promise<void> | null {
    return ledgerOf(this.#store).prepare(this.#change.mailbox);
  }

  add(batch: Batch): { readonly isDone: boolean } | void {
    const { rows } = this.#change;
    const mail = mailOf(batch, this.#store);
    if (this.#change.add(batch, mail) === false) return { isDone: true };
    batch.operation.check(...this.#relies);
    for (const row of rows) {
      const { entry, messages } = row;
      const left = messages.flatMap((message) =>
        this.#change.become(message, row) ?? []
      );
      if (left.length === 0) batch.operation.delete(entry.key);
      else batch.operation.set(entry.key, encodeRow(left));
    }
  }

  done(): { readonly isDone: boolean } {
    return { isDone: true };
  }

  /** Where anything was otherwise, whoever asked for this looks again. */
  settle(
    found: readonly { readonly versionstamp: string | null }[],
  ): { readonly isDone: boolean } | null {
    const isSame = this.#relies.every(({ versionstamp }, i) =>
      found[i]?.versionstamp === versionstamp
    );
    return isSame ? null : { isDone: false };
  }
}
