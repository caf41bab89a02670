/** Identities: the private key that a mailbox belongs to, and its file form. */
import { z } from "zod";
import { type MailboxId, mailboxIdOf } from "../lib/ids.ts";
import type { Bytes } from "../lib/bytes.ts";
import {
  generateRsaKey,
  importRsaKey,
  type RsaPrivateKey,
} from "../lib/seal/rsa.ts";
import { parsePublicKey } from "../lib/seal/public_key.ts";
import { ClientError } from "./error.ts";

/** Who somebody is: a key, and the mailbox that follows from it. */
export interface Identity {
  /** How mail to it is sealed. */
  readonly suite: "maxima";
  /** The key, ready for use. */
  readonly key: RsaPrivateKey;
  /** The private key, PKCS#8 DER. */
  readonly pkcs8: Bytes;
  /** The mailbox that the key owns. */
  readonly mailbox: MailboxId;
}

/** Bits of a new key. Genuine nodes make 1024 and take this as well. */
const RSA_BITS = 2_048;

const identityForm = z.object({
  restante: z.literal("identity"),
  suite: z.literal("maxima"),
  privateKey: z.string(),
});

/** A new identity. */
export async function makeIdentity(bits: number = RSA_BITS): Promise<Identity> {
  return await identityOf(await generateRsaKey(bits));
}

/**
 * The identity of an existing key: PKCS#8 as DER bytes, PEM or hex.
 *
 * @throws {ClientError} `identity-invalid`
 */
export async function importIdentity(key: Bytes): Promise<Identity> {
  return await identityOf(pkcs8Of(key));
}

async function identityOf(pkcs8: Bytes): Promise<Identity> {
  try {
    const key = await importRsaKey(pkcs8);
    parsePublicKey(key.publicKey);
    return { suite: "maxima", key, pkcs8, mailbox: mailboxIdOf(key.publicKey) };
  } catch (cause) {
    throw new ClientError(
      "identity-invalid",
      "not a PKCS#8 private key of RSA, 1024 bits or more",
      { cause },
    );
  }
}

/** DER starts with a SEQUENCE, which is no character of PEM or of hex. */
const SEQUENCE = 0x30;
const SEQUENCE_LONG = 0x82;

function pkcs8Of(key: Bytes): Bytes {
  if (key[0] === SEQUENCE && key[1] === SEQUENCE_LONG) return key;
  const text = new TextDecoder().decode(key).trim();
  const pem =
    /^-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----$/
      .exec(text)?.[1];
  try {
    if (pem !== undefined) return Uint8Array.fromBase64(pem);
    return Uint8Array.fromHex(text.replace(/^0x/i, "").replace(/\s+/g, ""));
  } catch (cause) {
    throw new ClientError(
      "identity-invalid",
      "the key is not PKCS#8 as PEM (BEGIN PRIVATE KEY), DER or hex",
      { cause },
    );
  }
}

/** The text of an identity file. It holds the private key in the clear. */
export function identityText({ suite, pkcs8 }: Identity): string {
  return JSON.stringify(
    { restante: "identity", suite, privateKey: pkcs8.toHex() },
    null,
    2,
  ) + "\n";
}

/**
 * Reads the text of an identity file.
 *
 * @throws {ClientError} `identity-invalid`
 */
export async function parseIdentity(text: string): Promise<Identity> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new ClientError(
      "identity-invalid",
      "not an identity: it is not JSON",
      { cause },
    );
  }
  const identity = identityForm.safeParse(document);
  if (!identity.success) {
    throw new ClientError(
      "identity-invalid",
      "not an identity file of restante",
    );
  }
  return await importIdentity(
    new TextEncoder().encode(identity.data.privateKey),
  );
}
