/**
 * What is kept, in bytes and messages: for each mailbox, and for the relay.
 *
 * A mailbox's row is read, checked and written by every commit of its mail, so
 * that what a message is priced by is what there is in the very commit that
 * stores it, whichever worker makes it. The relay's is summed up blindly, or all
 * workers would wait for one another: a worker counts it anew every two seconds,
 * and where it is nearly full before each commit, so that all workers together
 * go over it by one commit each at most.
 */
import type { MailboxId, MessageId } from "../../lib/ids.ts";
import type { Quota } from "../../lib/quota.ts";
import { keys, shardOf, SHARDS } from "../kinds.ts";
import type { Gathered } from "../store/commit_part.ts";
import type { EntryMaybe, Operation } from "../store/database.ts";
import type { Store } from "../store/store.ts";

/** What is kept of something. */
export interface Usage {
  /** Bytes of envelopes, and of what is kept besides. */
  readonly bytes: number;
  /** Messages held. */
  readonly messages: number;
}

/** Nothing. */
export const NO_USAGE: Usage = { bytes: 0, messages: 0 };

/** What is kept for a mailbox, and what was some hours ago. */
export interface UsageRow extends Usage {
  /** The hour of the last change: Unix hours. */
  readonly hour: number;
  /** What was kept when that hour began. */
  readonly atHour: Usage;
  /** What was kept when the hour before that began. */
  readonly before: Usage;
  /** False once the mailbox was closed. */
  readonly isOpen: boolean;
}

/** Milliseconds of an hour. */
export const HOUR = 3_600_000;

/** The row of a mailbox that was just opened. */
export function openedRow(now: number): UsageRow {
  const hour = Math.floor(now / HOUR);
  const nothing = { atHour: NO_USAGE, before: NO_USAGE };
  return { ...NO_USAGE, hour, ...nothing, isOpen: true };
}

/** A row after a change. */
export function changedRow(
  row: UsageRow | null,
  change: Usage,
  now: number,
): UsageRow {
  const { bytes, messages, hour, atHour, before, isOpen } = row ??
    openedRow(now);
  const hourNow = Math.max(Math.floor(now / HOUR), hour);
  const current = { bytes, messages };
  return {
    // What is counted out was counted in.
    bytes: Math.max(bytes + change.bytes, 0),
    messages: Math.max(messages + change.messages, 0),
    hour: hourNow,
    atHour: hourNow === hour ? atHour : current,
    before: hourNow === hour ? before : hourNow === hour + 1 ? atHour : current,
    isOpen,
  };
}

/**
 * What a mailbox held when the hour before this one began: what strangers may
 * know of it. They learn neither that mail has come nor that it was read.
 */
export function formerUsage(row: UsageRow | null, now: number): Usage {
  if (row === null) return NO_USAGE;
  const age = Math.floor(now / HOUR) - row.hour;
  const { bytes, messages, atHour, before } = row;
  if (age <= 0) return before;
  return age === 1 ? atHour : { bytes, messages };
}

/** What a mailbox holds; nothing if it was never opened. */
export async function mailboxUsage(
  store: Store,
  mailbox: MailboxId,
): Promise<Usage> {
  const { bytes, messages } = (await store.get(keys.usage(mailbox))).value ??
    NO_USAGE;
  return { bytes, messages };
}

/** One number holds both counts: messages above, bytes in the low 40 bits. */
const BYTES_BITS = 40;

/** What one shard can count, and so the relay: more would begin at 0 again. */
export const MOST_COUNTED: Usage = {
  bytes: 2 ** BYTES_BITS - 1,
  messages: 2 ** (64 - BYTES_BITS) - 1,
};

/** A change of the relay's usage as a sum, which wraps. */
export function packed({ bytes, messages }: Usage): bigint {
  return BigInt.asUintN(
    64,
    (BigInt(messages) << BigInt(BYTES_BITS)) + BigInt(bytes),
  );
}

/** What all mailboxes hold. */
export async function relayUsage(store: Store): Promise<Usage> {
  const shards = Array.from({ length: SHARDS }, (_, i) => keys.relayUsage(i));
  const sums = await store.getMany<bigint[]>(shards);
  let bytes = 0;
  let messages = 0;
  for (const { value } of sums) {
    bytes += Number(BigInt.asUintN(BYTES_BITS, value ?? 0n));
    messages += Number((value ?? 0n) >> BigInt(BYTES_BITS));
  }
  return { bytes, messages };
}

/** A mailbox's row as this worker knows it. */
interface Known {
  /** How many parts of commits rely on it. */
  users: number;
  /** Null before it is read, and once a commit has found it otherwise. */
  entry: EntryMaybe<UsageRow> | null;
  /** How often it was read: commits of others may lie between two readings. */
  readings: number;
  /** Its versionstamp then: since then only commits of this worker changed it. */
  since: string;
  /** What this worker's commits have stored since they rely on it. */
  readonly stored: Set<MessageId>;
}

/** Messages that are remembered of one reading. */
const MOST_STORED = 10_000;

/** Begins anew what is known since a row was read. */
function begin(known: Known, since: string): void {
  known.readings += 1;
  known.since = since;
  known.stored.clear();
}

/** That a message was not there when a mailbox's row was read. */
export interface Absence {
  /** Which reading of the row it was. */
  readonly reading: number;
}

/** Milliseconds for which the count of the whole relay is taken as it was. */
const RELAY_COUNT_KEPT = 2_000;

/** The rows that this worker's commits under way rely on, and the relay's count. */
export class Ledger {
  readonly #store: Store;
  readonly #rows = new Map<MailboxId, Known>();
  #counted: { readonly at: number; readonly usage: Usage } | null = null;
  #counting: Promise<void> | null = null;
  /** What this worker's commits added since the count. */
  #added: Usage = NO_USAGE;
  /** What those under way are adding. */
  #adding: Usage = NO_USAGE;
  /** The relay's quota: near it each commit counts anew. */
  quota: Quota | null = null;

  /** Use {@link ledgerOf}. */
  constructor(store: Store) {
    this.#store = store;
  }

  /** Keeps a mailbox's row at hand until it is {@link Ledger.release}d. */
  hold(mailbox: MailboxId): void {
    const known = this.#rows.get(mailbox) ??
      { users: 0, entry: null, readings: 0, since: "", stored: new Set() };
    known.users += 1;
    this.#rows.set(mailbox, known);
  }

  /** Ends that. */
  release(mailbox: MailboxId): void {
    const known = this.#rows.get(mailbox);
    if (known !== undefined && --known.users === 0) this.#rows.delete(mailbox);
  }

  /**
   * Takes over a row that was read, unless it knows better. A message whose mark
   * was not there at that same moment is absent for as long as the row is only
   * changed by commits of this worker that do not store it: whoever stores a
   * message changes the row. Null if the row was read too early to tell.
   */
  learn(mailbox: MailboxId, entry: EntryMaybe<UsageRow>): Absence | null {
    const known = this.#rows.get(mailbox);
    if (known === undefined) return null;
    const stamp = entry.versionstamp ?? "";
    const isNewer = known.entry === null ||
      stamp > (known.entry.versionstamp ?? "");
    if (isNewer) {
      known.entry = entry;
      begin(known, stamp);
    }
    return stamp >= known.since ? { reading: known.readings } : null;
  }

  /** Whether a message that was absent can have been stored since. */
  isAbsent(
    mailbox: MailboxId,
    id: MessageId,
    absence: Absence | null,
  ): boolean {
    const known = this.#rows.get(mailbox);
    return known !== undefined && known.entry !== null &&
      absence?.reading === known.readings && !known.stored.has(id);
  }

  /** Takes over a row as this worker's own commit has written it. */
  advance(
    mailbox: MailboxId,
    entry: EntryMaybe<UsageRow>,
    stored: Iterable<MessageId>,
  ): void {
    const known = this.#rows.get(mailbox);
    if (known === undefined) return;
    known.entry = entry;
    for (const id of stored) known.stored.add(id);
    // Whoever still relies on less looks for itself.
    if (known.stored.size > MOST_STORED) begin(known, entry.versionstamp ?? "");
  }

  /** Forgets a row that was not as it is known. */
  forget(mailbox: MailboxId): void {
    const known = this.#rows.get(mailbox);
    if (known !== undefined) known.entry = null;
  }

  /** A row that {@link Ledger.prepare} has read. */
  rowOf(mailbox: MailboxId): EntryMaybe<UsageRow> {
    const entry = this.#rows.get(mailbox)?.entry ?? null;
    if (entry === null) throw new Error("a row that was not read");
    return entry;
  }

  /** What all mailboxes hold, with what this worker is adding. */
  get relay(): Usage {
    const counted = this.#counted?.usage ?? NO_USAGE;
    return sum(sum(counted, this.#added), this.#adding);
  }

  /** Reads what is not known of a mailbox and the relay; null if all is. */
  prepare(mailbox: MailboxId): Promise<void> | null {
    const known = this.#rows.get(mailbox);
    const isKnown = known === undefined || known.entry !== null;
    const isCounted = this.#isCounted();
    if (isKnown && isCounted) return null;
    return Promise.all([
      isKnown ? null : this.#read(mailbox),
      isCounted ? null : this.countRelay(),
    ]).then(() => {});
  }

  /** Counts what all mailboxes hold, unless that is known; null if it is. */
  prepareRelay(): Promise<void> | null {
    return this.#isCounted() ? null : this.countRelay();
  }

  /** Counts what all mailboxes hold, once for all who ask at the same time. */
  countRelay(): Promise<void> {
    return this.#counting ??= this.#count().finally(() => {
      this.#counting = null;
    });
  }

  /** Notes what a commit of this worker is adding to the relay. */
  beginAdding(change: Usage): void {
    this.#adding = sum(this.#adding, change);
  }

  /** Notes that it has, or that it has not. */
  endAdding(change: Usage, isDone: boolean): void {
    this.#adding = difference(this.#adding, change);
    if (isDone) this.#added = sum(this.#added, change);
  }

  async #read(mailbox: MailboxId): Promise<void> {
    this.learn(mailbox, await this.#store.get(keys.usage(mailbox)));
  }

  #isCounted(): boolean {
    if (this.#counted === null) return false;
    const age = performance.now() - this.#counted.at;
    const isOwn = this.#added.bytes === 0 && this.#added.messages === 0;
    return age < RELAY_COUNT_KEPT && (isOwn || !this.#isTight());
  }

  /** Whether all workers together could fill what is left before they count. */
  #isTight(): boolean {
    if (this.quota === null) return false;
    const { bytes, messages } = this.relay;
    return this.quota.bytes - bytes < 2 ** 26 + this.quota.bytes / 20 ||
      this.quota.messages - messages < 10_000 + this.quota.messages / 20;
  }

  async #count(): Promise<void> {
    const before = this.#added;
    const usage = await relayUsage(this.#store);
    this.#counted = { at: performance.now(), usage };
    // What was added while it was counted may be in the count: once too often.
    this.#added = difference(this.#added, before);
  }
}

function sum(a: Usage, b: Usage): Usage {
  return { bytes: a.bytes + b.bytes, messages: a.messages + b.messages };
}

function difference(a: Usage, b: Usage): Usage {
  return { bytes: a.bytes - b.bytes, messages: a.messages - b.messages };
}

const ledgers = new WeakMap<Store, Ledger>();

/** The ledger of a store: one, for all of a worker's commits. */
export function ledgerOf(store: Store): Ledger {
  const ledger = ledgers.get(store) ?? new Ledger(store);
  ledgers.set(store, ledger);
  return ledger;
}

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
  failed(): void {
    this.#ledger.endAdding(this.#all, false);
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
