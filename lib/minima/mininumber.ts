/**
 * MiniNumber: a decimal `unscaled × 10^-scale` (spec/maxima.md 2.4).
 *
 * One value has many encodings and the scale is hashed, so the pair is kept,
 * not the value.
 */
import type { Codec, Reader } from "./codec.ts";

/** A decimal number as the wire carries it. */
export interface MiniNumber {
  /** Digits behind the decimal point; -128 to 127 on the wire. */
  readonly scale: number;
  /** All digits, with the sign. */
  readonly unscaled: bigint;
}

/** A text is no number, or one that a MiniNumber cannot hold. */
export class MiniNumberError extends Error {
  /** The class, for logs. */
  override name = "MiniNumberError";
}

/** Most bytes of an unscaled value on the wire. */
const MAX_BYTES = 32;
/** Most significant digits; what is beyond is cut toward zero. */
const MAX_DIGITS = 64;
/** Most decimals of a number made from text. */
const MAX_DECIMALS = 44;
/** The largest magnitude of a number made from text. */
const MAX_MAGNITUDE = 2n ** 64n - 1n;
/** The shortest encoding that can hold more than {@link MAX_DIGITS} digits. */
const BYTES_OF_65_DIGITS = 27;

/**
 * Whether a genuine node that keeps the number as its text writes the same
 * number back: no trailing zeros behind the point, and within the bounds.
 */
export function isItsText({ scale, unscaled }: MiniNumber): boolean {
  const isInBounds = scale >= 0 && scale <= MAX_DECIMALS &&
    unscaled <= MAX_MAGNITUDE && unscaled >= -MAX_MAGNITUDE;
  return isInBounds && (scale === 0 || unscaled % 10n !== 0n);
}

/** A whole number with scale 0, as code builds them. */
export function integer(value: number | bigint): MiniNumber {
  return { scale: 0, unscaled: BigInt(value) };
}

/**
 * Reads a number from its text, as genuine constructors do: 64 significant
 * digits and then 44 decimals, both cut toward zero; at most 2^64-1.
 *
 * @throws {MiniNumberError}
 */
export function parseMiniNumber(text: string): MiniNumber {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,10}))?$/.exec(text);
  const [, sign = "", whole = "", decimals = "", exponent = "0"] = match ?? [];
  if (match === null || whole + decimals === "") {
    throw new MiniNumberError(`"${text.slice(0, 80)}" is not a number`);
  }
  const scale = decimals.length - Number(exponent);
  return construct(sign === "-", whole + decimals, scale);
}

/**
 * The sum of two numbers, in plain notation and cut as one made from text.
 *
 * @throws {MiniNumberError} if it is out of range
 */
export function sum(a: MiniNumber, b: MiniNumber): MiniNumber {
  const scale = Math.max(a.scale, b.scale, 0);
  const raise = (n: MiniNumber) => n.unscaled * 10n ** BigInt(scale - n.scale);
  const total = raise(a) + raise(b);
  const digits = (total < 0n ? -total : total).toString();
  return construct(total < 0n, digits, scale);
}

/** A number within the bounds of those that are made and not read. */
function construct(
  isNegative: boolean,
  digits: string,
  scale: number,
): MiniNumber {
  // Leading zeros say nothing; cutting them here keeps the digit count honest.
  const magnitude = cut(digits.replace(/^0+(?=\d)/, ""), scale);
  if (magnitude.scale < -128 || exceedsRange(magnitude)) {
    throw new MiniNumberError("a number out of range");
  }
  return isNegative
    ? { scale: magnitude.scale, unscaled: -magnitude.unscaled }
    : magnitude;
}

/** Cuts decimal digits to what a number made from text may keep. */
function cut(digits: string, scale: number): MiniNumber {
  const overDigits = Math.max(0, digits.length - MAX_DIGITS);
  const overDecimals = Math.max(0, scale - overDigits - MAX_DECIMALS);
  const dropped = overDigits + overDecimals;
  const kept = dropped < digits.length
    ? digits.slice(0, digits.length - dropped)
    : "0";
  return { scale: scale - dropped, unscaled: BigInt(kept) };
}

function exceedsRange({ scale, unscaled }: MiniNumber): boolean {
  if (scale < 0) return unscaled * 10n ** BigInt(-scale) > MAX_MAGNITUDE;
  return unscaled > MAX_MAGNITUDE * 10n ** BigInt(scale);
}

/** Plain notation without trailing zeros, the genuine text form. */
export function miniNumberText({ scale, unscaled }: MiniNumber): string {
  const sign = unscaled < 0n ? "-" : "";
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString();
  if (unscaled === 0n) return "0";
  if (scale <= 0) return sign + digits + "0".repeat(-scale);
  const padded = digits.padStart(scale + 1, "0");
  const whole = padded.slice(0, -scale);
  const decimals = padded.slice(-scale).replace(/0+$/, "");
  return sign + whole + (decimals === "" ? "" : `.${decimals}`);
}

/** The whole part, cut toward zero. */
export function wholePart({ scale, unscaled }: MiniNumber): bigint {
  if (scale <= 0) return unscaled * 10n ** BigInt(-scale);
  return unscaled / 10n ** BigInt(scale);
}

/** The genuine integer use of a number: the low 32 bits of the whole part. */
export function int32Of(number: MiniNumber): number {
  return Number(BigInt.asIntN(32, wholePart(number)));
}

/** `i8 scale || u8 n || n bytes of two's complement`, n from 1 to 32. */
export const miniNumber: Codec<MiniNumber> = {
  encode({ scale, unscaled }, to) {
    const bytes = twosComplement(unscaled);
    if (bytes.length > MAX_BYTES) {
      throw new RangeError(`a MiniNumber holds 32 bytes, not ${bytes.length}`);
    }
    to.u8(scale);
    to.u8(bytes.length);
    to.put(bytes);
  },
  decode(from) {
    const scale = from.i8();
    const length = from.u8();
    if (length === 0) throw from.error("bad-number", "a number of no bytes");
    if (length > MAX_BYTES) {
      throw from.error("too-long", `a number of ${length} bytes`);
    }
    const unscaled = readTwosComplement(from, length);
    return length < BYTES_OF_65_DIGITS
      ? { scale, unscaled }
      : cutToDigits(scale, unscaled, from);
  },
};

/** Reads a signed integer; a redundant sign byte is noted as not canonical. */
export function readTwosComplement(from: Reader, length: number): bigint {
  const bytes = from.take(length);
  const [first = 0, second = 0] = bytes;
  if (
    length > 1 && (first === 0 ? second < 128 : first === 255 && second > 127)
  ) {
    from.deviate();
  }
  return BigInt.asIntN(8 * length, BigInt(`0x${bytes.toHex()}`));
}

/** The shortest two's complement form, big-endian, at least one byte. */
export function twosComplement(value: bigint): Uint8Array {
  // Most numbers of a unit are counts, and most of those are none.
  if (value >= -128n && value < 128n) return Uint8Array.of(Number(value));
  const magnitude = value < 0n ? ~value : value;
  const hex = magnitude.toString(16);
  // One more bit than the magnitude has, for the sign, in whole bytes.
  const bits = 4 * (hex.length - 1) +
    (32 - Math.clz32(parseInt(hex[0] ?? "0", 16)));
  const length = (bits >> 3) + 1;
  const bytes = Uint8Array.fromHex(hex.padStart(2 * length, "0"));
  if (value < 0n) {
    for (let i = 0; i < length; i++) {
      bytes[i] = ~(bytes[i] ?? 0);
    }
  }
  return bytes;
}

/** Over 64 digits the genuine reader cuts toward zero and lowers the scale. */
function cutToDigits(
  scale: number,
  unscaled: bigint,
  from: Reader,
): MiniNumber {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().length;
  if (digits <= MAX_DIGITS) return { scale, unscaled };
  from.deviate();
  const dropped = digits - MAX_DIGITS;
  return {
    scale: scale - dropped,
    unscaled: unscaled / 10n ** BigInt(dropped),
  };
}
