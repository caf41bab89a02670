/**
 * Tickets: what lets its bearer open one WebSocket to a mailbox, once. A mailbox
 * has so many slots for them and no more, whichever workers give them out.
 */
import type { MailboxId } from "../../lib/ids.ts";
import { Problem } from "../../lib/problem.ts";
import { keys } from "../kinds.ts";
import type { Check, Entry, Key } from "../store/database.ts";
import type { Store } from "../store/store.ts";

/** A ticket that was given out and not spent. */
export interface Ticket {
  /** Hex SHA3-256 of its text: who can read the store cannot spend it. */
  readonly hash: string;
  /** When it cannot be spent any more: Unix milliseconds. */
  readonly ends: number;
  /** Id of the token that it was given for. */
  readonly tokenId: string;
  /** When that ends: Unix milliseconds. */
  readonly tokenEnds: number;
  /** Thumbprint of the key that the token is bound to, if it is. */
  readonly jkt: string | null;
}

/** Most tickets of a mailbox that wait to be spent; the oldest give way. */
export const MAX_TICKETS = 16;

/** Milliseconds by which the clocks of workers may differ. */
const SKEW = 60_000;
/** Each time one is lost, another worker has filled a slot. */
const MAX_TRIES = 4 * MAX_TICKETS;

/**
 * Keeps a ticket until it is spent or ends.
 *
 * @throws {Problem} `busy` if too many are being given out at once
 */
export async function keepTicket(
  store: Store,
  mailbox: MailboxId,
  ticket: Ticket,
  now: number,
): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const { key, versionstamp } = await findSlot(store, mailbox);
    const committed = await store.commit((operation) =>
      operation
        .check({ key, versionstamp })
        .set(key, ticket, { expireIn: Math.max(ticket.ends - now, 0) + SKEW })
    );
    if (committed !== null) return;
  }
  throw new Problem("busy", "the mailbox is given too many tickets at once");
}

/** A slot that is free; of none, the one whose ticket ends first. */
async function findSlot(
  store: Store,
  mailbox: MailboxId,
): Promise<Check & { readonly key: Key<Ticket> }> {
  const taken = await store.list({ prefix: keys.tickets(mailbox) });
  const slots = new Set(taken.map(({ key }) => key.at(-1)));
  for (let slot = 0; slot < MAX_TICKETS; slot++) {
    if (slots.has(slot)) continue;
    return { key: keys.ticket(mailbox, slot), versionstamp: null };
  }
  return taken.reduce((first, other) =>
    other.value.ends < first.value.ends ? other : first
  );
}

/** A ticket of the mailbox by its hash; null if there is none, or it has ended. */
export async function findTicket(
  store: Store,
  mailbox: MailboxId,
  hash: string,
  now: number,
): Promise<Entry<Ticket> | null> {
  const entries = await store.list({ prefix: keys.tickets(mailbox) });
  const entry = entries.find(({ value }) => value.hash === hash);
  return entry === undefined || entry.value.ends <= now ? null : entry;
}

/** Uses up a ticket; false if it was spent meanwhile, at whatever worker. */
export async function spendTicket(
  store: Store,
  ticket: Entry<Ticket>,
): Promise<boolean> {
  const committed = await store.commit((operation) =>
    operation.check(ticket).delete(ticket.key)
  );
  return committed !== null;
}
