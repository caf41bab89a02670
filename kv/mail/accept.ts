/** Storing a message: all of it or nothing, once, at the price of that moment. */
import { cursorOf } from "../../lib/cursor.ts";
import { blake3_256 } from "../../lib/hash.ts";
import {
  type MailboxId,
  type MessageId,
  type ObjectHash,
  objectHashOf,
} from "../../lib/ids.ts";
import { systemRandom } from "../../lib/random.ts";
import { keys } from "../kinds.ts";
import {
  AGAIN,
  type Batch,
  type Cost,
  type Part,
} from "../store/commit_part.ts";
import type { EntryMaybe, Key } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import { DUE_BYTES } from "./due.ts";
import {
  type Bought,
  keptBytes,
  type NewMessage,
  type Room,
  type StoredFacts,
  type StoredMessage,
} from "./entry.ts";
import type { Mailbox } from "./mailboxes.ts";
import { commitMail, mailOf, orderOf } from "./mail_batch.ts";
import {
  chunksBytes,
  INLINE_BYTES,
  segmentCount,
  setObject,
} from "./objects.ts";
import { RING_MUTATIONS } from "./rings.ts";
import { type Absence, ledgerOf, type Recalled } from "./ledger.ts";
import { USAGE_COST } from "./usage_changes.ts";
import type { UsageRow } from "./usage.ts";

/** What came of a commit. */
export interface CommittedMessage {
  /** As it is stored. */
  readonly message: StoredMessage;
  /** False if the store had the message already. */
  readonly created: boolean;
}

/**
 * What a message is judged by before it is stored: what was {@link readBefore},
 * by which it is new, what is {@link recallMailbox}ed, or nothing.
 */
export type Judged = Before | Recalled | null;

/**
 * Stores a message: log entry, object, dedupe mark, count and doorbell in one
 * atomic operation, so that it is charged if and only if it is stored, and once.
 * Messages that wait at the same time are committed together.
 *
 * @throws {Problem} what its price refuses it with; `busy` if the outcome is not
 * known
 */
export async function commitMessage(
  store: Store,
  message: NewMessage,
  now: number,
  judged: Judged = null,
): Promise<CommittedMessage> {
  const { id, mailbox } = message;
  const part = new MessagePart(store, message, now, judged);
  const { facts, versionstamp, created } = await commitMail(
    store,
    mailbox,
    part,
  );
  return { message: storedMessage(store, id, facts, versionstamp), created };
}

/** Log row, mark, object header, what falls due, and what each mailbox has. */
const MUTATIONS = 4 + RING_MUTATIONS;
/** Bytes of a message's keys and of what is around its body, at most. */
const FRAME_BYTES = 2_300 + DUE_BYTES;
/** Enough that no two attempts for one message are the same. */
const ATTEMPT_BYTES = 8;

/** A message's mark, and the commit that stored it. */
interface MarkFound {
  readonly facts: StoredFacts;
  readonly versionstamp: string;
  readonly created: boolean;
}

/** A message's part of a commit. */
class MessagePart implements Part<MarkFound> {
  readonly order: readonly string[];
  readonly apart: readonly string[];
  readonly cost: Cost;
  readonly sharedCost: Cost = USAGE_COST;
  readonly inRow: number;
  readonly asks: readonly Key[];
  readonly #store: Store;
  readonly #message: NewMessage;
  readonly #now: number;
  readonly #object: ObjectHash;
  readonly #attempt = systemRandom(ATTEMPT_BYTES).toHex();
  #facts: StoredFacts | null = null;
  /** What was read before; looked at once the mailbox's row is held. */
  #before: Before | null;
  /** Whether the commit itself may find out if the message is there. */
  #isTrying: boolean;
  /** Versionstamp of the row that it relied on when it did. */
  #relied: string | null | undefined;
  /** Since when the message is known not to be there. */
  #absence: Absence | null = null;
  /** Its mark, once it was found to be there. */
  #found: MarkFound | null = null;

  constructor(
    store: Store,
    message: NewMessage,
    now: number,
    judged: Judged,
  ) {
    const { id, mailbox, body } = message;
    this.#store = store;
    this.#message = message;
    this.#now = now;
    this.#before = judged !== null && "usage" in judged ? judged : null;
    this.#isTrying = judged !== null && this.#before === null;
    this.#object = objectHashOf(blake3_256(body));
    this.order = [orderOf(mailbox)];
    this.apart = [id];
    this.cost = {
      checks: this.#isTrying ? 1 : 0,
      mutations: MUTATIONS + segmentCount(body.length),
      bytes: FRAME_BYTES + chunksBytes(body.length) + body.length,
    };
    this.inRow = body.length <= INLINE_BYTES ? body.length : 0;
    this.asks = [keys.seen(id), keys.usage(mailbox)];
  }

  prepare(): Promise<void> | null {
    const { id, mailbox } = this.#message;
    const ledger = ledgerOf(this.#store);
    if (this.#before !== null) {
      const { usage, mailbox: record, at } = this.#before;
      this.#absence = ledger.learn(mailbox, usage);
      if (record !== null) ledger.noteQuota(mailbox, record.quota, at);
      this.#before = null;
    }
    const counting = ledger.prepareRelay();
    const isReady = ledger.isAbsent(mailbox, id, this.#absence) ||
      this.#isTrying && ledger.mayTry(mailbox, id);
    if (isReady) return counting;
    return Promise.all([this.#look(), counting]).then(() => {});
  }

  /** Reads the mark together with the row that whoever sets it changes. */
  async #look(): Promise<void> {
    this.#isTrying = false;
    const found = await this.#store.getMany<unknown[]>(this.asks);
    this.#found = this.settle(found);
  }

  /**
   * The mark of a message that was absent need not be checked: whoever else
   * stores it changes the mailbox's row, and that is.
   */
  add(batch: Batch): MarkFound | typeof AGAIN | void {
    if (this.#found !== null) return this.#found;
    const { id: own, mailbox: box } = this.#message;
    const ledger = ledgerOf(this.#store);
    const isAbsent = ledger.isAbsent(box, own, this.#absence);
    const isTried = !isAbsent && this.#isTrying && ledger.mayTry(box, own);
    if (!isAbsent && !isTried) return AGAIN;
    const { id, mailbox, body, minBandwidth, priority, workUntil, paid, root } =
      this.#message;
    const { log, usage, due, rings } = mailOf(batch, this.#store);
    const room = { mailbox: usage.rowOf(mailbox), relay: usage.relay };
    const { hold, paidFor } = this.#price(room);
    const [object, size, storedAt] = [this.#object, body.length, this.#now];
    const holdUntil = storedAt + 1_000 * hold;
    const change = { bytes: keptBytes(size), messages: 1 };
    usage.change(mailbox, change, storedAt);
    usage.store(mailbox, id);
    const { index, place } = log.add(mailbox, {
      id,
      object,
      size,
      minBandwidth,
      priority,
      storedAt,
      holdUntil,
      workUntil,
      body,
    });
    const facts: StoredFacts = {
      mailbox,
      object,
      size,
      storedAt,
      holdUntil,
      paid,
      paidFor,
      workUntil,
      ...(root !== undefined && { root }),
      ...(index > 0 && { index }),
      attempt: this.#attempt,
    };
    this.#facts = facts;
    const mark = keys.seen(id);
    if (isTried) {
      batch.operation.check({ key: mark, versionstamp: null });
      this.#relied = ledger.rowOf(mailbox).versionstamp;
    }
    batch.operation.set(mark, facts);
    const header = { mailbox, size, holdUntil, index };
    const bodyPlace = place === "entry" ? "entry" : "segments";
    setObject(batch.operation, object, body, { ...header, place: bodyPlace });
    due.add("hold", holdUntil, { mailbox, id, index });
    rings.add(mailbox);
  }

  done(versionstamp: string): MarkFound {
    return { facts: this.#own(), versionstamp, created: true };
  }

  /** It may find its own mark, for a commit may have been repeated on the way. */
  settle([mark, usage]: readonly EntryMaybe[]): MarkFound | null {
    const { mailbox } = this.#message;
    this.#isTrying = false;
    const isInVain = this.#relied !== undefined &&
      (mark?.value != null || usage?.versionstamp !== this.#relied);
    if (isInVain) ledgerOf(this.#store).distrust(mailbox);
    this.#relied = undefined;
    this.#absence = usage === undefined ? null : ledgerOf(this.#store)
      .learn(mailbox, usage as EntryMaybe<UsageRow>);
    if (mark === undefined || mark.value === null) return null;
    const facts = mark.value as StoredFacts;
    const created = facts.attempt === this.#attempt;
    return { facts, versionstamp: mark.versionstamp, created };
  }

  #price(room: Room): Bought {
    const { hold } = this.#message;
    return typeof hold === "number" ? { hold, paidFor: hold } : hold(room);
  }

  #own(): StoredFacts {
    if (this.#facts === null) throw new Error("a message that was not added");
    return this.#facts;
  }
}

/** What is known of a message before it is stored, read at one moment. */
export interface Before {
  /** The same message, if it was ever stored and its mark still stands. */
  readonly message: StoredMessage | null;
  /** Whose it is; null if nobody has opened the mailbox. */
  readonly mailbox: Mailbox | null;
  /** What is kept for the mailbox. */
  readonly usage: EntryMaybe<UsageRow>;
  /** When it began to be read: milliseconds of the monotonic clock. */
  readonly at: number;
}

/** Checks of an operation of which messages may have one each. */
const MANY_CHECKS = 100;

/**
 * What a message can be judged by without reading anything: the commit finds out
 * whether it was stored before. Null where this worker does not know enough of
 * the mailbox, and where others are on their way to it and a store takes so few
 * checks that reading costs less.
 */
export function recallMailbox(
  store: Store,
  mailbox: MailboxId,
): Recalled | null {
  const ledger = ledgerOf(store);
  // Behind others of its mailbox it has to wait, and may read meanwhile.
  const isCheap = store.limits.checks >= MANY_CHECKS ||
    !ledger.isRelied(mailbox);
  return isCheap ? ledger.recall(mailbox) : null;
}

/** Reads all that a message is judged by, at once. */
export async function readBefore(
  store: Store,
  id: MessageId,
  mailbox: MailboxId,
): Promise<Before> {
  const at = performance.now();
  const [mark, record, usage] = await store.getMany([
    keys.seen(id),
    keys.mailbox(mailbox),
    keys.usage(mailbox),
  ]);
  const message = mark.value === null
    ? null
    : storedMessage(store, id, mark.value, mark.versionstamp);
  return { message, mailbox: record.value, usage, at };
}

/** The message, if it was ever stored and its mark still stands. */
export async function findMessage(
  store: Store,
  id: MessageId,
): Promise<StoredMessage | null> {
  const { value, versionstamp } = await store.get(keys.seen(id));
  return value === null ? null : storedMessage(store, id, value, versionstamp);
}

/** What a mark says, with the versionstamp of its entry, of a message. */
export function storedMessage(
  store: Store,
  id: MessageId,
  facts: StoredFacts,
  versionstamp: string,
): StoredMessage {
  const { mailbox, object, size, storedAt, holdUntil, paid, root } = facts;
  const cursor = facts.cursor ?? localCursor(store, facts, versionstamp);
  return {
    id,
    mailbox,
    object,
    size,
    storedAt,
    holdUntil,
    paid,
    ...(root !== undefined && { root }),
    cursor,
  };
}

/** Where a message's own mark says that it stands in this store. */
function localCursor(
  store: Store,
  { stamp, index = 0 }: StoredFacts,
  ownStamp: string,
) {
  const versionstamp = stamp ?? ownStamp;
  const epoch = store.epochOf(versionstamp);
  return cursorOf({ epoch, versionstamp, index });
}
