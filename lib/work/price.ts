/**
 * The price of keeping a message (DESIGN section 3): work buys byte-hours, and
 * costs more as the mailbox and the relay fill. Pure functions; amounts of work
 * are expected hashes.
 */
import { MAX_HASH, MIN_HASHES } from "../minima/constants.ts";
import { Problem } from "../problem.ts";
import { hashesOf, hexTarget, targetOf } from "./target.ts";

/** What work buys, and the bounds of a hold. */
export interface WorkPrice {
  /** So many expected hashes buy… */
  readonly hashes: number;
  /** …so many bytes… */
  readonly bytes: number;
  /** …for so many seconds. */
  readonly seconds: number;
  /** Shortest and longest hold, in seconds. */
  readonly holdSeconds: { readonly min: number; readonly max: number };
}

/** 10,000 hashes keep 4 KiB for a day; a hold lasts from 1 h to 30 d. */
export const DEFAULT_WORK_PRICE: WorkPrice = {
  hashes: MIN_HASHES,
  bytes: 4_096,
  seconds: 86_400,
  holdSeconds: { min: 3_600, max: 2_592_000 },
};

/** How full something is: bytes used of a quota. */
export interface Fill {
  /** Bytes. */
  readonly used: number;
  /** Bytes. */
  readonly quota: number;
}

/** Nothing stored yet. */
export const EMPTY_FILL: Fill = { used: 0, quota: 1 };

/** The fill of everything that a message would take room in. */
export interface Fills {
  /** The recipient's. */
  readonly mailbox: Fill;
  /** All of it. */
  readonly relay: Fill;
}

/** Both empty: the base price. */
export const EMPTY_FILLS: Fills = { mailbox: EMPTY_FILL, relay: EMPTY_FILL };

/** Work that would be enough. */
export interface WorkQuote {
  /** Commit to it and be below it. */
  readonly target: bigint;
  /** Tries it takes on average. */
  readonly hashes: number;
}

/** The first quarter of a quota costs the base price… */
const FREE_TWENTIETHS = 5;
/** …and a full one 2^15 times as much; beyond that it rises no further. */
const MAX_DOUBLINGS = 15;

/** How often the price has doubled: once for every full 5 % beyond 25 %. */
export function doublings({ used, quota }: Fill): number {
  const twentieths = Math.floor(20 * used / quota);
  return Math.min(Math.max(twentieths - FREE_TWENTIETHS, 0), MAX_DOUBLINGS);
}

/** The price's factor, 1 or a power of two: mailbox and relay both count. */
function factor({ mailbox, relay }: Fills): bigint {
  return 1n << BigInt(doublings(mailbox) + doublings(relay));
}

/** What to mine so that `bytes` are kept for `seconds`. */
export function quoteWork(
  bytes: number,
  seconds: number,
  fills: Fills,
  price: WorkPrice = DEFAULT_WORK_PRICE,
): WorkQuote {
  const wanted = BigInt(bytes) * BigInt(seconds) * BigInt(price.hashes) *
    factor(fills);
  const bought = BigInt(price.bytes) * BigInt(price.seconds);
  const least = BigInt(MIN_HASHES);
  const needed = (wanted + bought - 1n) / bought;
  const hashes = needed > least ? needed : least;
  return { target: targetOf(hashes), hashes: Number(hashes) };
}

/** What was sent, and what it committed to. */
export interface PricedMessage {
  /** Bytes that will be stored. */
  readonly size: number;
  /** The target that the work commits to and meets. */
  readonly target: bigint;
  /** Seconds that the sender asks for; all that is paid for, if not said. */
  readonly wanted?: number | undefined;
}

/**
 * For how many seconds the work keeps the message: in proportion to the work,
 * in inverse proportion to the size, and never more than was asked for.
 *
 * @throws {Problem} `work-insufficient` with `target`, `hashes` and `seconds`
 * that would do, if it is too little for what was asked or for the shortest
 * hold
 */
export function priceHold(
  { size, target, wanted }: PricedMessage,
  fills: Fills,
  price: WorkPrice = DEFAULT_WORK_PRICE,
): number {
  const { min, max } = price.holdSeconds;
  const paid = Number(
    MAX_HASH * BigInt(price.bytes) * BigInt(price.seconds) /
      (target * BigInt(price.hashes) * BigInt(size) * factor(fills)),
  );
  const needed = wanted ?? min;
  if (paid >= needed) return wanted ?? Math.min(paid, max);
  throw new Problem(
    "work-insufficient",
    `${
      hashesOf(target)
    } hashes keep ${size} bytes for ${paid} s, not ${needed} s`,
    workMembers(quoteWork(size, needed, fills, price), needed),
  );
}

/** The members that tell what would do. */
export function workMembers(
  { target, hashes }: WorkQuote,
  seconds: number,
): Record<string, unknown> {
  return { target: hexTarget(target), hashes, seconds };
}
