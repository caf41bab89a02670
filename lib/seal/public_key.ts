/**
 * Public keys as SubjectPublicKeyInfo DER (RFC 5280): the name of a mailbox and
 * of a sender. Read strictly, so that one key has one encoding and one mailbox.
 */
import { integerOfBytes } from "../minima/minidata.ts";
import { type Bytes, sameBytes } from "../bytes.ts";
import { Problem } from "../problem.ts";

/** A key that mail can be sealed to or signed with. */
export type PublicKey = RsaPublicKey | Ed25519PublicKey;

/** RSA of 1024 to 16,384 bits: genuine Maxima users. */
export interface RsaPublicKey {
  /** RSA. */
  readonly kind: "rsa";
  /** n, odd. */
  readonly modulus: bigint;
  /** e, odd, from 3 to 2^32. */
  readonly exponent: bigint;
  /** Length of the modulus. */
  readonly bits: number;
}

/** Ed25519 (RFC 8410). */
export interface Ed25519PublicKey {
  /** Ed25519. */
  readonly kind: "ed25519";
  /** 32 bytes. */
  readonly key: Bytes;
}

const MIN_RSA_BITS = 1024;
const MAX_RSA_BITS = 16_384;
/** Larger exponents make a signature check cost as much as a signature. */
const MAX_EXPONENT = 2n ** 32n;
/** Bytes of the largest numbers, with the zero that keeps them positive. */
const MAX_MODULUS_BYTES = MAX_RSA_BITS / 8 + 1;
const MAX_EXPONENT_BYTES = 5;
/** Octets that give the length of the longest value in a key. */
const MAX_LENGTH_OCTETS = 2;

/** SEQUENCE { OID rsaEncryption, NULL } */
const RSA_ALGORITHM = Uint8Array.fromHex("300d06092a864886f70d0101010500");
/** DER of an Ed25519 key up to its 32 bytes (RFC 8410, section 4). */
export const ED25519_PREFIX: Bytes = Uint8Array.fromHex(
  "302a300506032b6570032100",
);

const SEQUENCE = 0x30;
const BIT_STRING = 0x03;
const INTEGER = 0x02;

/**
 * Reads a key; anything but strict DER of an allowed key is refused. Whoever
 * sends a key has paid for nothing yet, so every length is bounded before its
 * bytes are made a number of.
 *
 * @throws {Problem} `malformed`
 */
export function parsePublicKey(spki: Bytes): PublicKey {
  if (
    spki.length === ED25519_PREFIX.length + 32 &&
    sameBytes(spki.subarray(0, ED25519_PREFIX.length), ED25519_PREFIX)
  ) {
    return { kind: "ed25519", key: spki.subarray(ED25519_PREFIX.length) };
  }
  return parseRsa(spki);
}

function parseRsa(spki: Bytes): RsaPublicKey {
  const info = new Der(new Der(spki).only(SEQUENCE));
  if (!sameBytes(info.take(RSA_ALGORITHM.length), RSA_ALGORITHM)) {
    throw notAKey("its algorithm is neither RSA nor Ed25519");
  }
  const bits = info.only(BIT_STRING);
  if (bits[0] !== 0) throw notAKey("its bit string has unused bits");
  const numbers = new Der(new Der(bits.subarray(1)).only(SEQUENCE));
  const modulusBytes = numbers.positive(MAX_MODULUS_BYTES);
  const exponent = integerOfBytes(numbers.positive(MAX_EXPONENT_BYTES));
  numbers.end();
  const length = bitsOf(modulusBytes);
  if (length < MIN_RSA_BITS || length > MAX_RSA_BITS) {
    throw notAKey(`its modulus has ${length} bits`);
  }
  const modulus = integerOfBytes(modulusBytes);
  if (modulus % 2n === 0n) throw notAKey("its modulus is even");
  if (exponent < 3n || exponent % 2n === 0n || exponent > MAX_EXPONENT) {
    throw notAKey("its exponent is not usable");
  }
  return { kind: "rsa", modulus, exponent, bits: length };
}

/** Bits of a positive DER integer: its first byte is zero, or below 128. */
function bitsOf(octets: Bytes): number {
  const [first = 0, second = 0] = octets;
  const [top, below] = first === 0
    ? [second, octets.length - 2]
    : [first, octets.length - 1];
  return 8 * below + 32 - Math.clz32(top);
}

function notAKey(why: string): Problem {
  return new Problem("malformed", `not a public key: ${why}`);
}

/** A position in DER; only definite, shortest lengths pass. */
class Der {
  #bytes: Bytes;
  #offset = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  take(length: number): Bytes {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw notAKey("it is cut short");
    const taken = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return taken;
  }

  /** The content of the next value, which must have this tag. */
  next(tag: number): Bytes {
    if (this.take(1)[0] !== tag) throw notAKey("it is not the expected DER");
    const first = this.take(1)[0] ?? 0;
    if (first < 128) return this.take(first);
    if ((first & 127) > MAX_LENGTH_OCTETS) throw notAKey("it is cut short");
    const octets = this.take(first & 127);
    const length = Number(integerOfBytes(octets));
    if (octets.length === 0 || octets[0] === 0 || length < 128) {
      throw notAKey("its DER has a length that is not the shortest");
    }
    return this.take(length);
  }

  /** The content of the last value. */
  only(tag: number): Bytes {
    const content = this.next(tag);
    this.end();
    return content;
  }

  /** The bytes of a positive integer in its shortest form, at most so many. */
  positive(most: number): Bytes {
    const octets = this.next(INTEGER);
    if (octets.length > most) {
      throw notAKey(`it holds a number of ${octets.length} bytes`);
    }
    const [first = 128, second = 128] = octets;
    if (first > 127 || (first === 0 && second < 128)) {
      throw notAKey("it holds a number that is negative or not the shortest");
    }
    return octets;
  }

  end(): void {
    if (this.#offset < this.#bytes.length) throw notAKey("it has bytes behind");
  }
}
