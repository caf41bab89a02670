/** Reading, as the relay takes note of it. */
import { noteRead } from "../kv/mail/mailboxes.ts";
import { type Page, readAfter, type ReadOptions } from "../kv/mail/read.ts";
import { registerReader } from "../kv/mail/readers.ts";
import type { MailboxId } from "../lib/ids.ts";
import type { Relay } from "./relay.ts";

/** Mailboxes of which a worker remembers that they are used. */
const MOST_NOTED = 10_000;

const noted = new WeakMap<Relay, Set<MailboxId>>();

/**
 * Notes that the owner of a mailbox reads it, so that it is not taken for one
 * that nobody uses; and a device that says its name, so that no other device's
 * acknowledgement deletes what this one has not acknowledged.
 *
 * @throws {Problem} `malformed` for a device over the limit
 */
export async function noteReading(
  relay: Relay,
  mailbox: MailboxId,
  reader: string | null,
): Promise<void> {
  const { store, now } = relay;
  const known = noted.get(relay) ?? new Set();
  noted.set(relay, known);
  if (!known.has(mailbox)) {
    await noteRead(store, mailbox, now());
    if (known.size >= MOST_NOTED) known.clear();
    known.add(mailbox);
  }
  if (reader !== null) await registerReader(store, mailbox, reader, now());
}

/** What every way of reading does with a message whose body is gone. */
export function onMissing(relay: Relay): NonNullable<ReadOptions["onMissing"]> {
  return ({ id }) => {
    relay.log.error("body-missing", { message: id });
  };
}

/** A page of a mailbox, at once. */
export async function readPage(
  relay: Relay,
  { reader, ...options }:
    & Omit<ReadOptions, "now" | "onMissing">
    & { readonly reader: string | null },
): Promise<Page> {
  await noteReading(relay, options.mailbox, reader);
  return await readAfter(relay.store, {
    ...options,
    now: relay.now(),
    onMissing: onMissing(relay),
  });
}
