/** One reader's stay: what it reads, and when it has to go. */
import { follow } from "../kv/bells/follow.ts";
import type { Page } from "../kv/mail/read.ts";
import type { MailboxId } from "../lib/ids.ts";
import type { VerifiedGrant } from "../lib/token.ts";
import { type Delivery, maxBodyOf } from "./delivery.ts";
import { noteReading, onMissing } from "./reading.ts";
import type { Relay } from "./relay.ts";
import type { Place, Streams, Transport } from "./streams.ts";

/** Why the relay ends a stream. */
export type EndReason = "token-expired" | "shutdown";

/** What a reader asked for. */
export interface StayOptions {
  readonly mailbox: MailboxId;
  /** Read what is behind it; from the oldest held, if null. */
  readonly after: string | null;
  /** The reader's link in bits a second. */
  readonly bandwidth: number;
  /** How it wants to be sent what there is. */
  readonly delivery: Delivery;
  /** The device's name, if it said one. */
  readonly reader: string | null;
}

/** A reader that stays. */
export interface Stay extends StayOptions {
  readonly relay: Relay;
  readonly streams: Streams;
  /** Its place among the others; to be left when the stay is over. */
  readonly place: Place;
  /** Why it has to go now; null if it may stay. */
  endOf(): EndReason | null;
}

/**
 * A stay under a token's grant. Its place is taken in the same turn in which it
 * is given, so that the caller can let go of it whatever happens.
 *
 * @throws {RateLimited} if there is no place for it
 */
export async function beginStay(
  relay: Relay,
  streams: Streams,
  grant: VerifiedGrant,
  transport: Transport,
  options: StayOptions,
): Promise<Stay> {
  const { mailbox, reader } = options;
  await noteReading(relay, mailbox, reader);
  const token = grant.id;
  return {
    relay,
    streams,
    ...options,
    place: streams.enter({ transport, token, mailbox }),
    endOf() {
      if (streams.closing.aborted) return "shutdown";
      const isOver = relay.now() >= grant.expires ||
        relay.revocations.isKnownRevoked(grant);
      return isOver ? "token-expired" : null;
    },
  };
}

/** Messages read at once for a stream. */
const STREAM_LIMIT = 100;
/**
 * Bytes of bodies read at once for a stream: what of a page is not sent yet waits
 * beside what the caps count.
 */
const STREAM_PAGE_BYTES = 2 ** 16;

/**
 * The pages of a stay, and its beats, until the reader is gone. At each of them
 * it is to be asked whether it has to go: there is a beat when the relay stops.
 */
export function pagesOf(
  { relay, streams, mailbox, after, bandwidth, delivery }: Stay,
  gone: AbortSignal,
): AsyncGenerator<Page | null> {
  return follow(relay.store, relay.doorbells, {
    mailbox,
    after,
    bandwidth,
    maxBody: maxBodyOf(delivery),
    round: delivery === "digest" ? relay.digestRound : 0,
    limit: STREAM_LIMIT,
    pageBytes: STREAM_PAGE_BYTES,
    clock: relay.clock,
    signal: gone,
    onBeat: streams.onBeat,
    onMissing: onMissing(relay),
  });
}
