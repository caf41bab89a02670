/** Quoting: the price, before anybody mines or pays. */
import { mailboxUnknown } from "../kv/mail/mailboxes.ts";
import type { MailboxId } from "../lib/ids.ts";
import { envelopeBytes } from "../lib/minima/maxtxpow.ts";
import { feeFor } from "../lib/money.ts";
import { Problem } from "../lib/problem.ts";
import { quoteWork, type WorkQuote } from "../lib/work/price.ts";
import type { Relay } from "./relay.ts";
import { shownTo } from "./room.ts";

/** What is asked about. */
export interface QuoteOptions {
  /** Size of the whole envelope. */
  readonly bytes: number;
  /** Hold wanted. */
  readonly seconds: number;
  /** Its fill counts, as it was an hour ago or more. */
  readonly mailbox: MailboxId | null;
}

/** What storing would cost. */
export interface QuotedPrice {
  /** In work. */
  readonly work: WorkQuote;
  /** In money, μ. */
  readonly fee: number;
  /** Until when it is worth planning with: Unix milliseconds. */
  readonly expires: number;
}

/** Milliseconds that a quote is worth planning with. */
const QUOTE_LIFETIME = 60_000;

/**
 * What storing a message would cost.
 *
 * @throws {Problem} `malformed`, `too-large`, `mailbox-unknown` or `busy`
 */
export async function quote(
  relay: Relay,
  { bytes, seconds, mailbox }: QuoteOptions,
): Promise<QuotedPrice> {
  const { price, limits, tariff, now } = relay;
  const { min, max } = price.holdSeconds;
  if (seconds < min || seconds > max) {
    throw new Problem(
      "malformed",
      `seconds is from ${min} to ${max}, not ${seconds}`,
    );
  }
  const limit = envelopeBytes(limits);
  if (bytes > limit) {
    throw new Problem("too-large", `an envelope has at most ${limit} bytes`, {
      limit,
    });
  }
  const { fills, mailbox: record } = await shownTo(relay, mailbox);
  if (mailbox !== null && record === null) throw mailboxUnknown(mailbox);
  return {
    work: quoteWork(bytes, seconds, fills, price),
    fee: feeFor(bytes, seconds, tariff),
    expires: now() + QUOTE_LIFETIME,
  };
}
