/**
 * RSA as genuine Maxima nodes use it (spec/maxima.md 6.2-6.4): SHA256withRSA by
 * WebCrypto, and RSAES-PKCS1-v1_5 (RFC 8017, 7.2), which WebCrypto lacks, here.
 */
import { integerOfBytes } from "../minima/minidata.ts";
import { type RandomBytes, systemRandom } from "../random.ts";
import { type Bytes, sameBytes } from "../bytes.ts";
import { sha3_256 } from "../hash.ts";
import { parsePublicKey, type RsaPublicKey } from "./public_key.ts";

/** A private key that signs and unwraps. */
export interface RsaPrivateKey {
  /** Its public half, SubjectPublicKeyInfo DER. */
  readonly publicKey: Bytes;
  /** SHA256withRSA (RSASSA-PKCS1-v1_5) over the message. */
  sign(message: Bytes): Promise<Bytes>;
  /** The AES key in a wrapped key; see {@link UnwrappedKey}. */
  unwrap(wrapped: Bytes): UnwrappedKey;
}

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

const SIGNING = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const PUBLIC_EXPONENT = new Uint8Array([1, 0, 1]);
/** `00 02`, at least eight bytes of padding, `00` (RFC 8017, 7.2.1). */
const PADDING_BYTES = 11;

/** A new private key, PKCS#8 DER. The exponent is 65537. */
export async function generateRsaKey(bits: number): Promise<Bytes> {
  const { privateKey } = await crypto.subtle.generateKey(
    { ...SIGNING, modulusLength: bits, publicExponent: PUBLIC_EXPONENT },
    true,
    ["sign", "verify"],
  );
  return new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
}

/**
 * Reads a private key.
 *
 * @throws {DOMException} if the bytes are not PKCS#8 DER of an RSA key
 */
export async function importRsaKey(pkcs8: Bytes): Promise<RsaPrivateKey> {
  const signingKey = await crypto.subtle.importKey(
    "pkcs8",
    pkcs8,
    SIGNING,
    true,
    ["sign"],
  );
  const jwk = await crypto.subtle.exportKey("jwk", signingKey);
  const { n = "", e = "" } = jwk;
  const verifyKey = await crypto.subtle.importKey(
    "jwk",
    { kty: "RSA", n, e },
    SIGNING,
    true,
    ["verify"],
  );
  const publicKey = new Uint8Array(
    await crypto.subtle.exportKey("spki", verifyKey),
  );
  const numbers = privateNumbers(jwk);
  return {
    publicKey,
    async sign(message) {
      return new Uint8Array(
        await crypto.subtle.sign(SIGNING, signingKey, message),
      );
    },
    unwrap: (wrapped) => unwrap(numbers, wrapped),
  };
}

/** DigestInfo of SHA-256 up to the hash (RFC 8017, 9.2). */
const SHA256_PREFIX = Uint8Array.fromHex(
  "3031300d060960864801650304020105000420",
);

/**
 * Whether the signature is SHA256withRSA by the key over the message. What the
 * signature stands for is compared as a whole with what it must be. Not by
 * WebCrypto, which does not take every size of key.
 *
 * @throws {Problem} `malformed` if the bytes are no key
 */
export async function verifyRsa(
  spki: Bytes,
  message: Bytes,
  signature: Bytes,
): Promise<boolean> {
  const key = parsePublicKey(spki);
  if (key.kind !== "rsa") return false;
  const length = Math.ceil(key.bits / 8);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", message));
  const expected = new Uint8Array(length).fill(0xff);
  expected.set([0, 1]);
  const end = length - SHA256_PREFIX.length - hash.length;
  expected.set([0], end - 1);
  expected.set(SHA256_PREFIX, end);
  expected.set(hash, length - hash.length);
  const number = integerOfBytes(signature);
  if (signature.length !== length || number >= key.modulus) return false;
  const block = toBytes(power(number, key.exponent, key.modulus), length);
  return sameBytes(block, expected);
}

/** RSAES-PKCS1-v1_5 of a key, as long as the modulus. */
export function wrap(
  to: RsaPublicKey,
  key: Uint8Array,
  random: RandomBytes = systemRandom,
): Bytes {
  const length = Math.ceil(to.bits / 8);
  const padding = length - key.length - 3;
  if (padding + 3 < PADDING_BYTES) {
    throw new RangeError(
      `a ${to.bits}-bit key cannot wrap ${key.length} bytes`,
    );
  }
  const block = new Uint8Array(length);
  block[1] = 2;
  block.set(nonZeroBytes(padding, random), 2);
  block.set(key, length - key.length);
  return toBytes(power(integerOfBytes(block), to.exponent, to.modulus), length);
}

function nonZeroBytes(length: number, random: RandomBytes): Bytes {
  const bytes = random(length);
  for (let i = 0; i < length; i++) {
    while (bytes[i] === 0) bytes.set(random(1), i);
  }
  return bytes;
}

/** The numbers of a private key (RFC 8017, 3.2). */
interface PrivateNumbers {
  n: bigint;
  e: bigint;
  d: bigint;
  p: bigint;
  q: bigint;
  dp: bigint;
  dq: bigint;
  qi: bigint;
}

function privateNumbers(jwk: JsonWebKey): PrivateNumbers {
  const number = (text = "") =>
    integerOfBytes(Uint8Array.fromBase64(text, { alphabet: "base64url" }));
  return {
    n: number(jwk.n),
    e: number(jwk.e),
    d: number(jwk.d),
    p: number(jwk.p),
    q: number(jwk.q),
    dp: number(jwk.dp),
    dq: number(jwk.dq),
    qi: number(jwk.qi),
  };
}

/** The lengths of an AES key. */
const KEY_LENGTHS = [16, 24, 32];

/** Which bytes are looked at does not depend on what they are. */
function unwrap(numbers: PrivateNumbers, wrapped: Bytes): UnwrappedKey {
  const length = Math.ceil(numbers.n.toString(2).length / 8);
  const ciphertext = integerOfBytes(wrapped);
  const isOne = Number(wrapped.length === length && ciphertext < numbers.n);
  const block = toBytes(decrypt(numbers, ciphertext), length);
  const fallback = sha3_256(
    new Uint8Array([...toBytes(numbers.d, length), ...wrapped]),
  );
  let key = fallback.subarray(0, 16);
  let valid = false;
  for (const keyLength of KEY_LENGTHS) {
    const fits = isPadded(block, length - keyLength - 1) & isOne;
    const candidate = block.subarray(length - keyLength);
    key = [key, candidate][fits] as Bytes;
    valid = [valid, true][fits] as boolean;
  }
  return { key, valid };
}

/** 1 if `00 02`, only non-zero bytes up to `separator`, and `00` there. */
function isPadded(block: Uint8Array, separator: number): number {
  let wrong = (block[0] ?? 1) | ((block[1] ?? 0) ^ 2) | (block[separator] ?? 1);
  for (let i = 2; i < separator; i++) {
    // All ones below bit 8 exactly where the byte is zero.
    wrong |= (((block[i] ?? 0) - 1) >> 8) & 0xff;
  }
  return Number(wrong === 0) & Number(separator >= PADDING_BYTES - 1);
}

/**
 * The private operation by the Chinese remainder theorem. BigInt arithmetic
 * takes a time that depends on its operands, so what is raised is blinded: it
 * is another number each time, whatever the ciphertext.
 */
function decrypt(key: PrivateNumbers, ciphertext: bigint): bigint {
  const { n, e, p, q, dp, dq, qi } = key;
  const blind = 2n +
    integerOfBytes(systemRandom(Math.ceil(n.toString(16).length / 2))) %
      (n - 3n);
  const blinded = ciphertext % n * power(blind, e, n) % n;
  const a = power(blinded % p, dp, p);
  const b = power(blinded % q, dq, q);
  const raised = b + q * ((a - b % p + p) * qi % p);
  return raised * inverse(blind, n) % n;
}

/** `base^exponent mod modulus`, four bits of the exponent at a time. */
function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  const powers = [1n];
  for (let i = 1; i < 16; i++) {
    powers.push((powers[i - 1] as bigint) * base % modulus);
  }
  let result = 1n;
  for (const digit of exponent.toString(16)) {
    for (let i = 0; i < 4; i++) result = result * result % modulus;
    result = result * (powers[parseInt(digit, 16)] as bigint) % modulus;
  }
  return result;
}

/** The inverse modulo n by the extended Euclidean algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [r, next] = [modulus, value % modulus];
  let [t, nextT] = [0n, 1n];
  while (next !== 0n) {
    const quotient = r / next;
    [r, next] = [next, r - quotient * next];
    [t, nextT] = [nextT, t - quotient * nextT];
  }
  return t < 0n ? t + modulus : t;
}

/** A number as exactly that many big-endian bytes. */
function toBytes(value: bigint, length: number): Bytes {
  return Uint8Array.fromHex(value.toString(16).padStart(2 * length, "0"));
}
