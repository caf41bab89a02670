/** Names instead of addresses: asking a relay whose they are. */
import { z } from "zod";
import type { Bytes } from "../lib/bytes.ts";
import { mailboxIdOf } from "../lib/ids.ts";
import { parsePublicKey } from "../lib/seal/public_key.ts";
import {
  hostUrl,
  isLoopback,
  parseRecipient,
  type Recipient,
} from "./address.ts";
import { ClientError, RelayError } from "./error.ts";
import { hashForm, idForm, keyForm } from "./forms.ts";
import { Relay, type RequestOptions } from "./relay.ts";

/** How a name is resolved. */
export interface ResolveOptions extends RequestOptions {
  /** Whom to ask about a name that names no relay. */
  readonly relay?: Relay | undefined;
}

const nameForm = z.object({
  name: idForm,
  mailbox: hashForm,
  publicKey: keyForm,
  relays: z.array(z.url({ protocol: /^https?$/ }).max(2_048)),
});

/** `alice` or `alice@relay.example`; addresses start with capitals or digits. */
const NAME = /^([a-z][a-z0-9._-]{0,63})(?:@([^@\s]+))?$/;

/**
 * Reads an address as {@link parseRecipient} does, or asks a relay for the key
 * and the home of a name. What a relay says of a name is its word alone.
 *
 * @throws {ClientError} `address-invalid`, `name-unknown`, `relay-unreachable` or
 * `relay-nonsense`
 * @throws {RelayError} if the relay refuses
 */
export async function resolveRecipient(
  text: string,
  { relay, signal }: ResolveOptions = {},
): Promise<Recipient> {
  const [, name, host] = NAME.exec(text) ?? [];
  const asked = host === undefined ? relay : new Relay(hostUrl(host));
  // A key in hex may look like a name, but no name is as long.
  if (name === undefined || asked === undefined) return parseRecipient(text);
  const found = await ask(asked, name, signal);
  const publicKey = Uint8Array.fromHex(found.publicKey);
  if (found.name !== name || !isKeyOf(publicKey, found.mailbox)) {
    throw new ClientError(
      "relay-nonsense",
      `${asked.url} answers "${name}" with a key that is another's`,
    );
  }
  const [home = asked.url] = found.relays;
  return { publicKey, relayUrl: homeUrl(home, asked) };
}

/**
 * Where a name's mail goes. Plain http is for this machine's own relays, and
 * only such a one may name another: nobody else sends us to ourselves.
 *
 * @throws {ClientError} `relay-nonsense`
 */
function homeUrl(home: string, asked: Relay): string {
  const { protocol, hostname } = new URL(home);
  const isLocal = asked.url.startsWith("http:") && isLoopback(hostname);
  if (protocol === "https:" || isLocal) return home;
  throw new ClientError(
    "relay-nonsense",
    `${asked.url} names a home that is not reached by https`,
  );
}

/** Whether a key is one, and the one that a mailbox belongs to. */
function isKeyOf(publicKey: Bytes, mailbox: string): boolean {
  try {
    parsePublicKey(publicKey);
    return mailboxIdOf(publicKey) === mailbox;
  } catch {
    return false;
  }
}

async function ask(
  relay: Relay,
  name: string,
  signal: AbortSignal | undefined,
): Promise<z.infer<typeof nameForm>> {
  try {
    return await relay.json(`/v1/names/${name}`, nameForm, {
      signal: signal ?? null,
    });
  } catch (cause) {
    if (!(cause instanceof RelayError && cause.status === 404)) throw cause;
    throw new ClientError(
      "name-unknown",
      `${relay.url} knows nobody named "${name}"`,
      { cause },
    );
  }
}
