/** A device that reads under a name of its own is known from then on. */
import { registerReader as noteReader } from "../kv/mail/readers.ts";
import type { MailboxId } from "../lib/ids.ts";
import type { Relay } from "./relay.ts";

/**
 * Notes a mailbox's reader at its first read, so that no other device's
 * acknowledgement deletes what this one has not acknowledged.
 *
 * @throws {Problem} `malformed` for a device over the limit
 */
export async function registerReader(
  { store, now }: Relay,
  mailbox: MailboxId,
  reader: string,
): Promise<void> {
  await noteReader(store, mailbox, reader, now());
}
