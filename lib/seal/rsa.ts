/**
 * RSA as genuine Maxima nodes use it (spec/maxima.md 6.2-6.4): SHA256withRSA by
 * WebCrypto, and RSAES-PKCS1-v1_5 (RFC 8017, 7.2), which WebCrypto lacks, here.
 */
import { integerOfBytes } from "../minima/minidata.ts";
import { type RandomBytes, systemRandom } from "../random.ts";
import { type Bytes, sameBytes } from "../bytes.ts";
import { sha3_256 } from "../hash.ts";
import { Blinder, power, toBytes } from "./modular.ts";
import { padded, unpadded, type UnwrappedKey } from "./pkcs1.ts";
import { parsePublicKey, type RsaPublicKey } from "./public_key.ts";

export type { UnwrappedKey } from "./pkcs1.ts";

/** A private key that signs and unwraps. */
export interface RsaPrivateKey {
  /** Its public half, SubjectPublicKeyInfo DER. */
  readonly publicKey: Bytes;
  /** SHA256withRSA (RSASSA-PKCS1-v1_5) over the message. */
  sign(message: Bytes): Promise<Bytes>;
  /** The AES key in a wrapped key; see {@link UnwrappedKey}. */
  unwrap(wrapped: Bytes): UnwrappedKey;
}

const SIGNING = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const PUBLIC_EXPONENT = new Uint8Array([1, 0, 1]);

/** A private key that can be handed to a worker. */
export interface ExportableRsaKey extends RsaPrivateKey {
  /** PKCS#8 DER. */
  exportPkcs8(): Promise<Bytes>;
}

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
export async function importRsaKey(pkcs8: Bytes): Promise<ExportableRsaKey> {
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
  const blinder = new Blinder(numbers.n, numbers.e);
  return {
    publicKey,
    async exportPkcs8() {
      return new Uint8Array(
        await crypto.subtle.exportKey("pkcs8", signingKey),
      );
    },
    async sign(message) {
      return new Uint8Array(
        await crypto.subtle.sign(SIGNING, signingKey, message),
      );
    },
    unwrap: (wrapped) => unwrap(numbers, blinder, wrapped),
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
  // Before it is made a number of: who signs says how long it is.
  if (signature.length !== length) return false;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", message));
  const expected = new Uint8Array(length).fill(0xff);
  expected.set([0, 1]);
  const end = length - SHA256_PREFIX.length - hash.length;
  expected.set([0], end - 1);
  expected.set(SHA256_PREFIX, end);
  expected.set(hash, length - hash.length);
  const number = integerOfBytes(signature);
  if (number >= key.modulus) return false;
  const block = toBytes(power(number, key.exponent, key.modulus), length);
  return sameBytes(block, expected);
}

/**
 * RSAES-PKCS1-v1_5 of a key, as long as the modulus.
 *
 * @throws {RangeError} if the modulus is too small for the key
 */
export function wrap(
  to: RsaPublicKey,
  key: Uint8Array,
  random: RandomBytes = systemRandom,
): Bytes {
  const length = Math.ceil(to.bits / 8);
  const block = padded(key, length, random);
  return toBytes(power(integerOfBytes(block), to.exponent, to.modulus), length);
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

/** What is done does not depend on whether the padding is right. */
function unwrap(
  numbers: PrivateNumbers,
  blinder: Blinder,
  wrapped: Bytes,
): UnwrappedKey {
  const length = Math.ceil(numbers.n.toString(16).length / 2);
  // Its length is no secret, and what is too long is not worth the arithmetic.
  const ciphertext = wrapped.length === length ? integerOfBytes(wrapped) : 0n;
  const isCiphertext = wrapped.length === length && ciphertext < numbers.n;
  const block = toBytes(decrypt(numbers, blinder, ciphertext), length);
  const hashed = new Uint8Array(length + wrapped.length);
  hashed.set(toBytes(numbers.d, length));
  hashed.set(wrapped, length);
  return unpadded(block, sha3_256(hashed).subarray(0, 16), isCiphertext);
}

/**
 * The private operation by the Chinese remainder theorem. BigInt arithmetic
 * takes a time that depends on its operands, so what is raised is blinded: it
 * is another number each time, whatever the ciphertext.
 */
function decrypt(
  { n, p, q, dp, dq, qi }: PrivateNumbers,
  blinder: Blinder,
  ciphertext: bigint,
): bigint {
  const { blind, unblind } = blinder.next();
  const blinded = blind(ciphertext % n);
  const a = power(blinded % p, dp, p);
  const b = power(blinded % q, dq, q);
  return unblind(b + q * ((a - b % p + p) * qi % p));
}
