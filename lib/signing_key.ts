/** The relay's Ed25519 key: it signs receipts and tokens. */
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
  const seed = Uint8Array.fromBase64(d, { alphabet: "base64url" });
  return {
    relayId,
    privateKey,
    publicKey,
    jwk,
    secret: (purpose) => deriveSecret(seed, purpose),
  };
}

/** The public half of a relay's key. */
export type VerifyingKey = Pick<SigningKey, "relayId" | "publicKey" | "jwk">;

/** Reads a public key from the `x` of its JWK. */
export async function importVerifyingKey(x: string): Promise<VerifyingKey> {
  const key = Uint8Array.fromBase64(x, { alphabet: "base64url" });
  const spki = new Uint8Array([...ED25519_PREFIX, ...key]);
  const publicKey = await crypto.subtle.importKey(
    "spki",
    spki,
    "Ed25519",
    true,
    ["verify"],
  );
  const relayId = relayIdOf(spki);
  return {
    relayId,
    publicKey,
    jwk: { kty: "OKP", crv: "Ed25519", x, kid: relayId },
  };
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
