/**
 * One-time tickets for WebSockets: a browser's can send no headers, and so no
 * proof. A ticket is fetched with a proof instead of showing the token itself.
 */
import { findTicket, keepTicket, spendTicket } from "../kv/mail/tickets.ts";
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

/** What lets one read, by a token or by a ticket. */
export interface Leave {
  /** What it lets one read, until the token ends. */
  readonly grant: VerifiedGrant;
  /**
   * Uses it up, if it is for once: to be called when nothing else is left that
   * could refuse.
   *
   * @throws {Problem} `unauthorized` if it was used up meanwhile
   */
  spend(): Promise<void>;
}

/**
 * What a ticket of the mailbox stands for.
 *
 * @throws {Problem} `unauthorized` if it is none, has ended or was spent
 */
export async function leaveByTicket(
  { store, now }: Pick<Relay, "store" | "now">,
  mailbox: MailboxId,
  text: string,
): Promise<Leave> {
  const ticket = await findTicket(store, mailbox, hashOf(text), now());
  if (ticket === null) throw notValid();
  const { tokenId: id, jkt, tokenEnds: expires } = ticket.value;
  return {
    grant: { id, mailbox, scopes: ["read"], jkt, expires },
    async spend() {
      if (!await spendTicket(store, ticket)) throw notValid();
    },
  };
}

function notValid(): Problem {
  return new Problem("unauthorized", "the ticket is not valid any more");
}

function hashOf(ticket: string): string {
  return sha3_256(new TextEncoder().encode(ticket)).toHex();
}
