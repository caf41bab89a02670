/** base64url without padding (RFC 4648, 5), in its one form. */
import type { Bytes } from "./bytes.ts";

/** The text of some bytes. */
export function base64urlText(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * The bytes of a text. The platform's reader takes spaces, padding and any last
 * bits, so that one value would have many texts: here it has one.
 *
 * @throws {SyntaxError} if it is not the text of any bytes
 */
export function parseBase64url(text: string): Bytes {
  const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
  if (base64urlText(bytes) === text) return bytes;
  throw new SyntaxError("base64url that is not in its one form");
}
