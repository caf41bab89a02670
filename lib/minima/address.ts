/**
 * Contact and permanent addresses (spec/maxima.md 11):
 *
 *     contact    key@host:port          key: Mx text or hex
 *     permanent  MAX#key#contact address of the owner's location service
 */
import type { Bytes } from "../bytes.ts";
import { parseHex, TextFormError } from "./minidata.ts";
import { mxText, parseMxText } from "./mxtext.ts";

/** Where a key can be reached. */
export interface ContactAddress {
  /** SubjectPublicKeyInfo DER; not checked to be one. */
  publicKey: Bytes;
  /** As written. */
  host: string;
  /** As written: a signed 32-bit integer, not checked to be a port. */
  port: number;
}

/** A key, and the location service that knows its present address. */
export interface PermanentAddress {
  /** The identity key as written; only `0x` upper-case hex is ever found. */
  publicKeyText: string;
  /** The contact address of the location service, as written. */
  mlsText: string;
  /** The same, read. */
  mls: ContactAddress;
}

/**
 * Reads a contact address as the genuine parser does: the key up to the first
 * `@`, the host up to the first `:` of the whole text, the port behind it.
 *
 * @throws {TextFormError} naming the part that is wrong
 */
export function parseContactAddress(text: string): ContactAddress {
  const at = text.indexOf("@");
  const colon = text.indexOf(":");
  if (at < 0) throw new TextFormError("an address without @");
  if (colon < at) throw new TextFormError("an address without :port");
  const port = text.slice(colon + 1);
  if (!/^[+-]?\d+$/.test(port) || Number(port) !== (Number(port) | 0)) {
    throw new TextFormError(`"${port.slice(0, 40)}" is not a port number`);
  }
  return {
    publicKey: parseKey(text.slice(0, at)),
    host: text.slice(at + 1, colon),
    port: Number(port) | 0, // which makes 0 of -0
  };
}

/** A key in an address: Mx text behind the exact prefix, else hex. */
export function parseKey(text: string): Bytes {
  return text.startsWith("Mx") ? parseMxText(text).bytes : parseHex(text);
}

/** The check that genuine commands make before they parse. */
export function looksLikeContactAddress(text: string): boolean {
  return text.startsWith("Mx") && text.includes("@") && text.includes(":");
}

/** `Mx…@host:port`. */
export function contactAddressText(address: ContactAddress): string {
  return `${mxText(address.publicKey)}@${address.host}:${address.port}`;
}

/**
 * Reads a permanent address; the key is kept as it is written.
 *
 * @throws {TextFormError}
 */
export function parsePermanentAddress(text: string): PermanentAddress {
  if (!text.startsWith("MAX#")) {
    throw new TextFormError("a permanent address starts with MAX#");
  }
  const end = text.indexOf("#", 4);
  if (end < 0) throw new TextFormError("a permanent address without its MLS");
  const mlsText = text.slice(end + 1);
  return {
    publicKeyText: text.slice(4, end),
    mlsText,
    mls: parseContactAddress(mlsText),
  };
}

/**
 * The host and port of a URL, as a contact address names them. Addresses have
 * no scheme: https is 443 where the URL says nothing, http is 80.
 */
export function contactHost(url: string): { host: string; port: number } {
  const { hostname, port, protocol } = new URL(url);
  const fallback = protocol === "https:" ? 443 : 80;
  return { host: hostname, port: Number(port) || fallback };
}
