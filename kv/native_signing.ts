/**
 * Signing where it costs least: WebCrypto takes twice as long, for each of its
 * signatures is an operation of the event loop.
 */
import { createPrivateKey, sign } from "node:crypto";
import { Buffer } from "node:buffer";
import type { Bytes } from "../lib/bytes.ts";
import type { SigningKey } from "../lib/signing_key.ts";

/**
 * What signs by an Ed25519 key, within the call.
 *
 * @throws {Error} if the bytes are no PKCS#8 DER of such a key
 */
export function nativeSigner(pkcs8: Bytes): SigningKey["sign"] {
  const key = createPrivateKey({
    key: Buffer.from(pkcs8),
    format: "der",
    type: "pkcs8",
  });
  return (bytes) => new Uint8Array(sign(null, bytes, key));
}
