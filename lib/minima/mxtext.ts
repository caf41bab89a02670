/**
 * Mx text: bytes in base 32 with a checksum (spec/maxima.md 2.3), the form in
 * which Minima writes keys and addresses.
 *
 *     blob = 01 || u16 length || bytes || first 4 bytes of H(bytes)
 *     text = "Mx" + radix-32 digits of the blob as one integer
 */
import { sha3_256 } from "../hash.ts";
import type { Bytes } from "../bytes.ts";
import { Writer } from "./codec.ts";
import { bytesOfInteger, TextFormError } from "./minidata.ts";

const ALPHABET = "0123456789ABCDEFGHWJKYMNZPQRSTUV";
/** Most bytes that Mx text can carry: the length is a signed 16-bit number. */
const MAX_LENGTH = 32_767;
const CHECKSUM_LENGTH = 4;
/** Bytes before the data: the leading 01 and the length. */
const HEAD_LENGTH = 3;

/** Digits that are taken for others when read: I for W, L for Y, O for Z. */
const VALUES: ReadonlyMap<string, number> = new Map([
  ...[...ALPHABET].map((digit, value) => [digit, value] as const),
  ["I", ALPHABET.indexOf("W")],
  ["L", ALPHABET.indexOf("Y")],
  ["O", ALPHABET.indexOf("Z")],
]);

/** Bytes as `Mx…` text. @throws {RangeError} over 32,767 bytes */
export function mxText(bytes: Uint8Array): string {
  if (bytes.length > MAX_LENGTH) {
    throw new RangeError(`Mx text holds 32767 bytes, not ${bytes.length}`);
  }
  const blob = new Writer();
  blob.u8(1);
  blob.u8(bytes.length >> 8);
  blob.u8(bytes.length);
  blob.put(bytes);
  blob.put(sha3_256(bytes).subarray(0, CHECKSUM_LENGTH));
  return base32Text(blob.done());
}

/** What {@link parseMxText} gives. */
export interface MxText {
  /** What the text stands for. */
  bytes: Bytes;
  /** Whether {@link mxText} gives the same text again. */
  canonical: boolean;
}

/**
 * Reads Mx text as genuine nodes do: either case, the prefix, leading zeros and
 * a plus sign optional, bytes behind the checksum ignored.
 *
 * @throws {TextFormError} naming the part that is wrong
 */
export function parseMxText(text: string): MxText {
  const blob = parseBase32(text);
  if (blob[0] !== 1) throw new TextFormError("Mx text without its leading 01");
  const length = ((blob[1] ?? 0) << 8) | (blob[2] ?? 0);
  const end = HEAD_LENGTH + length;
  if (length > MAX_LENGTH || blob.length < end + CHECKSUM_LENGTH) {
    throw new TextFormError("Mx text with a length that is not its own");
  }
  const bytes = blob.slice(HEAD_LENGTH, end);
  const checksum = sha3_256(bytes);
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    if (blob[end + i] !== checksum[i]) {
      throw new TextFormError("Mx text with a wrong checksum");
    }
  }
  return { bytes, canonical: mxText(bytes) === text };
}

/** `Mx` and the radix-32 digits of the bytes as one integer, no checksum. */
export function base32Text(bytes: Uint8Array): string {
  // From the end, five bits at a time: the last digit is the lowest.
  const reversed: string[] = [];
  let bits = 0;
  let held = 0;
  for (let i = bytes.length - 1; i >= 0; i--) {
    held |= (bytes[i] ?? 0) << bits;
    bits += 8;
    for (; bits >= 5; bits -= 5, held >>= 5) {
      reversed.push(ALPHABET[held & 31] ?? "");
    }
  }
  if (bits > 0) reversed.push(ALPHABET[held] ?? "");
  return `Mx${reversed.reverse().join("").replace(/^0+(?=.)/, "")}`;
}

/** Letters outside ASCII become digits when they are made upper case: `ſ`, `ı`, `ß`. */
const NOT_ASCII = /[\u0080-\uffff]/;

/**
 * The integer of {@link base32Text} as its shortest bytes.
 *
 * @throws {TextFormError}
 */
export function parseBase32(text: string): Bytes {
  if (NOT_ASCII.test(text)) throw new TextFormError("Mx text outside ASCII");
  const digits = text.toUpperCase().replace(/^MX/, "").replace(/^\+/, "");
  if (digits === "") throw new TextFormError("Mx text without a digit");
  // Genuine blobs end at 32,774 bytes; a longer text cannot be one.
  if (digits.length > 2 * MAX_LENGTH) {
    throw new TextFormError(`Mx text of ${digits.length} digits`);
  }
  const reversed: number[] = [];
  let bits = 0;
  let held = 0;
  for (let i = digits.length - 1; i >= 0; i--) {
    const value = VALUES.get(digits[i] ?? "");
    if (value === undefined) {
      throw new TextFormError(`"${digits[i]}" is no digit of Mx text`);
    }
    held |= value << bits;
    bits += 5;
    if (bits >= 8) {
      reversed.push(held & 255);
      held >>= 8;
      bits -= 8;
    }
  }
  if (bits > 0) reversed.push(held);
  const bytes = new Uint8Array(reversed.reverse());
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? bytesOfInteger(0n) : bytes.slice(first);
}
