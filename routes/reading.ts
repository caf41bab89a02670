/** One reader's stay: what it reads, and when it has to go. */
import type { MailboxId } from "../lib/ids.ts";
import type { VerifiedGrant } from "../lib/token.ts";
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
