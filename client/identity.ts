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
import { lock, lockedForm, unlock } from "./identity_lock.ts";

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

/**
 * Bits of a new key: the most whose 226 bytes a genuine node can keep as a
 * contact, for its tables end at 255. Such nodes make 1024 themselves.
 */
const RSA_BITS = 1_536;

const about = {
  restante: z.literal("identity"),
  suite: z.literal("maxima"),
};

const identityForm = z.union([
  z.object({ ...about, privateKey: z.string() }),
  z.object({ ...about, mailbox: z.string(), locked: lockedForm }),
]);

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
 * The text of an identity file that a passphrase opens: with it, whose mailbox
 * it is can be read, and nothing else.
 *
 * @example Keeping an identity
 * ```ts
 * import {
 *   lockedIdentityText,
 *   makeIdentity,
 *   parseIdentity,
 * } from "@restante/restante";
 *
 * const alice = await makeIdentity();
 * const text = await lockedIdentityText(alice, "correct horse");
 * const again = await parseIdentity(text, "correct horse");
 * console.assert(again.mailbox === alice.mailbox);
 * ```
 *
 * @throws {ClientError} `passphrase-empty`
 */
export async function lockedIdentityText(
  { suite, pkcs8, mailbox }: Identity,
  passphrase: string,
): Promise<string> {
  if (passphrase === "") {
    throw new ClientError("passphrase-empty", "the passphrase is empty");
  }
  const locked = await lock(pkcs8, passphrase, besides(suite, mailbox));
  return JSON.stringify(
    { restante: "identity", suite, mailbox, locked },
    null,
    2,
  ) + "\n";
}

/** What is bound to a locked key, so that it cannot be changed. */
function besides(suite: string, mailbox: string): string {
  return `restante identity ${suite} ${mailbox}`;
}

/**
 * Reads the text of an identity file; a locked one needs its passphrase, or how
 * to ask for it.
 *
 * @throws {ClientError} `identity-invalid`, `identity-locked` without a
 * passphrase, or `passphrase-wrong`
 */
export async function parseIdentity(
  text: string,
  passphrase?: string | (() => Promise<string>),
): Promise<Identity> {
  const document = identityForm.safeParse(parseJson(text));
  if (!document.success) {
    throw new ClientError(
      "identity-invalid",
      "not an identity file of restante",
    );
  }
  const identity = document.data;
  if ("privateKey" in identity) {
    return await importIdentity(new TextEncoder().encode(identity.privateKey));
  }
  if (passphrase === undefined) {
    throw new ClientError(
      "identity-locked",
      "the identity is locked, and no passphrase was given",
    );
  }
  const { suite, mailbox, locked } = identity;
  const pkcs8 = await unlock(
    locked,
    typeof passphrase === "string" ? passphrase : await passphrase(),
    besides(suite, mailbox),
  );
  return await identityOf(pkcs8);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ClientError(
      "identity-invalid",
      "not an identity: it is not JSON",
      { cause },
    );
  }
}
