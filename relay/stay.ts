/** One reader's stay: what it reads, and when it has to go. */
import { follow } from "../kv/bells/follow.ts";
import type { Page } from "../kv/mail/read.ts";
import type { MailboxId } from "../lib/ids.ts";
import type { VerifiedGrant } from "../lib/token.ts";
import { type Delivery, maxBodyOf } from "../routes/page_forms.ts";
import type { Relay } from "./relay.ts";
import type { Streams } from "./streams.ts";

/** Why the relay ends a stream. */
export type EndReason = "token-expired" | "shutdown";

/** What a reader asked for. */
export interface ReadingOptions {
  readonly mailbox: MailboxId;
  /** Read what is behind it; from the oldest held, if null. */
  readonly after: string | null;
  /** The reader's link in bits a second. */
  readonly bandwidth: number;
  /** How it wants to be sent what there is. */
  readonly delivery: Delivery;
}

/** A reader that stays. */
export interface Reading extends ReadingOptions {
  readonly relay: Relay;
  readonly streams: Streams;
  /** Why it has to go now; null if it may stay. */
  endOf(): EndReason | null;
}

/** A stay under a token's grant. */
export function readingOf(
  relay: Relay,
  streams: Streams,
  grant: VerifiedGrant,
  options: ReadingOptions,
): Reading {
  return {
    relay,
    streams,
    ...options,
    endOf() {
      if (streams.closing.aborted) return "shutdown";
      return relay.now() >= grant.expires ? "token-expired" : null;
    },
  };
}

/** Messages read at once for a stream. */
const STREAM_LIMIT = 100;

/**
 * The pages of a stay, and its beats, until the reader is gone. At each of them
 * it is to be asked whether it has to go: there is a beat when the relay stops.
 */
export function pagesOf(
  { relay, streams, mailbox, after, bandwidth, delivery }: Reading,
  gone: AbortSignal,
): AsyncGenerator<Page | null> {
  return follow(relay.store, relay.doorbells, {
    mailbox,
    after,
    bandwidth,
    maxBody: maxBodyOf(delivery),
    round: delivery === "digest" ? relay.digestRound : 0,
    limit: STREAM_LIMIT,
    now: relay.now,
    signal: gone,
    onBeat: streams.onBeat,
  });
}
