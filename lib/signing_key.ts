/** The relay's Ed25519 key: it signs receipts and tokens. */
import { z } from "zod";
import { parseBase64url } from "./base64url.ts";
import type { Bytes } from "./bytes.ts";
import { type RelayId, relayIdOf } from "./ids.ts";
import { ED25519_PREFIX } from "./seal/public_key.ts";

/** A public Ed25519 key as the relay's descriptor carries it. */
export interface SigningJwk {
  /** Octet key pair. */
  readonly kty: "OKP";
  /** The curve. */
  readonly crv: "Ed25519";
  /** base64url of the 32 key bytes. */
  readonly x: string;
  /** The relay's id. */
  readonly kid: string;
}

/**
 * A key that signed before: it stays published, so that what it signed remains
 * provable (spec/network.md 1).
 */
export interface FormerJwk extends SigningJwk {
  /** When it ended: Unix milliseconds. */
  readonly until: number;
}

/** The key, and what follows from it. */
export interface SigningKey {
  /** Hash of the public key. */
  readonly relayId: RelayId;
  /** For signing. */
  readonly privateKey: CryptoKey;
  /** For checking. */
  readonly publicKey: CryptoKey;
  /** The public key as it is published. */
  readonly jwk: SigningJwk;
  /** Its signature of some bytes, 64 bytes (RFC 8032): always the same. */
  sign(bytes: Bytes): Bytes | Promise<Bytes>;
  /** A secret of the relay's, the same whenever it has the same key. */
  secret(purpose: string): Promise<CryptoKey>;
}

/** A new private key, PKCS#8 DER. */
export async function generateSigningKey(): Promise<Bytes> {
  const pair = await crypto.subtle.generateKey("Ed25519", true, [
    "sign",
    "verify",
  ]) as CryptoKeyPair;
  return new Uint8Array(
    await crypto.subtle.exportKey("pkcs8", pair.privateKey),
  );
}

/**
 * Reads a private key.
 *
 * @throws {DOMException} if the bytes are not PKCS#8 DER of an Ed25519 key
 */
export async function importSigningKey(pkcs8: Bytes): Promise<SigningKey> {
  const privateKey = await crypto.subtle.importKey(
    "pkcs8",
    pkcs8,
    "Ed25519",
    true,
    ["sign"],
  );
  const { x = "", d = "" } = await crypto.subtle.exportKey("jwk", privateKey);
  const { relayId, jwk, publicKey } = await importVerifyingKey(x);
  const seed = parseBase64url(d);
  return {
    relayId,
    privateKey,
    publicKey,
    jwk,
    sign: async (bytes) =>
      new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, bytes)),
    secret: (purpose) => deriveSecret(seed, purpose),
  };
}

/** The public half of a relay's key. */
export interface VerifyingKey
  extends Pick<SigningKey, "relayId" | "publicKey" | "jwk"> {
  /** For a former key, when it ended: Unix milliseconds. */
  readonly until?: number;
}

/**
 * Reads a public key from the `x` of its JWK.
 *
 * @throws {Error} if it is none, or one that fits signatures of anything
 */
export async function importVerifyingKey(x: string): Promise<VerifyingKey> {
  const key = parseBase64url(x);
  if (isOfSmallOrder(key)) {
    throw new RangeError("an Ed25519 key that proves nothing");
  }
  const spki = new Uint8Array([...ED25519_PREFIX, ...key]);
  const publicKey = await crypto.subtle.importKey(
    "spki",
    spki,
    "Ed25519",
    true,
    ["verify"],
  );
  const relayId = relayIdOf(spki);
  return { relayId, publicKey, jwk: jwkOf(x, relayId) };
}

/** The published form of a key. */
function jwkOf(x: string, kid: RelayId): SigningJwk {
  return { kty: "OKP", crv: "Ed25519", x, kid };
}

/** How many former keys a relay publishes, and a client looks at. */
export const MAX_FORMER_KEYS = 32;

/** A relay's keys as its descriptor has them, the former ones not checked. */
export interface PublishedKeys {
  /** The one that signs. */
  readonly signing: { readonly x: string };
  /** Those that signed before; a relay of an earlier version says nothing. */
  readonly former?: unknown;
}

const formerForm = z.array(
  z.looseObject({ x: z.string(), until: z.int().nonnegative() }),
).max(MAX_FORMER_KEYS).default([]);

/**
 * All keys by which a relay's receipts are checked, the present one first.
 *
 * @param now Unix milliseconds; a former key had ended by then
 * @throws {Error} if one of them is none, or is to end yet, or there are too many
 */
export async function importVerifyingKeys(
  { signing, former }: PublishedKeys,
  now: number,
): Promise<VerifyingKey[]> {
  const ended = formerForm.parse(former).map(async ({ x, until }) => {
    // One that has not ended would sign beside the key that the id names.
    if (until > now) throw new RangeError("a former key that is to end yet");
    return { ...await importVerifyingKey(x), until };
  });
  return await Promise.all([importVerifyingKey(signing.x), ...ended]);
}

/**
 * The y of every point whose order divides 8, in every way it is written
 * (RFC 8032): under such a key many messages, or all, have the same signature.
 */
const SMALL_ORDER = new Set([
  "00".repeat(32),
  `01${"00".repeat(31)}`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  ...["ec", "ed", "ee"].map((first) => `${first}${"ff".repeat(30)}7f`),
]);

/** Whether it is one of them; the sign of x is in the highest bit. */
function isOfSmallOrder(key: Bytes): boolean {
  const y = key.slice();
  y[31] = (y[31] ?? 0) & 127;
  return SMALL_ORDER.has(y.toHex());
}

/** HKDF of the key's seed: an HMAC key for one purpose alone. */
async function deriveSecret(seed: Bytes, purpose: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", seed, "HKDF", false, [
    "deriveKey",
  ]);
  const info = new TextEncoder().encode(`restante ${purpose}`);
  return await crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info },
    material,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign", "verify"],
  );
}
