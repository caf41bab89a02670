/**
 * What commits rely on of what is kept, and how they change it.
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
import { keys } from "../kinds.ts";
import type { EntryMaybe } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import { Trust } from "./trust.ts";
import {
  difference,
  NO_USAGE,
  relayUsage,
  sum,
  type Usage,
  type UsageRow,
} from "./usage.ts";

/** A mailbox's row as this worker knows it. */
interface Known {
  /** How many parts of commits rely on it. */
  users: number;
  /** Null before it is read, and once a commit has found it otherwise. */
  entry: EntryMaybe<UsageRow> | null;
  /** Whether it was read, or written, since somebody relies on it. */
  isFresh: boolean;
  /** The mailbox's own quota, if any, and when that was read. */
  quota: { readonly own: Quota | undefined; readonly at: number } | null;
  /** How often it was read: commits of others may lie between two readings. */
  readings: number;
  /** Its versionstamp then: since then only commits of this worker changed it. */
  since: string;
  /** What this worker's commits have stored since they rely on it. */
  readonly stored: Set<MessageId>;
}

/** Messages that are remembered of one reading. */
const MOST_STORED = 10_000;

/** Rows that are remembered of mailboxes on which nobody relies. */
const MOST_KEPT = 1_000;
/** Milliseconds for which a quota is taken as it was. */
const QUOTA_KEPT = 5_000;
/** Begins anew what is known since a row was read. */
function begin(known: Known, since: string): void {
  known.readings += 1;
  known.since = since;
  known.stored.clear();
}

/** What is known of a mailbox without asking the store. */
export interface Recalled {
  /** Its own quota, where its operator gave it one. */
  readonly quota: Quota | undefined;
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
  /** Rows on which nobody relies now; the first is the oldest. */
  readonly #kept = new Map<MailboxId, Known>();
  /** When a quota was last changed here, by the monotonic clock. */
  #quotasChangedAt = -Infinity;
  readonly #trust = new Trust();
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
    const known = this.#rows.get(mailbox) ?? this.#kept.get(mailbox) ??
      {
        users: 0,
        entry: null,
        isFresh: false,
        quota: null,
        readings: 0,
        since: "",
        stored: new Set(),
      };
    known.users += 1;
    this.#rows.set(mailbox, known);
    this.#kept.delete(mailbox);
  }

  /** Whether parts of commits rely on a mailbox's row. */
  isRelied(mailbox: MailboxId): boolean {
    return this.#rows.has(mailbox);
  }

  /** Ends that; the row is remembered for a while. */
  release(mailbox: MailboxId): void {
    const known = this.#rows.get(mailbox);
    if (known === undefined || --known.users > 0) return;
    this.#rows.delete(mailbox);
    if (known.entry === null || this.#isDistrusted(mailbox)) return;
    known.isFresh = false;
    begin(known, known.entry.versionstamp ?? "");
    this.#kept.set(mailbox, known);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) {
      this.#kept.delete(oldest);
    }
  }

  /** Notes a mailbox's own quota, as it was when its reading began. */
  noteQuota(mailbox: MailboxId, own: Quota | undefined, at: number): void {
    const known = this.#rows.get(mailbox);
    // Which quota was changed since is not known of all.
    if (known !== undefined && at > this.#quotasChangedAt) {
      known.quota = { own, at };
    }
  }

  /** Forgets a mailbox's own quota, for it is changed. */
  forgetQuota(mailbox: MailboxId): void {
    this.#quotasChangedAt = performance.now();
    const known = this.#rows.get(mailbox) ?? this.#kept.get(mailbox);
    if (known !== undefined) known.quota = null;
  }

  /**
   * What this worker remembers of an open mailbox; null if that is not enough
   * to store a message by. A commit that relies on it finds out whether it is
   * still so; once one has found that it was not, the mailbox is read first for a
   * while: where several workers, or those who send again what is stored, make
   * commits fail, that costs less.
   */
  recall(mailbox: MailboxId): Recalled | null {
    if (this.#isDistrusted(mailbox)) return null;
    const known = this.#rows.get(mailbox) ?? this.#kept.get(mailbox);
    if (known === undefined || known.entry?.value?.isOpen !== true) return null;
    const { quota } = known;
    if (quota === null || performance.now() - quota.at > QUOTA_KEPT) {
      return null;
    }
    return { quota: quota.own };
  }

  /** A commit relied on what is remembered of a mailbox in vain. */
  distrust(mailbox: MailboxId): void {
    this.#kept.delete(mailbox);
    if (this.#trust.lose(mailbox, performance.now())) this.#kept.clear();
  }

  #isDistrusted(mailbox: MailboxId): boolean {
    return this.#trust.isLost(mailbox, performance.now());
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
    const before = known.entry?.versionstamp ?? "";
    const isGone = stamp === "" && before !== "";
    if (isGone && known.isFresh) {
      // Removed since, or read before it was there: that is to be read anew.
      known.isFresh = false;
      return null;
    }
    if (known.entry === null || stamp > before || isGone) {
      known.entry = entry;
      begin(known, stamp);
    }
    known.isFresh = true;
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

  /**
   * Whether a commit may rely on the row as it is remembered, and find out by a
   * check of its own whether the message is there.
   */
  mayTry(mailbox: MailboxId, id: MessageId): boolean {
    const known = this.#rows.get(mailbox);
    return known !== undefined && known.entry !== null &&
      !known.stored.has(id) && !this.#isDistrusted(mailbox);
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
    known.isFresh = true;
    for (const id of stored) known.stored.add(id);
    // Whoever still relies on less looks for itself.
    if (known.stored.size > MOST_STORED) begin(known, entry.versionstamp ?? "");
  }

  /** Forgets a row that was not as it is known. */
  forget(mailbox: MailboxId): void {
    const known = this.#rows.get(mailbox);
    if (known !== undefined) known.entry = null;
  }

  /** A row that {@link Ledger.prepare} has read, or that is remembered. */
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
    const isKnown = known === undefined ||
      known.entry !== null && known.isFresh;
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

const ledgers = new WeakMap<Store, Ledger>();

/** The ledger of a store: one, for all of a worker's commits. */
export function ledgerOf(store: Store): Ledger {
  const ledger = ledgers.get(store) ?? new Ledger(store);
  ledgers.set(store, ledger);
  return ledger;
}
