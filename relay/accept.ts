/** Accepting a message: from its bytes to the receipt for it. */
import {
  commitMessage,
  type Judged,
  readBefore,
  recallMailbox,
} from "../kv/mail/accept.ts";
import type { StoredMessage } from "../kv/mail/entry.ts";
import { extendMessage } from "../kv/mail/extend.ts";
import { mailboxUnknown } from "../kv/mail/mailboxes.ts";
import { sweep } from "../kv/mail/sweep.ts";
import type { Bytes } from "../lib/bytes.ts";
import { mailboxIdOf } from "../lib/ids.ts";
import type { MaxTxPow } from "../lib/minima/maxima.ts";
import { decodeMaxTxPow } from "../lib/minima/maxtxpow.ts";
import { type Priority, receiptRoot } from "../lib/object.ts";
import { Problem } from "../lib/problem.ts";
import type { Quota } from "../lib/quota.ts";
import { signReceipt } from "../lib/receipt.ts";
import {
  checkTime,
  checkWork,
  type MessageWork,
  timeOf,
} from "../lib/work/check.ts";
import { quoteWork, workMembers } from "../lib/work/price.ts";
import { hashesOf } from "../lib/work/target.ts";
import type { Relay } from "./relay.ts";
import { priceBy } from "./room.ts";
import { shownFillsOf } from "./shown_fills.ts";

/** How a message is to be kept, by its sender. */
export interface Wishes {
  /** Seconds; all that is paid for, if not said. */
  readonly hold?: number | undefined;
  /** Bits a second below which a reader gets no body. */
  readonly minBandwidth: number;
  /** By the sender's word. */
  readonly priority: Priority;
}

/** A message that is stored. */
export interface AcceptedMessage {
  /** As it is stored. */
  readonly message: StoredMessage;
  /** False if it was stored before: then nothing was charged. */
  readonly created: boolean;
  /** Whether it was stored before, and is held for longer now. */
  readonly extended: boolean;
  /** The relay's signed word on it. */
  readonly receipt: string;
}

/**
 * Checks an envelope, the cheapest first, and stores it; what is stored already
 * is answered as it was, or better. It is read once what came with it is right.
 *
 * @throws {Problem} `malformed`, `too-large`, `wrong-hash`, `work-insufficient`,
 * `work-stale`, `mailbox-unknown`, `mailbox-full`, `relay-full` or `busy`
 */
export async function acceptMessage(
  relay: Relay,
  readBody: () => Promise<Bytes>,
  wishes: Wishes,
): Promise<AcceptedMessage> {
  expectHold(relay, wishes.hold);
  const body = await readBody();
  const unit = decodeMaxTxPow(body, relay.limits);
  let work: MessageWork;
  try {
    work = checkWork(unit);
  } catch (error) {
    throw await priced(relay, error, unit, body.length, wishes.hold);
  }
  const offered = { relay, body, unit, work, wishes };
  const stored = await storeUnread(offered) ?? await storeRead(offered);
  return await answer(relay, stored);
}

/** A message whose work was checked. */
interface Offered {
  readonly relay: Relay;
  readonly body: Bytes;
  readonly unit: MaxTxPow;
  readonly work: MessageWork;
  readonly wishes: Wishes;
  /** The mailbox's own, where its operator gave it one. */
  readonly quota: Quota | undefined;
}

/** What became of it, before there is a receipt for it. */
type Stored = Omit<AcceptedMessage, "receipt">;

/**
 * Stores a message by what is remembered of its mailbox. Null if that is not
 * enough, or refuses it: nobody is refused by anything but what is read.
 */
async function storeUnread(
  { work, ...message }: Omit<Offered, "quota">,
): Promise<Stored | null> {
  const { relay, unit } = message;
  const recalled = recallMailbox(relay.store, work.mailbox);
  if (recalled === null) return null;
  const { quota } = recalled;
  try {
    checkTime(unit.txPow.header, relay.now(), relay.window);
    return await commit({ ...message, work, quota }, recalled);
  } catch (error) {
    const isRefused = error instanceof Problem && error.code !== "busy";
    if (!isRefused) throw error;
    return null;
  }
}

/** Stores a message by what is read for it, at one moment. */
async function storeRead(message: Omit<Offered, "quota">): Promise<Stored> {
  const { relay, unit, work } = message;
  const before = await readBefore(relay.store, work.messageId, work.mailbox);
  const offered = { ...message, quota: before.mailbox?.quota };
  if (before.message !== null) return await again(offered, before.message);
  if (before.mailbox === null) throw mailboxUnknown(work.mailbox);
  checkTime(unit.txPow.header, relay.now(), relay.window);
  try {
    return await commit(offered, before);
  } catch (error) {
    // Full is only said when nothing is left that is over.
    const isFull = error instanceof Problem && FULL.has(error.code);
    if (!isFull) throw error;
    const { now } = relay;
    // Whether that succeeds is no matter of the poster's.
    const swept = await sweep(relay.store, { now, most: SWEPT_FOR_ONE })
      .catch(() => ({ rows: 0 }));
    if (swept.rows === 0) throw error;
  }
  return await commit(offered, null);
}

const FULL: ReadonlySet<string> = new Set(["mailbox-full", "relay-full"]);
/** Rows of what is due that are seen to for one message's sake. */
const SWEPT_FOR_ONE = 100;

async function commit(offered: Offered, judged: Judged): Promise<Stored> {
  const { relay, body, unit, work, wishes } = offered;
  const { minBandwidth, priority } = wishes;
  const { message, created } = await commitMessage(
    relay.store,
    {
      id: work.messageId,
      mailbox: work.mailbox,
      body,
      root: receiptRoot(body),
      paid: { by: "work", hashes: hashesOf(work.target) },
      hold: priceFor(offered),
      minBandwidth,
      priority,
      workUntil: workEnd(relay, unit),
    },
    relay.now(),
    judged,
  );
  return created
    ? { message, created, extended: false }
    : await again(offered, message);
}

function priceFor(
  { relay, body, work, wishes, quota }: Omit<Offered, "unit">,
) {
  return priceBy(relay, {
    mailbox: work.mailbox,
    size: body.length,
    target: work.target,
    wanted: wishes.hold,
    quota,
    now: relay.now(),
  });
}

/** Milliseconds by which the clocks of workers may differ. */
const SKEW = 60_000;

/** When the same work cannot be sent again to any worker: Unix milliseconds. */
function workEnd({ window }: Relay, { txPow }: MaxTxPow): number {
  return timeOf(txPow.header) + (window.markedFor ?? window.back) +
    SKEW;
}

/** A message that is stored already gets the best of all that it came with. */
async function again(
  { unit, ...offered }: Offered,
  stored: StoredMessage,
): Promise<Stored> {
  const { relay, work, wishes } = offered;
  const paid = { by: "work", hashes: hashesOf(work.target) } as const;
  const isMore = paid.hashes > stored.paid.hashes;
  // Old work pays for nothing more.
  if (isMore) checkTime(unit.txPow.header, relay.now(), relay.window);
  const extended = await extendMessage(relay.store, work.messageId, {
    wanted: wishes.hold,
    minBandwidth: wishes.minBandwidth,
    paid,
    price: priceFor(offered),
    workUntil: workEnd(relay, unit),
  }, relay.now());
  const { message = stored, extended: isLonger = false } = extended ?? {};
  return { message, created: false, extended: isLonger };
}

async function answer(
  { keys }: Relay,
  { message, ...outcome }: Stored,
): Promise<AcceptedMessage> {
  const { id, object, root, mailbox, cursor, size, paid } = message;
  const { storedAt, holdUntil } = message;
  const receipt = await signReceipt(keys.signing, {
    sub: mailbox,
    jti: id,
    object,
    root,
    size,
    cursor,
    iat: Math.floor(storedAt / 1_000),
    exp: Math.floor(holdUntil / 1_000),
    paid,
  });
  return { message, ...outcome, receipt };
}

/** A refusal for too little work says what would do for this size and hold. */
async function priced(
  relay: Relay,
  error: unknown,
  unit: MaxTxPow,
  size: number,
  wanted: number | undefined,
): Promise<unknown> {
  const isTooLittle = error instanceof Problem &&
    error.code === "work-insufficient";
  if (!isTooLittle) return error;
  const { price } = relay;
  const seconds = wanted ?? price.holdSeconds.min;
  const fills = await shownFillsOf(relay).of(mailboxIdOf(unit.package.to));
  const quote = quoteWork(size, seconds, fills, price);
  return new Problem(error.code, error.message, workMembers(quote, seconds));
}

function expectHold({ price }: Relay, wanted: number | undefined): void {
  const { min, max } = price.holdSeconds;
  if (wanted === undefined || (wanted >= min && wanted <= max)) return;
  throw new Problem(
    "malformed",
    `hold is from ${min} to ${max} seconds, not ${wanted}`,
  );
}
