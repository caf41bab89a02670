/** What is sent: by the front door with real work, or past it. */
import type { NewMessage, PriceMessage } from "../../kv/mail/entry.ts";
import { mailboxUnknown } from "../../kv/mail/mailboxes.ts";
import type { Bytes } from "../../lib/bytes.ts";
import {
  type MailboxId,
  mailboxIdOf,
  type MessageId,
  messageIdOf,
} from "../../lib/ids.ts";
import type { Dice } from "../crash/dice.ts";
import { Clock, DAY, HOUR, MINUTE, SECOND } from "../routes/clock.ts";
import { encode } from "../../lib/minima/codec.ts";
import { maxTxPow, packageHash } from "../../lib/minima/maxima.ts";
import { makeEnvelope, makePackage } from "../routes/envelopes.ts";

/**
 * The owners' keys: the same in every schedule, each with a store of its own.
 * The last mailbox has no devices: it is flooded, and left.
 */
export const MAILBOX_KEYS: readonly Bytes[] = [1, 2, 3, 4].map((n) =>
  new Uint8Array([
    ...Uint8Array.fromHex("302a300506032b6570032100"),
    ...new Array(32).fill(n),
  ])
);

/** Links that readers have and messages ask for, bits a second. */
export const LINKS = [0, 9_000, 50_000, 2_000_000] as const;

/** An envelope with the work for it, to one of the mailboxes. */
export interface Mined {
  readonly id: MessageId;
  readonly mailbox: MailboxId;
  readonly bytes: Bytes;
  /** The same message, mined again for more. */
  readonly more: Bytes;
}

const SIZES = [1_500, 1_500, 1_500, 5_000, 70_000];
const HASHES = 20_000;
let pool: readonly Mined[] | undefined;

/** Envelopes of the hour in which every schedule begins, mined once. */
export function minedEnvelopes(): readonly Mined[] {
  const { time } = new Clock();
  return pool ??= MAILBOX_KEYS.slice(0, -1).flatMap((to) =>
    SIZES.map((size) => {
      const content = makePackage(to, size);
      const withWork = (hashes: number) =>
        encode(maxTxPow, makeEnvelope({ package: content, time, hashes }));
      return {
        id: messageIdOf(packageHash(content)),
        mailbox: mailboxIdOf(to),
        bytes: withWork(HASHES),
        more: withWork(3 * HASHES),
      };
    })
  );
}

const HOLDS = [MINUTE, HOUR, HOUR, DAY, 3 * DAY];
/** Milliseconds for which the same work could be sent again. */
const WORK_LEFT = [SECOND, HOUR, HOUR, DAY];
/** Inline and in one, two and five segments, and at the edges of these. */
const BODIES = [60, 60, 60, 900, 4_096, 4_097, 61_440, 61_441, 300_000];

/** A message as it is once it was checked; its price is what it says. */
export interface Draft extends NewMessage {
  /** Seconds. */
  readonly hold: number;
  /** Seconds that it could be held for what was paid. */
  readonly paidFor: number;
}

/** How a draft is priced: by its own word, where somebody can read it. */
export function soldAs({ mailbox: id, hold, paidFor }: Draft): PriceMessage {
  return ({ mailbox }) => {
    if (mailbox === null || !mailbox.isOpen) throw mailboxUnknown(id);
    return { hold, paidFor };
  };
}

/** A message to a mailbox. */
export function throwMessage(
  dice: Dice,
  mailbox: MailboxId,
  now: number,
): Draft {
  const id = seededBytes(dice, 32);
  const hold = (dice.pick(HOLDS) ?? HOUR) / SECOND;
  return {
    id: messageIdOf(id),
    mailbox,
    body: filled(dice.pick(BODIES) ?? 0, id),
    paid: { by: "work", hashes: 10_000 },
    hold,
    paidFor: dice.chance(0.5) ? hold : 2 * hold,
    minBandwidth: dice.chance(0.6) ? 0 : dice.pick(LINKS) ?? 0,
    priority: dice.pick(["critical", "normal", "lazy"] as const) ?? "normal",
    workUntil: now + (dice.pick(WORK_LEFT) ?? HOUR),
  };
}

function seededBytes(dice: Dice, length: number): Bytes {
  return Uint8Array.from({ length }, () => dice.between(0, 255));
}

/** So many bytes that no other message has. */
function filled(length: number, pattern: Bytes): Bytes {
  const bytes = new Uint8Array(length);
  for (let start = 0; start < length; start += pattern.length) {
    bytes.set(pattern.subarray(0, length - start), start);
  }
  return bytes;
}

/** An id that no message has. */
export function randomId(dice: Dice): MessageId {
  return messageIdOf(seededBytes(dice, 32));
}
