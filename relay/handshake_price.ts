/** What answers to challenges have to be worth, in expected hashes. */
import { MAX_HANDSHAKE_HASHES } from "../lib/handshake.ts";
import {
  EMPTY_FILLS,
  type Fills,
  quoteWork,
  type WorkPrice,
} from "../lib/work/price.ts";

/**
 * What an answer is worth while there are few: more than its check costs the
 * relay (`deno task bench handshake`).
 */
export const HANDSHAKE_HASHES = 20_000;
/** Answers a second up to which that stays so, unless the operator says more. */
export const DEFAULT_HANDSHAKE_RATE = 20;

/** A mailbox costs as much as a small object for the longest time. */
const MAILBOX_BYTES = 1_024;
const MAILBOX_SECONDS = 30 * 86_400;

/** Milliseconds over which the rate is taken. */
const SPAN = 10_000;

/**
 * Challenges can be kept for later: one from before the price rose is taken
 * until it is this many times what it was.
 */
const GRACE = 8;

/**
 * The price of handshakes. It doubles with the rate of answers that took the
 * relay's private key: this worker's own rate, in which each answer counts less
 * the longer ago it was.
 */
export class HandshakePrice {
  readonly #limit: number;
  readonly #price: WorkPrice;
  #weight = 0;
  #notedAt = 0;

  /** Rises beyond so many answers a second. */
  constructor(limit: number, price: WorkPrice) {
    this.#limit = limit;
    this.#price = price;
  }

  /** Counts an answer at `now` (Unix milliseconds). */
  note(now: number): void {
    this.#weight = this.#weightAt(now) + 1;
    this.#notedAt = now;
  }

  /** Answers a second. */
  rate(now: number): number {
    return 1_000 * this.#weightAt(now) / SPAN;
  }

  /** For the owner of a mailbox: twice as much for each doubling of the rate. */
  forOwner(now: number): number {
    const over = this.rate(now) / this.#limit;
    const doublings = over <= 1 ? 0 : Math.ceil(Math.log2(over));
    return Math.min(HANDSHAKE_HASHES * 2 ** doublings, MAX_HANDSHAKE_HASHES);
  }

  /** For a key that has no mailbox yet, which the answer opens. */
  forNewcomer(now: number, fills: Fills = EMPTY_FILLS): number {
    const opening = this.#opening(fills);
    return Math.min(
      Math.max(this.forOwner(now), opening),
      MAX_HANDSHAKE_HASHES,
    );
  }

  /** For an answer to a challenge that asked for so much. */
  least(asked: number, now: number): number {
    return Math.max(asked, Math.ceil(this.forOwner(now) / GRACE));
  }

  /** What is needed to open a mailbox, whatever the challenge asked for. */
  get opening(): number {
    return this.#opening(EMPTY_FILLS);
  }

  #opening(fills: Fills): number {
    return quoteWork(MAILBOX_BYTES, MAILBOX_SECONDS, fills, this.#price).hashes;
  }

  #weightAt(now: number): number {
    // A clock that was set back makes nothing cheaper.
    return this.#weight * Math.exp(-Math.max(now - this.#notedAt, 0) / SPAN);
  }
}
