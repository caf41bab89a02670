/** Closing a mailbox, by its owner. */
import { closeMailbox, mailboxUnknown } from "../kv/mail/mailboxes.ts";
import type { MailboxId } from "../lib/ids.ts";
import type { Relay } from "./relay.ts";

/**
 * Deletes a mailbox with all its mail. It can be opened again, and is empty then.
 *
 * @throws {Problem} `mailbox-unknown` or `busy`
 */
export async function close(relay: Relay, mailbox: MailboxId): Promise<void> {
  const { store, now } = relay;
  if (!await closeMailbox(store, mailbox, now())) throw mailboxUnknown(mailbox);
}
