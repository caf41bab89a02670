/** What is sent: by the front door with real work, or past it. */
import type { NewMessage } from "../../kv/mail/entry.ts";
import type { Bytes } from "../../lib/bytes.ts";
import {
  type MailboxId,
  mailboxIdOf,
  type MessageId,
  messageIdOf,
} from "../../lib/ids.ts";
import type { Dice } from "../crash/dice.ts";
import { Clock, DAY, HOUR, MINUTE, SECOND } from "../routes/clock.ts";
import { envelopeBytes } from "../routes/envelopes.ts";

/** The owners' keys: the same in every schedule, each with a store of its own. */
export const MAILBOX_KEYS: readonly Bytes[] = [1, 2, 3].map((n) =>
  new Uint8Array([
    ...Uint8Array.fromHex("302a300506032b6570032100"),
    ...new Array(32).fill(n),
  ])
);

/** Links that readers have and messages ask for, bits a second. */
export const LINKS = [0, 9_000, 50_000, 2_000_000] as const;

/** An envelope with the work for it, to one of the mailboxes. */
export interface Mined {
  readonly mailbox: MailboxId;
  readonly bytes: Bytes;
}

const SIZES = [1_500, 1_500, 1_500, 5_000, 70_000];
let pool: readonly Mined[] | undefined;

/** Envelopes of the hour in which every schedule begins, mined once. */
export function minedEnvelopes(): readonly Mined[] {
  const { time } = new Clock();
  return pool ??= MAILBOX_KEYS.flatMap((to) =>
    SIZES.map((size) => ({
      mailbox: mailboxIdOf(to),
      bytes: envelopeBytes({ to, time, size, hashes: 20_000 }),
    }))
  );
}

const HOLDS = [MINUTE, HOUR, HOUR, DAY, 3 * DAY];
/** Inline and in one, two and five segments, and at the edges of these. */
const BODIES = [60, 60, 60, 900, 4_096, 4_097, 61_440, 61_441, 300_000];

/** A message as it is once it was checked and priced. */
export function throwMessage(
  dice: Dice,
  mailbox: MailboxId,
  now: number,
): NewMessage {
  const id = seededBytes(dice, 32);
  return {
    id: messageIdOf(id),
    mailbox,
    body: filled(dice.pick(BODIES) ?? 0, id),
    paid: { by: "work", hashes: 10_000 },
    hold: (dice.pick(HOLDS) ?? HOUR) / SECOND,
    minBandwidth: dice.chance(0.6) ? 0 : dice.pick(LINKS) ?? 0,
    priority: dice.pick(["critical", "normal", "lazy"] as const) ?? "normal",
    workUntil: now + HOUR,
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
