/** What follows from a TxPoW (spec/maxima.md 4.2, 4.7). */
import { sha3_256 } from "../hash.ts";
import type { Bytes } from "../bytes.ts";
import { encode } from "./codec.ts";
import { MAX_HASH } from "./constants.ts";
import { bytesOf } from "./received.ts";
import { integerOfBytes } from "./minidata.ts";
import {
  isEmptyTransaction,
  type Transaction,
  transaction,
} from "./transaction.ts";
import { type TxBody, txBody, type TxPow } from "./txpow.ts";
import { type TxHeader, txHeader } from "./txheader.ts";

/** The super level of a header that is no block. */
const NO_LEVEL = -1;
const MAX_LEVEL = 31;
/** Significant digits of a block's weight. */
const WEIGHT_DIGITS = 7;
/** Bytes of the widest difficulty that is divided by: it takes half a millisecond. */
const MAX_WEIGHED_BYTES = 4_096;

/** `H(TxHeader)`: the same with or without the body. */
export function txPowId(header: TxHeader): Bytes {
  return sha3_256(bytesOf(txHeader, header));
}

/** `H(TxBody)`, to be found in the header's field 11. */
export function bodyHash(body: TxBody): Bytes {
  return sha3_256(bytesOf(txBody, body));
}

/** `H(serialised transaction)`. */
export function transactionId(value: Transaction): Bytes {
  return sha3_256(encode(transaction, value));
}

/** Whether a hash meets a difficulty: below it, strictly. */
export function meets(id: Uint8Array, difficulty: Uint8Array): boolean {
  const a = withoutLeadingZeros(id);
  const b = withoutLeadingZeros(difficulty);
  if (a.length !== b.length) return a.length < b.length;
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function withoutLeadingZeros(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? bytes.subarray(bytes.length) : bytes.subarray(first);
}

/** Whether the unit is a block by the difficulty that its own header claims. */
export function isBlock(header: TxHeader, id: Uint8Array): boolean {
  return meets(id, header.blockDifficulty);
}

/** How far a block exceeds its difficulty, in bits, 0 to 31; else -1. */
export function superLevel(header: TxHeader, id: Uint8Array): number {
  if (!isBlock(header, id)) return NO_LEVEL;
  const difficulty = withoutLeadingZeros(header.blockDifficulty);
  // Beyond 36 bytes any 32-byte id is over the highest level.
  if (difficulty.length > 36) return MAX_LEVEL;
  const ratio = integerOfBytes(difficulty) / (integerOfBytes(id) || 1n);
  return Math.min(ratio.toString(2).length - 1, MAX_LEVEL);
}

/**
 * `MAX / blockDifficulty` of a block, as the genuine node writes it: seven
 * significant digits, half to even; `0` where the unit is no block, or claims a
 * difficulty of over 4,096 bytes, whose weight is under 10^-9,700.
 */
export function blockWeight(header: TxHeader, id: Uint8Array): string {
  if (!isBlock(header, id)) return "0";
  // The digits of a quotient take longer than in proportion to their number.
  const difficulty = withoutLeadingZeros(header.blockDifficulty);
  if (difficulty.length > MAX_WEIGHED_BYTES) return "0";
  return quotientText(MAX_HASH, integerOfBytes(difficulty));
}

/** Whether a body carries a transaction (no work is tested). */
export function isTransaction({ body }: TxPow): boolean {
  return body !== null &&
    !(isEmptyTransaction(body.transaction) &&
      isEmptyTransaction(body.burnTransaction));
}

/** Whether a transaction's own difficulty is met and it is not empty. */
export function isTxnPow({ body }: TxPow, id: Uint8Array): boolean {
  return body !== null && meets(id, body.txnDifficulty) &&
    !isEmptyTransaction(body.transaction);
}

/** A quotient in the notation of Java's BigDecimal, of which this is a rule. */
function quotientText(dividend: bigint, divisor: bigint): string {
  let { scale, unscaled } = divideToDigits(dividend, divisor, WEIGHT_DIGITS);
  const exact =
    unscaled * divisor === dividend * 10n ** BigInt(Math.max(scale, 0)) &&
    scale >= 0;
  // An exact quotient loses its trailing zeros, a rounded one keeps them.
  for (; exact && scale > 0 && unscaled % 10n === 0n; scale--) unscaled /= 10n;
  const digits = unscaled.toString();
  const exponent = digits.length - 1 - scale;
  if (scale >= 0 && exponent >= -6) {
    const padded = digits.padStart(scale + 1, "0");
    const whole = padded.slice(0, padded.length - scale);
    return scale === 0 ? whole : `${whole}.${padded.slice(-scale)}`;
  }
  const sign = exponent < 0 ? "-" : "+";
  const decimals = digits.length > 1 ? `.${digits.slice(1)}` : "";
  return `${digits[0]}${decimals}E${sign}${Math.abs(exponent)}`;
}

/** A positive quotient rounded half to even at a count of digits. */
export function divideToDigits(
  dividend: bigint,
  divisor: bigint,
  count: number,
): { scale: number; unscaled: bigint } {
  const wanted = 10n ** BigInt(count);
  // A first guess of the scale from the lengths; it is off by one at the most.
  let scale = count - (dividend.toString().length - divisor.toString().length);
  for (;; scale--) {
    const [a, b] = scale >= 0
      ? [dividend * 10n ** BigInt(scale), divisor]
      : [dividend, divisor * 10n ** BigInt(-scale)];
    const floor = a / b;
    const twice = 2n * (a % b);
    const up = twice > b || (twice === b && floor % 2n === 1n);
    const unscaled = up ? floor + 1n : floor;
    if (floor < wanted && unscaled < wanted) return { scale, unscaled };
    // Rounding up to one digit more: ten times less, one decimal less.
    if (floor < wanted) return { scale: scale - 1, unscaled: unscaled / 10n };
  }
}
