/** Reading, as the relay takes note of it. */
import { noteRead } from "../kv/mail/mailboxes.ts";
import { type Page, readAfter, type ReadOptions } from "../kv/mail/read.ts";
import { registerReader } from "../kv/mail/readers.ts";
import type { MailboxId } from "../lib/ids.ts";
import type { Relay } from "./relay.ts";

/** Mailboxes of which a worker remembers that they are used. */
const MOST_NOTED = 10_000;

/** Mailboxes that were read: those that the store does not know of, and all. */
interface Noted {
  readonly fresh: Set<MailboxId>;
  readonly known: Set<MailboxId>;
}

const noted = new WeakMap<Relay, Noted>();

function notedOf(relay: Relay): Noted {
  const notes = noted.get(relay) ?? { fresh: new Set(), known: new Set() };
  noted.set(relay, notes);
  return notes;
}

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
  const { fresh, known } = notedOf(relay);
  if (!known.has(mailbox) && fresh.size < MOST_NOTED) {
    if (known.size >= MOST_NOTED) known.clear();
    fresh.add(mailbox);
    known.add(mailbox);
  }
  const { store, now } = relay;
  if (reader !== null) await registerReader(store, mailbox, reader, now());
}

/**
 * Tells the store which mailboxes are used. Once in a while: reading is not to
 * wait for writing, nor to fail where a disk is full.
 *
 * @throws {Problem} `busy`; those not told yet are told the next time
 */
export async function tellReads(relay: Relay): Promise<void> {
  const { fresh } = notedOf(relay);
  for (const mailbox of [...fresh]) {
    await noteRead(relay.store, mailbox, relay.now());
    fresh.delete(mailbox);
  }
}

/** What every way of reading does with a message whose body is gone. */
export function onMissing(relay: Relay): NonNullable<ReadOptions["onMissing"]> {
  return ({ id }) => {
    relay.log.error("body-missing", { message: id });
  };
}

/** A page of a mailbox, at once; not to be kept. */
export async function readPage(
  relay: Relay,
  { reader, ...options }:
    & Omit<ReadOptions, "now" | "isBrief" | "onMissing">
    & { readonly reader: string | null },
): Promise<Page> {
  await noteReading(relay, options.mailbox, reader);
  return await readAfter(relay.store, {
    ...options,
    now: relay.now(),
    isBrief: true,
    onMissing: onMissing(relay),
  });
}
