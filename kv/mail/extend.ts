/** A message that comes again: what is more favourable to its recipient counts. */
import { cursorOf } from "../../lib/cursor.ts";
import type { MessageId } from "../../lib/ids.ts";
import { Problem } from "../../lib/problem.ts";
import type { Paid } from "../../lib/receipt.ts";
import { keys } from "../kinds.ts";
import type { EntryMaybe } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import { storedMessage } from "./accept.ts";
import { changeRows, type ReadRow, readRow } from "./change.ts";
import { hourOf } from "./due.ts";
import type {
  MessageEntry,
  PriceMessage,
  Room,
  StoredFacts,
  StoredMessage,
} from "./entry.ts";
import type { StoredHeader } from "./objects.ts";

/** What a message that is stored already came with this time. */
export interface Wish {
  /** Seconds of hold that are asked for; all that was paid for, if not said. */
  readonly wanted?: number | undefined;
  /** Bits a second; a slower link gets no body. */
  readonly minBandwidth: number;
  /** What it was paid with this time. */
  readonly paid: Paid;
  /** How that is priced, if it is more than before. */
  readonly price: PriceMessage;
  /** Unix milliseconds until which this work could be sent again. */
  readonly workUntil: number;
}

/** What became of a message that came again. */
export interface ExtendedMessage {
  /** As it is stored now. */
  readonly message: StoredMessage;
  /** Whether it is held for longer than before. */
  readonly extended: boolean;
}

/** A message that is held, with all that a change of it touches. */
interface Held {
  readonly mark: EntryMaybe<StoredFacts> & { readonly value: StoredFacts };
  /** As it stood when the row did. */
  readonly header: StoredHeader;
  readonly row: ReadRow;
  readonly entry: MessageEntry;
}

/**
 * Lets a message that is still held have the best of all that it came with: the
 * longer hold that its work pays for, counted from when it was stored, and a
 * `minBandwidth` that is half as high or less. Null if it was never stored.
 *
 * @throws {Problem} `busy`
 */
export async function extendMessage(
  store: Store,
  id: MessageId,
  wish: Wish,
  now: number,
): Promise<ExtendedMessage | null> {
  for (;;) {
    const found = await store.get(keys.seen(id));
    if (found.value === null) return null;
    const held = await findHeld(store, id, found, now);
    const { value: facts, versionstamp } = held?.mark ?? found;
    const message = storedMessage(store, id, facts, versionstamp);
    if (held === null) return { message, extended: false };
    const after = await improve(store, id, held, wish, now);
    if (after === null) continue; // somebody else changed it meanwhile
    const { holdUntil, paid } = after;
    const extended = holdUntil > facts.holdUntil;
    return { message: { ...message, holdUntil, paid }, extended };
  }
}

/**
 * The message with all that belongs to it, as it stood at one moment; null if it
 * is held no more. Where it stands a mark says for good.
 */
async function findHeld(
  store: Store,
  id: MessageId,
  before: Held["mark"],
  now: number,
): Promise<Held | null> {
  const { mailbox, object, stamp = before.versionstamp } = before.value;
  const [mark, stored, { value: header }] = await store.getMany([
    keys.seen(id),
    keys.message(mailbox, stamp),
    keys.object(object),
  ]);
  if (mark.value === null || mark.value.holdUntil <= now) return null;
  if (stored.value === null || header === null) return null;
  const row = readRow(stored);
  const entry = row.messages.find((one) => one.id === id);
  return entry === undefined ? null : { mark, header, row, entry };
}

/** What it has now; null if it was changed since it was read. */
async function improve(
  store: Store,
  id: MessageId,
  { mark, header, row, entry }: Held,
  wish: Wish,
  now: number,
): Promise<StoredFacts | null> {
  const { value: facts } = mark;
  const { mailbox, object } = facts;
  const { stamp } = row;
  const isFaster = wish.minBandwidth <= entry.minBandwidth / 2 &&
    entry.minBandwidth > 0;
  const minBandwidth = isFaster ? wish.minBandwidth : entry.minBandwidth;
  const isMore = hashesOf(wish.paid) > hashesOf(facts.paid);
  const isLonger = (wish.wanted ?? Infinity) > heldFor(facts) &&
    paidForOf(facts) > heldFor(facts);
  if (!isFaster && !isMore && !isLonger) return facts;
  let better = facts;
  const isDone = await changeRows(store, {
    mailbox,
    rows: [row],
    messages: [entry],
    // The header was read with the row, and changes with that alone.
    relies: [mark],
    add({ operation }, { usage, due }) {
      const room = { mailbox: usage.rowOf(mailbox), relay: usage.relay };
      better = bettered(facts, wish, isMore ? room : null);
      if (!isFaster && isSame(better, facts)) return false;
      usage.change(mailbox, { bytes: 0, messages: 0 }, now);
      const { holdUntil } = better;
      const { index = 0 } = facts;
      const epoch = store.epochOf(stamp);
      const cursor = facts.cursor ??
        cursorOf({ epoch, versionstamp: stamp, index });
      operation
        .set(keys.seen(id), { ...better, stamp, cursor })
        .set(keys.object(object), { ...header, stamp, holdUntil });
      // Of an hour one is enough, or each second more would cost a row of its own.
      if (hourOf(holdUntil) === hourOf(facts.holdUntil)) return;
      due.add("hold", holdUntil, { mailbox, id, stamp, index });
    },
    become(one) {
      if (one !== entry) return one;
      const { holdUntil, workUntil = one.workUntil } = better;
      return { ...one, minBandwidth, holdUntil, workUntil };
    },
  });
  return isDone ? better : null;
}

/** Whether nothing was bought: more work may be too little for what was asked. */
function isSame(after: StoredFacts, before: StoredFacts): boolean {
  return after.paid === before.paid && after.holdUntil === before.holdUntil;
}

/** The facts with what is better; with more work, if there is room to price it by. */
function bettered(
  facts: StoredFacts,
  wish: Wish,
  room: Room | null,
): StoredFacts {
  const more = room === null ? null : priced(wish, room);
  const paidFor = Math.max(paidForOf(facts), more?.paidFor ?? 0);
  // More work may buy less than the first did where room has got scarce since.
  const asked = Math.min(wish.wanted ?? Infinity, paidFor);
  const hold = more === null ? paidFor : Math.max(more.hold, asked);
  const holdUntil = Math.max(facts.holdUntil, facts.storedAt + 1_000 * hold);
  if (more === null) return { ...facts, paidFor, holdUntil };
  const workUntil = Math.max(facts.workUntil ?? 0, wish.workUntil);
  return { ...facts, paid: wish.paid, paidFor, holdUntil, workUntil };
}

/** Null if it is too little by now: what is stored stays as it was paid for. */
function priced({ price }: Wish, room: Room) {
  try {
    return price(room);
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

function heldFor({ storedAt, holdUntil }: StoredFacts): number {
  return (holdUntil - storedAt) / 1_000;
}

/** Messages of former versions were held for all that they had paid for. */
function paidForOf(facts: StoredFacts): number {
  return facts.paidFor ?? heldFor(facts);
}

function hashesOf({ hashes }: Paid): number {
  return hashes;
}
