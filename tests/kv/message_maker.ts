/** Messages for a store, as they are once they were checked and priced. */
import type { NewMessage } from "../../kv/mail/entry.ts";
import { completeHandshake } from "../../kv/mail/mailboxes.ts";
import type { Store } from "../../kv/store/store.ts";
import { messageIdOf } from "../../lib/ids.ts";
import { randomBytes } from "../routes/envelopes.ts";
import { type MailboxId, mailboxIdOf } from "../../lib/ids.ts";

/** Unix milliseconds at which the tests take place. */
export const NOW = 1_790_000_000_000;

/** Seconds that a message is held, if nothing else is said. */
export const HOLD = 3_600;

/** A mailbox that nobody else uses. */
export function newMailbox(): MailboxId {
  return mailboxIdOf(randomBytes(44));
}

/** A mailbox that somebody has opened. */
export async function openMailbox(store: Store): Promise<MailboxId> {
  const publicKey = randomBytes(44);
  const handshake = {
    id: `${"0".repeat(24)}${randomBytes(22).toHex()}`,
    expires: NOW,
    publicKey,
  };
  await completeHandshake(store, handshake, NOW);
  return mailboxIdOf(publicKey);
}

/** A message of so many bytes. */
export function newMessage(
  mailbox: MailboxId,
  size = 100,
  changes: Partial<NewMessage> = {},
): NewMessage {
  return {
    id: messageIdOf(randomBytes(32)),
    mailbox,
    body: randomBytes(size),
    paid: { by: "work", hashes: 10_000 },
    hold: HOLD,
    minBandwidth: 0,
    priority: "normal",
    workUntil: NOW,
    ...changes,
  };
}
