/**
 * Which bytes of a TxPoW a search varies, so that a try costs the fewest
 * permutations. Whatever they are, the unit stays canonical and keeps to
 * spec/maxima.md 3 to 5.
 */
import type { Bytes } from "../bytes.ts";
import { sha3_256 } from "../hash.ts";
import { decode, encode } from "../minima/codec.ts";
import { integerOfBytes } from "../minima/minidata.ts";
import type { MiniNumber } from "../minima/mininumber.ts";
import { type TxBody, txBody, type TxPow } from "../minima/txpow.ts";
import { type TxHeader, txHeader } from "../minima/txheader.ts";
import type { RandomBytes } from "../random.ts";
import { withDust } from "./dust.ts";
import { BLOCK, blocksOf, DIGEST, LANE } from "./keccak.ts";
import { type Puzzle, type Stage, stageOf } from "./puzzle.ts";

/** A TxPoW without what a search finds. */
export interface Draft {
  /** The header; the magic in it may be varied only if `mayDust` says so. */
  readonly header: Omit<TxHeader, "nonce" | "bodyHash">;
  /** The body; its difficulty is the target. */
  readonly body: Omit<TxBody, "prng">;
  /** Whether the desired magic may carry dust: not on a chain's tip. */
  readonly mayDust: boolean;
}

/**
 * What is varied: random bytes of the body, whose hash is the last field of the
 * header; dust on the magic, near the header's end; or the nonce, with which
 * the header starts.
 */
export type Way = "prng" | "dust" | "nonce";

/** How a draft is laid out for a search. */
export interface Layout {
  /** What is varied. */
  readonly way: Way;
  /** Bytes of the nonce's digits, 1 to 26: it moves all that is behind it. */
  readonly nonceBytes: number;
  /** Permutations that a try costs. */
  readonly permutations: number;
}

/** A draft made ready. */
export interface SearchPlan extends Layout {
  /** What is to be solved. */
  readonly puzzle: Puzzle;
  /** The unit that a counter gives, whether it solves the puzzle or not. */
  unitAt(counter: number): TxPow;
}

/** Bytes that are varied: the counters go from 0 to 2^48 - 1. */
export const COUNTER_BYTES = 6;
/** How many counters there are. */
export const COUNTERS: number = 2 ** (8 * COUNTER_BYTES);

/** Digits behind the point of a nonce: as many as a genuine one may have. */
const NONCE_SCALE = 44;
/** Most bytes of a nonce: 61 digits, and below 2^64 - 1 at that scale. */
const MAX_NONCE = 26;
/** Where the digits of the nonce start. */
const NONCE_AT = 2;
const PRNG = 32;
/** The first lane in which all bytes are a prng's, or a long nonce's. */
const FREE_LANE = LANE;
/** The bytes that a nonce must have to hold a counter there. */
const LONG_NONCE = FREE_LANE + COUNTER_BYTES - NONCE_AT;

/** What the ways' costs follow from: bytes, with a nonce of no digits. */
interface Sizes {
  readonly body: number;
  readonly header: number;
  /** Null if there may be no dust. */
  readonly dustyHeader: number | null;
  /** From the first byte of dust to the header's end. */
  readonly fromDust: number;
}

/**
 * How many permutations a try costs with a nonce of so many bytes; null where
 * the counter or the body's hash would not stand within lanes.
 */
const COSTS: Readonly<
  Record<Way, (sizes: Sizes, nonceBytes: number) => number | null>
> = {
  prng({ body, header }, nonceBytes) {
    const length = header + nonceBytes;
    const slot = length - DIGEST;
    return slot % LANE === 0 ? blocksOf(body) + blocksFrom(slot, length) : null;
  },
  dust({ dustyHeader, fromDust }, nonceBytes) {
    if (dustyHeader === null) return null;
    const length = dustyHeader + nonceBytes;
    const at = length - fromDust;
    return at % LANE + COUNTER_BYTES <= LANE ? blocksFrom(at, length) : null;
  },
  nonce({ header }, nonceBytes) {
    return nonceBytes < LONG_NONCE ? null : blocksOf(header + nonceBytes);
  },
};

/**
 * The layout of the fewest permutations a try; of equal ones that which leaves
 * the magic alone, and of those the shortest.
 */
export function cheapestLayout(
  draft: Draft,
  ways: readonly Way[] = ["prng", "dust", "nonce"],
): Layout {
  const sizes = sizesOf(draft);
  let best: Layout | null = null;
  for (const way of ways) {
    for (let nonceBytes = 1; nonceBytes <= MAX_NONCE; nonceBytes++) {
      const permutations = COSTS[way](sizes, nonceBytes);
      if (permutations === null) continue;
      if (best !== null && best.permutations <= permutations) continue;
      best = { way, nonceBytes, permutations };
    }
  }
  if (best !== null) return best;
  throw new RangeError(`a header that cannot be varied by ${ways.join(", ")}`);
}

function sizesOf({ header, body, mayDust }: Draft): Sizes {
  return {
    body: bodyBytes(body).length,
    header: headerLength(header),
    dustyHeader: mayDust ? headerLength(dusty(header)) : null,
    fromDust: fromDust(header),
  };
}

/** Lays a draft out, and fills in what is random. */
export function planSearch(
  draft: Draft,
  random: RandomBytes,
  layout: Layout = cheapestLayout(draft),
): SearchPlan {
  const body = bodyBytes(draft.body, random(PRNG));
  const target = integerOfBytes(draft.body.txnDifficulty);
  const source = layout.way === "dust" ? dusty(draft.header) : draft.header;
  const header = encode(txHeader, {
    ...source,
    nonce: nonceOf([0x01, ...random(layout.nonceBytes - 1)]),
    bodyHash: new Uint8Array(DIGEST),
  });
  return layout.way === "prng"
    ? planPrng(layout, header, body, target)
    : planHeader(layout, header, body, target, draft);
}

/** Two stages: the body, and its hash at the header's end. */
function planPrng(
  layout: Layout,
  header: Bytes,
  body: Bytes,
  target: bigint,
): SearchPlan {
  const hashAt = header.length - DIGEST;
  const stages: [Stage, Stage] = [
    stageOf(withCounter(body, FREE_LANE, 0), FREE_LANE),
    stageOf(header, hashAt),
  ];
  return {
    ...layout,
    puzzle: { stages, shift: 0, target },
    unitAt: (counter) => unitOf(header, withCounter(body, FREE_LANE, counter)),
  };
}

/** One stage: the header from the block on that holds the counter. */
function planHeader(
  layout: Layout,
  header: Bytes,
  body: Bytes,
  target: bigint,
  draft: Draft,
): SearchPlan {
  const at = layout.way === "dust"
    ? header.length - fromDust(draft.header)
    : FREE_LANE;
  const shift = at % LANE;
  const bound = withBodyHash(header, body);
  const stages: [Stage] = [stageOf(withCounter(bound, at, 0), at - shift)];
  return {
    ...layout,
    puzzle: { stages, shift, target },
    unitAt: (counter) => unitOf(withCounter(bound, at, counter), body),
  };
}

/** Decoding is strict: what is not canonical is not given back. */
function unitOf(header: Bytes, body: Bytes): TxPow {
  return {
    header: decode(txHeader, withBodyHash(header, body)),
    body: decode(txBody, body),
  };
}

function withBodyHash(header: Bytes, body: Bytes): Bytes {
  const bound = header.slice();
  bound.set(sha3_256(body), header.length - DIGEST);
  return bound;
}

/** With a counter in place, its lowest byte first. */
function withCounter(bytes: Bytes, at: number, counter: number): Bytes {
  const counted = bytes.slice();
  for (let i = 0, left = counter; i < COUNTER_BYTES; i++) {
    counted[at + i] = left % 256;
    left = Math.floor(left / 256);
  }
  return counted;
}

function bodyBytes(
  body: Draft["body"],
  prng: Bytes = new Uint8Array(PRNG),
): Bytes {
  return encode(txBody, { ...body, prng });
}

/** Without the digits of the nonce. */
function headerLength(header: Draft["header"]): number {
  const nonce = nonceOf([0x01]);
  const hash = new Uint8Array(DIGEST);
  return encode(txHeader, { ...header, nonce, bodyHash: hash }).length - 1;
}

function nonceOf(digits: readonly number[]): MiniNumber {
  return {
    scale: NONCE_SCALE,
    unscaled: integerOfBytes(new Uint8Array(digits)),
  };
}

function dusty(header: Draft["header"]): Draft["header"] {
  const { magic } = header;
  const { desiredMaxTransactions } = magic;
  return {
    ...header,
    magic: {
      ...magic,
      desiredMaxTransactions: withDust(desiredMaxTransactions, COUNTER_BYTES),
    },
  };
}

/** From the last bytes of the last desired number to the header's end. */
function fromDust({ magic, customHash }: Draft["header"]): number {
  const behind = [magic.desiredMinTxPowWork.length, customHash.length, DIGEST];
  return behind.reduce((sum, bytes) => sum + 4 + bytes, COUNTER_BYTES);
}

/** The blocks of a message from the one on that holds a byte. */
function blocksFrom(at: number, length: number): number {
  return blocksOf(length) - Math.floor(at / BLOCK);
}
