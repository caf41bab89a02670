/**
 * How full things are shown to be to those who are refused: remembered, for a
 * refusal costs its sender nothing and is not to cost the store a read.
 *
 * Only refusals fill this memory, and what it has of a mailbox is what is shown
 * to anybody in that hour. Were it filled by quotes and by mail that comes, then
 * how fast or how exactly a refusal is answered would tell that there was some.
 */
import { ledgerOf } from "../kv/mail/ledger.ts";
import { HOUR } from "../kv/mail/usage.ts";
import type { MailboxId } from "../lib/ids.ts";
import { fillOf } from "../lib/quota.ts";
import { EMPTY_FILL, type Fill, type Fills } from "../lib/work/price.ts";
import { Buckets } from "./buckets.ts";
import type { Relay } from "./relay.ts";
import { relayUsageOf, shownMailbox } from "./room.ts";

/** Mailboxes that are remembered; of more, those go that were read first. */
const MOST_SHOWN = 10_000;
/**
 * Reads a minute for the sake of refusals. Who sends to ever new mailboxes uses
 * them up; then the target that a refusal names is that of an empty mailbox, and
 * may be too easy for one that is not and was not asked for in this hour.
 */
export const SHOWN_READS = 600;
/** Milliseconds for which the count of the whole relay does for refusals. */
const RELAY_KEPT = 60_000;

/** A mailbox as it is shown in one hour. */
interface Known {
  /** Unix hours. */
  readonly hour: number;
  /** While it is being read, what will be known of it. */
  fill: Fill | Promise<Fill>;
}

/** Remembers how full mailboxes are shown to be. */
export class ShownFills {
  readonly #relay: Relay;
  readonly #known = new Map<MailboxId, Known>();
  readonly #reads = new Buckets(SHOWN_READS);
  readonly #most: number;
  #countedAt = -Infinity;

  /** Of so many mailboxes. Use {@link shownFillsOf}. */
  constructor(relay: Relay, most: number = MOST_SHOWN) {
    this.#relay = relay;
    this.#most = most;
  }

  /** Mailboxes that are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /**
   * What a refusal for a mailbox is priced by; at once if that is in memory.
   *
   * @throws {Problem} `busy`
   */
  of(mailbox: MailboxId): Fills | Promise<Fills> {
    const own = this.#fillOf(mailbox);
    const { clock } = this.#relay;
    const isCounted = clock.monotonic() - this.#countedAt < RELAY_KEPT;
    if (own instanceof Promise || !isCounted) {
      return this.#whenRead(own, isCounted);
    }
    return { mailbox: own, relay: this.#relayFill() };
  }

  async #whenRead(
    own: Fill | Promise<Fill>,
    isCounted: boolean,
  ): Promise<Fills> {
    const [mailbox] = await Promise.all([
      own,
      isCounted ? null : this.#count(),
    ]);
    return { mailbox, relay: this.#relayFill() };
  }

  async #count(): Promise<void> {
    await relayUsageOf(this.#relay);
    this.#countedAt = this.#relay.clock.monotonic();
  }

  /** By the last count, and what this worker has stored since. */
  #relayFill(): Fill {
    const { store, quotas } = this.#relay;
    return fillOf(ledgerOf(store).relay, quotas.relay);
  }

  #fillOf(mailbox: MailboxId): Fill | Promise<Fill> {
    const { now, clock } = this.#relay;
    const hour = Math.floor(now() / HOUR);
    const before = this.#known.get(mailbox);
    if (before?.hour === hour) return before.fill;
    const { isAllowed } = this.#reads.take("refusals", clock.monotonic());
    if (!isAllowed) return EMPTY_FILL;
    const known: Known = { hour, fill: EMPTY_FILL };
    known.fill = this.#read(mailbox, known);
    this.#known.delete(mailbox); // so that the oldest is the first
    this.#known.set(mailbox, known);
    if (this.#known.size > this.#most) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    return known.fill;
  }

  /** Reads a mailbox, once for all who are refused meanwhile. */
  async #read(mailbox: MailboxId, known: Known): Promise<Fill> {
    try {
      const { fill } = await shownMailbox(this.#relay, mailbox);
      return known.fill = fill;
    } catch (error) {
      if (this.#known.get(mailbox) === known) this.#known.delete(mailbox);
      throw error;
    }
  }
}

const shown = new WeakMap<Relay, ShownFills>();

/** What a relay remembers for its refusals. */
export function shownFillsOf(relay: Relay): ShownFills {
  const fills = shown.get(relay) ?? new ShownFills(relay);
  shown.set(relay, fills);
  return fills;
}
