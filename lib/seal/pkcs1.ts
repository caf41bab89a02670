/** RSAES-PKCS1-v1_5 blocks (RFC 8017, 7.2): made, and taken apart. */
import type { Bytes } from "../bytes.ts";
import { type RandomBytes, systemRandom } from "../random.ts";

/**
 * What unwrapping gives, in the same time whether the padding was right or not.
 * Where it was not, `key` is a secret function of the wrapped key: go on with
 * it, and fail only at the end.
 */
export interface UnwrappedKey {
  /** 16, 24 or 32 bytes. */
  readonly key: Bytes;
  /** Whether the padding was right. */
  readonly valid: boolean;
}

/** `00 02`, at least eight bytes of padding, `00` (RFC 8017, 7.2.1). */
const PADDING_BYTES = 11;
/** The lengths of an AES key. */
const KEY_LENGTHS = [16, 24, 32];

/**
 * A block of so many bytes around a key.
 *
 * @throws {RangeError} if there is no room for eight bytes of padding
 */
export function padded(
  key: Uint8Array,
  length: number,
  random: RandomBytes = systemRandom,
): Bytes {
  const padding = length - key.length - 3;
  if (padding + 3 < PADDING_BYTES) {
    throw new RangeError(
      `a block of ${length} bytes cannot wrap ${key.length} bytes`,
    );
  }
  const block = new Uint8Array(length);
  block[1] = 2;
  block.set(nonZeroBytes(padding, random), 2);
  block.set(key, length - key.length);
  return block;
}

function nonZeroBytes(length: number, random: RandomBytes): Bytes {
  const bytes = random(length);
  for (let i = 0; i < length; i++) {
    while (bytes[i] === 0) bytes.set(random(1), i);
  }
  return bytes;
}

/**
 * The AES key in a block, or the fallback in its place. Which bytes are looked
 * at, and in which order, does not depend on what they are.
 */
export function unpadded(
  block: Bytes,
  fallback: Bytes,
  isCiphertext: boolean,
): UnwrappedKey {
  const isOne = Number(isCiphertext);
  let key = fallback;
  let valid = false;
  for (const keyLength of KEY_LENGTHS) {
    const fits = isPadded(block, block.length - keyLength - 1) & isOne;
    const candidate = block.subarray(block.length - keyLength);
    key = [key, candidate][fits] as Bytes;
    valid = [valid, true][fits] as boolean;
  }
  return { key, valid };
}

/** 1 if `00 02`, only non-zero bytes up to `separator`, and `00` there. */
function isPadded(block: Uint8Array, separator: number): number {
  const [first, type, end] = [block[0], block[1], block[separator]];
  let wrong = (first ?? 1) | ((type ?? 0) ^ 2) | (end ?? 1);
  for (let i = 2; i < separator; i++) {
    // All ones below bit 8 exactly where the byte is zero.
    wrong |= (((block[i] ?? 0) - 1) >> 8) & 0xff;
  }
  return Number(wrong === 0) & Number(separator >= PADDING_BYTES - 1);
}
