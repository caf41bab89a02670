/** Names instead of addresses: asking a relay whose they are. */
import { z } from "zod";
import { mailboxIdOf } from "../lib/ids.ts";
import { parsePublicKey } from "../lib/seal/public_key.ts";
import { hostUrl, parseRecipient, type Recipient } from "./address.ts";
import { ClientError, RelayError } from "./error.ts";
import { Relay, type RequestOptions } from "./relay.ts";

/** How a name is resolved. */
export interface ResolveOptions extends RequestOptions {
  /** Whom to ask about a name that names no relay. */
  readonly relay?: Relay | undefined;
}

const nameForm = z.looseObject({
  name: z.string(),
  mailbox: z.string(),
  publicKey: z.string().regex(/^([0-9a-f]{2})+$/),
  relays: z.array(z.url({ protocol: /^https?$/ })),
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
  if (found.name !== name || mailboxIdOf(publicKey) !== found.mailbox) {
    throw new ClientError(
      "relay-nonsense",
      `${asked.url} answers "${name}" with a key that is another's`,
    );
  }
  parsePublicKey(publicKey);
  return { publicKey, relayUrl: found.relays[0] ?? asked.url };
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
