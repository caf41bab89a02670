/**
 * One-time tickets for WebSockets: a browser's can send no headers, and so no
 * proof. A ticket is fetched with a proof instead of showing the token itself.
 */
import { keepTicket, spendTicket } from "../kv/mail/tickets.ts";
import { sha3_256 } from "../lib/hash.ts";
import type { MailboxId } from "../lib/ids.ts";
import { Problem } from "../lib/problem.ts";
import { type RandomBytes, systemRandom } from "../lib/random.ts";
import type { VerifiedGrant } from "../lib/token.ts";
import type { Relay } from "./relay.ts";

/** Milliseconds in which a ticket can be spent. */
export const TICKET_LIFETIME = 30_000;
/** The form of a ticket: 32 bytes in base64url. */
export const TICKET_FORM = /^[\w-]{43}$/;
const TICKET_BYTES = 32;

/** A ticket and when it ends. */
export interface IssuedTicket {
  /** Base64url. */
  readonly ticket: string;
  /** Unix milliseconds. */
  readonly expires: number;
}

/**
 * Gives out a ticket for what a grant lets one read.
 *
 * @throws {Problem} `busy`
 */
export async function issueTicket(
  { store, now }: Pick<Relay, "store" | "now">,
  { id: tokenId, mailbox, jkt, expires: tokenEnds }: VerifiedGrant,
  random: RandomBytes = systemRandom,
): Promise<IssuedTicket> {
  const time = now();
  const ticket = random(TICKET_BYTES)
    .toBase64({ alphabet: "base64url", omitPadding: true });
  const ends = Math.min(time + TICKET_LIFETIME, tokenEnds);
  const kept = { hash: hashOf(ticket), ends, tokenId, tokenEnds, jkt };
  await keepTicket(store, mailbox, kept, time);
  return { ticket, expires: ends };
}

/**
 * Uses up a ticket: gives what it lets one read, until the token ends.
 *
 * @throws {Problem} `unauthorized` if it is none of the mailbox, or was spent
 */
export async function redeemTicket(
  { store, now }: Pick<Relay, "store" | "now">,
  mailbox: MailboxId,
  ticket: string,
): Promise<VerifiedGrant> {
  const spent = await spendTicket(store, mailbox, hashOf(ticket), now());
  if (spent !== null) {
    const { tokenId: id, jkt, tokenEnds: expires } = spent;
    return { id, mailbox, scopes: ["read"], jkt, expires };
  }
  throw new Problem("unauthorized", "the ticket is not valid any more");
}

function hashOf(ticket: string): string {
  return sha3_256(new TextEncoder().encode(ticket)).toHex();
}
