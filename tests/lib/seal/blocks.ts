/** Wrapped keys made by hand, also such as nobody's wrap() would make. */
import type { Bytes } from "../../../lib/bytes.ts";
import { integerOfBytes } from "../../../lib/minima/minidata.ts";
import type { RsaPublicKey } from "../../../lib/seal/public_key.ts";

/** A key whose bytes are all different, and none of them zero. */
export function aesKey(length: number): Bytes {
  return Uint8Array.from({ length }, (_, i) => 0xa0 + i);
}

/** `base^exponent mod modulus`, one bit of the exponent at a time. */
function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = result * result % modulus;
    if (bit === "1") result = result * base % modulus;
  }
  return result;
}

/** A number as that many big-endian bytes. */
export function bytesOf(value: bigint, length: number): Bytes {
  return Uint8Array.fromHex(value.toString(16).padStart(2 * length, "0"));
}

/** The public operation on a block, whatever stands in it. */
export function raise(
  block: Bytes,
  { modulus, exponent }: RsaPublicKey,
): Bytes {
  return bytesOf(power(integerOfBytes(block), exponent, modulus), block.length);
}

/** `00 02`, non-zero bytes, `00`, the key: as long as the modulus. */
export function paddedBlock(length: number, key: Bytes): Bytes {
  const block = new Uint8Array(length).fill(0x5a);
  block[0] = 0;
  block[1] = 2;
  block[length - key.length - 1] = 0;
  block.set(key, length - key.length);
  return block;
}
