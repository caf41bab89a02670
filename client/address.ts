/** Whom mail can be sent to, and where: the texts that people pass around. */
import type { Bytes } from "../lib/bytes.ts";
import {
  type ContactAddress,
  contactAddressText,
  contactHost,
  parseContactAddress,
  parseKey,
  parsePermanentAddress,
} from "../lib/minima/address.ts";
import { TextFormError } from "../lib/minima/minidata.ts";
import { Problem } from "../lib/problem.ts";
import { parsePublicKey } from "../lib/seal/public_key.ts";
import { ClientError } from "./error.ts";

/** A key to seal to, and the relay that the address names. */
export interface Recipient {
  /** SubjectPublicKeyInfo DER. */
  readonly publicKey: Bytes;
  /** The URL of the relay; null if the text was a key alone. */
  readonly relayUrl: string | null;
}

/** What can stand before the colon of an address. */
const HOST = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i;

/** Hosts that are reached by plain http: this machine. */
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i;

/** Whether what is sent to a host, as URLs write it, stays on this machine. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/**
 * Reads a contact address (`Mx…@host:port`), a permanent address (`MAX#…`), or
 * a public key as hex or Mx text.
 *
 * @throws {ClientError} `address-invalid`, saying which part is wrong
 */
export function parseRecipient(text: string): Recipient {
  try {
    const recipient = readRecipient(text);
    parsePublicKey(recipient.publicKey);
    return recipient;
  } catch (cause) {
    if (!(cause instanceof TextFormError || cause instanceof Problem)) {
      throw cause;
    }
    throw new ClientError(
      "address-invalid",
      `not an address: ${cause.message}`,
      { cause },
    );
  }
}

function readRecipient(text: string): Recipient {
  if (text.startsWith("MAX#")) {
    const { publicKeyText, mls } = parsePermanentAddress(text);
    return { publicKey: parseKey(publicKeyText), relayUrl: relayUrlOf(mls) };
  }
  if (text.includes("@")) {
    const contact = parseContactAddress(text);
    return { publicKey: contact.publicKey, relayUrl: relayUrlOf(contact) };
  }
  return { publicKey: parseKey(text), relayUrl: null };
}

/** Contact addresses have no scheme: https, but plain http to loopback. */
function relayUrlOf({ host, port }: ContactAddress): string {
  // A host is a name or an IPv4 address: nothing that a URL reads otherwise.
  const url = HOST.test(host) && URL.parse(
    `${isLoopback(host) ? "http" : "https"}://${host}:${port}`,
  );
  if (!url || port < 1) {
    throw new TextFormError(
      `${host.slice(0, 80)}:${port} is not a host and port`,
    );
  }
  return url.origin;
}

/**
 * The URL of the relay at a host, and maybe a port: https, but plain http to
 * loopback.
 *
 * @throws {ClientError} `address-invalid`
 */
export function hostUrl(text: string): string {
  const [, host = "", port = ""] = /^([^:]+)(:\d{1,5})?$/.exec(text) ?? [];
  const scheme = isLoopback(host) ? "http" : "https";
  const url = HOST.test(host) && URL.parse(`${scheme}://${host}${port}`);
  if (url) return url.origin;
  throw new ClientError(
    "address-invalid",
    `not an address: "${text.slice(0, 80)}" is not a host`,
  );
}

/**
 * The contact address of a key at a relay.
 *
 * @example To an address and back
 * ```ts
 * import { addressAt, makeIdentity, parseRecipient } from "@restante/restante";
 *
 * const { key } = await makeIdentity();
 * const address = addressAt(key.publicKey, "https://relay.example");
 * const { relayUrl } = parseRecipient(address);
 * console.assert(relayUrl === "https://relay.example");
 * ```
 *
 * @throws {ClientError} `address-invalid` for a host that addresses cannot name
 */
export function addressAt(publicKey: Bytes, relayUrl: string): string {
  const { host, port } = contactHost(relayUrl);
  if (host.includes(":")) {
    throw new ClientError(
      "address-invalid",
      "a contact address cannot name an IPv6 host; use a name",
    );
  }
  return contactAddressText({ publicKey, host, port });
}
