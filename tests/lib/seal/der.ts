/** Distinguished and other encodings of public keys, part by part. */
import type { Bytes } from "../../../lib/bytes.ts";
import { bytesOfInteger } from "../../../lib/minima/minidata.ts";

/** OID rsaEncryption. */
export const RSA_OID = Uint8Array.fromHex("06092a864886f70d010101");
/** The parameters of rsaEncryption. */
export const NULL = Uint8Array.fromHex("0500");
/** A modulus of 1024 bits, good enough to be read. */
export const ODD_1024 = 2n ** 1023n + 1n;

/** Bytes behind one another. */
export function joined(...parts: readonly Uint8Array[]): Bytes {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/** A length, in so many octets behind the first; the shortest if not said. */
function derLength(length: number, octets?: number): Bytes {
  const bytes = bytesOfInteger(BigInt(length));
  const wanted = octets ?? (length < 128 ? 0 : bytes.length);
  if (wanted === 0) return new Uint8Array([length]);
  const padded = new Uint8Array(wanted);
  padded.set(bytes, wanted - bytes.length);
  return joined(new Uint8Array([0x80 | wanted]), padded);
}

/** Tag, length, content. */
export function tlv(tag: number, content: Uint8Array, octets?: number): Bytes {
  const length = derLength(content.length, octets);
  return joined(new Uint8Array([tag]), length, content);
}

/** Big-endian, with a zero before a first byte above 127. */
export function signed(value: bigint): Bytes {
  const bytes = bytesOfInteger(value);
  return (bytes[0] ?? 0) > 127 ? joined(new Uint8Array(1), bytes) : bytes;
}

/** The parts of an RSA key. */
export interface KeyParts {
  readonly algorithm: Uint8Array;
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
  readonly unusedBits: number;
  /** What stands behind the exponent, the numbers, the bits and the whole. */
  readonly behind: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  /** Length octets of modulus, numbers, bits and the whole. */
  readonly octets: readonly (number | undefined)[];
}

/** No bytes. */
export const NONE = new Uint8Array();
const PLAIN: KeyParts = {
  algorithm: tlv(0x30, joined(RSA_OID, NULL)),
  modulus: signed(ODD_1024),
  exponent: signed(65_537n),
  unusedBits: 0,
  behind: [NONE, NONE, NONE, NONE],
  octets: [],
};

/** SubjectPublicKeyInfo of an RSA key, with some parts other than they are. */
export function spki(parts: Partial<KeyParts> = {}): Bytes {
  const { algorithm, modulus, exponent, unusedBits, behind, octets } = {
    ...PLAIN,
    ...parts,
  };
  const numbers = joined(
    tlv(0x02, modulus, octets[0]),
    tlv(0x02, exponent),
    behind[0],
  );
  const bits = joined(
    new Uint8Array([unusedBits]),
    tlv(0x30, numbers, octets[1]),
    behind[1],
  );
  const info = joined(algorithm, tlv(0x03, bits, octets[2]), behind[2]);
  return joined(tlv(0x30, info, octets[3]), behind[3]);
}
