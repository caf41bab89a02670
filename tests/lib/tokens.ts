/** Keys of relays, and JWS made by hand, also such as none should take. */
import { type CompactJWSHeaderParameters, CompactSign } from "jose";
import { importSigningKey, type SigningKey } from "../../lib/signing_key.ts";

/** PKCS#8 DER of an Ed25519 key, up to its seed. */
const PKCS8_PREFIX = "302e020100300506032b657004220420";

/** PKCS#8 DER of the key of RFC 8032, 7.1, test 1. */
export const RFC_8032_KEY = Uint8Array.fromHex(
  PKCS8_PREFIX +
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
);
/** Its public half, as in the RFC. */
export const RFC_8032_PUBLIC =
  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

/** The relay in question. */
export const RELAY: SigningKey = await importSigningKey(RFC_8032_KEY);
/** Another relay. */
export const OTHER_RELAY: SigningKey = await importSigningKey(
  Uint8Array.fromHex(PKCS8_PREFIX + "42".repeat(32)),
);

/** base64url without padding. */
export function base64url(bytes: Uint8Array | string): string {
  const data = typeof bytes === "string"
    ? new TextEncoder().encode(bytes)
    : bytes;
  return data.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** A compact JWS over a payload; a text is taken as it is. */
export async function jws(
  header: CompactJWSHeaderParameters,
  payload: unknown,
  key: CryptoKey | Uint8Array = RELAY.privateKey,
): Promise<string> {
  const text = typeof payload === "string" ? payload : JSON.stringify(payload);
  return await new CompactSign(new TextEncoder().encode(text))
    .setProtectedHeader(header)
    .sign(key);
}

/** The same for headers that no library would sign, with the relay's key. */
export async function signedByHand(
  header: object,
  payload: object,
): Promise<string> {
  const signed = [header, payload]
    .map((part) => base64url(JSON.stringify(part))).join(".");
  const signature = await crypto.subtle.sign(
    "Ed25519",
    RELAY.privateKey,
    new TextEncoder().encode(signed),
  );
  return `${signed}.${base64url(new Uint8Array(signature))}`;
}

/** The same with no signature at all: `alg` none, whatever the header says. */
export function unsigned(header: object, payload: unknown): string {
  const parts = [{ ...header, alg: "none" }, payload];
  return `${parts.map((part) => base64url(JSON.stringify(part))).join(".")}.`;
}

/** Header and payload of a compact JWS, not checked. */
export function parts(
  token: string,
): [header: Record<string, unknown>, payload: Record<string, unknown>] {
  const [header = "", payload = ""] = token.split(".");
  return [json(header), json(payload)];
}

function json(part: string): Record<string, unknown> {
  const bytes = Uint8Array.fromBase64(part, { alphabet: "base64url" });
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** Things that are no JWS in any reading. */
export const GARBAGE: readonly string[] = [
  "",
  ".",
  "..",
  "...",
  "....",
  "a.b.c",
  "null",
  "{}",
  "eyJhbGciOiJFZERTQSJ9..",
  "eyJhbGciOiJFZERTQSJ9.e30.",
  "e30.e30.e30",
  "bnVsbA.e30.AA",
  "W10.e30.AA",
  " eyJhbGciOiJFZERTQSJ9.e30.AA",
  "é.é.é",
  "\u0000",
  "A".repeat(10_000),
  `${"A".repeat(5_000)}.${"B".repeat(5_000)}.${"C".repeat(86)}`,
];
