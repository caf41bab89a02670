/** What there is room for, and what room costs while it gets scarce. */
import { keptBytes, type PriceMessage } from "../kv/mail/entry.ts";
import { type Mailbox, mailboxUnknown } from "../kv/mail/mailboxes.ts";
import { ledgerOf } from "../kv/mail/ledger.ts";
import { formerUsage, type Usage } from "../kv/mail/usage.ts";
import { keys } from "../kv/kinds.ts";
import type { MailboxId } from "../lib/ids.ts";
import { Problem } from "../lib/problem.ts";
import { fillOf, hasRoom, type Quota } from "../lib/quota.ts";
import {
  EMPTY_FILL,
  type Fill,
  type Fills,
  type PricedMessage,
  priceHold,
  quoteWork,
  workMembers,
} from "../lib/work/price.ts";
import { hashesOf, targetOf } from "../lib/work/target.ts";
import type { Relay } from "./relay.ts";

/** A message that is to be priced when it is stored. */
export interface RoomOptions extends PricedMessage {
  /** Where it is to be stored. */
  readonly mailbox: MailboxId;
  /** The mailbox's own quota, where its operator gave it one. */
  readonly quota?: Quota | undefined;
  /** Unix milliseconds. */
  readonly now: number;
}

/**
 * How a message is priced: by the room that there is in the operation that
 * stores it. It is refused with `mailbox-unknown`, `mailbox-full`, `relay-full`
 * or `work-insufficient`.
 */
export function priceBy(relay: Relay, options: RoomOptions): PriceMessage {
  const { quotas, price } = relay;
  const { mailbox: id, quota = quotas.mailbox, now, ...message } = options;
  return ({ mailbox, relay: all }) => {
    if (mailbox === null || !mailbox.isOpen) throw mailboxUnknown(id);
    const bytes = keptBytes(message.size);
    if (!hasRoom(mailbox, quota, bytes)) {
      throw new Problem(
        "mailbox-full",
        "the mailbox has no room for the message",
      );
    }
    if (!hasRoom(all, quotas.relay, bytes)) {
      throw new Problem("relay-full", "the relay has no room for the message");
    }
    const fills = {
      mailbox: fillOf(mailbox, quota),
      relay: fillOf(all, quotas.relay),
    };
    try {
      return {
        hold: priceHold(message, fills, price),
        paidFor: priceHold({ ...message, wanted: undefined }, fills, price),
      };
    } catch (error) {
      const isTooLittle = error instanceof Problem &&
        error.code === "work-insufficient";
      if (!isTooLittle) throw error;
      const shown = {
        mailbox: fillOf(formerUsage(mailbox, now), quota),
        relay: fills.relay,
      };
      throw asShown(relay, message, shown);
    }
  };
}

/**
 * What it costs at this moment would say when mail comes and when it is read.
 * Who did less work than the price that anybody is told, is told that one; who
 * did as much, the next doubling of it. So whoever wants to know how far it has
 * risen does as much work as for a message that is stored.
 */
function asShown(
  { price }: Relay,
  { size, target, wanted = price.holdSeconds.min }: PricedMessage,
  shown: Fills,
): Problem {
  const done = hashesOf(target);
  let { hashes } = quoteWork(size, wanted, shown, price);
  while (hashes <= done) hashes *= 2;
  return new Problem(
    "work-insufficient",
    `${done} hashes do not keep ${size} bytes for ${wanted} s; the price may ` +
      "have risen further than this answer says",
    workMembers({ target: targetOf(hashes), hashes }, wanted),
  );
}

/** How full a mailbox is shown to be to anybody who asks. */
export interface ShownMailbox {
  readonly fill: Fill;
  /** The mailbox; null if there is none. */
  readonly record: Mailbox | null;
}

/** Reads how full a mailbox is shown to be in this hour. */
export async function shownMailbox(
  { store, quotas, now }: Relay,
  mailbox: MailboxId,
): Promise<ShownMailbox> {
  const [{ value: record }, { value: usage }] = await store.getMany([
    keys.mailbox(mailbox),
    keys.usage(mailbox),
  ]);
  const quota = record?.quota ?? quotas.mailbox;
  return { fill: fillOf(formerUsage(usage, now()), quota), record };
}

/** How full things are shown to be to anybody who asks. */
export interface Shown {
  /** Prices are told by these. */
  readonly fills: Fills;
  /** The mailbox; null if none was named, or there is none. */
  readonly mailbox: Mailbox | null;
}

/** How full a mailbox, and the relay, are shown to be to anybody who asks. */
export async function shownTo(
  relay: Relay,
  mailbox: MailboxId | null,
): Promise<Shown> {
  const [own, all] = await Promise.all([
    mailbox === null ? null : shownMailbox(relay, mailbox),
    relayUsageOf(relay),
  ]);
  return {
    fills: {
      mailbox: own?.fill ?? EMPTY_FILL,
      relay: fillOf(all, relay.quotas.relay),
    },
    mailbox: own?.record ?? null,
  };
}

/** What all mailboxes hold, counted some seconds ago at most. */
export async function relayUsageOf({ store }: Relay): Promise<Usage> {
  const ledger = ledgerOf(store);
  await ledger.prepareRelay();
  return ledger.relay;
}
