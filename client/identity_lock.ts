/**
 * Secrets under a passphrase: a key by Argon2id (RFC 9106, the second
 * recommended option), and AES-256-GCM.
 */
import { argon2id } from "hash-wasm";
import { z } from "zod";
import type { Bytes } from "../lib/bytes.ts";
import { systemRandom } from "../lib/random.ts";
import { ClientError } from "./error.ts";

const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const KEY_BYTES = 32;

/** What a new lock costs: 64 MiB, some tenths of a second. */
const COST = { iterations: 3, memory: 65_536, parallelism: 4 };

/** What somebody else's file may cost us: no more than 1 GiB. */
const costForm = z.object({
  iterations: z.int().min(1).max(64),
  memory: z.int().min(8).max(1_048_576),
  parallelism: z.int().min(1).max(64),
});

const hex = z.string().regex(/^([0-9a-f]{2})*$/);

/** The form of a locked secret; bytes are hex. */
export const lockedForm = z.object({
  kdf: z.literal("argon2id"),
  ...costForm.shape,
  salt: hex.length(2 * SALT_BYTES),
  cipher: z.literal("A256GCM"),
  nonce: hex.length(2 * NONCE_BYTES),
  data: hex,
});

/** A secret that a passphrase opens. */
export type Locked = z.infer<typeof lockedForm>;

/** Locks a secret; what is said beside it cannot be changed unnoticed. */
export async function lock(
  secret: Bytes,
  passphrase: string,
  beside: string,
): Promise<Locked> {
  const salt = systemRandom(SALT_BYTES);
  const nonce = systemRandom(NONCE_BYTES);
  const key = await keyOf(passphrase, salt, COST);
  const data = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv: nonce, additionalData: utf8(beside) },
    key,
    secret,
  );
  return {
    kdf: "argon2id",
    ...COST,
    salt: salt.toHex(),
    cipher: "A256GCM",
    nonce: nonce.toHex(),
    data: new Uint8Array(data).toHex(),
  };
}

/**
 * Opens what {@link lock} locked.
 *
 * @throws {ClientError} `passphrase-wrong`, also if it was tampered with
 */
export async function unlock(
  locked: Locked,
  passphrase: string,
  beside: string,
): Promise<Bytes> {
  try {
    const salt = Uint8Array.fromHex(locked.salt);
    const key = await keyOf(passphrase, salt, locked);
    const secret = await crypto.subtle.decrypt(
      {
        name: "AES-GCM",
        iv: Uint8Array.fromHex(locked.nonce),
        additionalData: utf8(beside),
      },
      key,
      Uint8Array.fromHex(locked.data),
    );
    return new Uint8Array(secret);
  } catch (cause) {
    throw new ClientError(
      "passphrase-wrong",
      "the passphrase does not open this identity",
      { cause },
    );
  }
}

async function keyOf(
  passphrase: string,
  salt: Bytes,
  cost: z.infer<typeof costForm>,
): Promise<CryptoKey> {
  const { iterations, memory, parallelism } = cost;
  const key = await argon2id({
    password: utf8(passphrase.normalize("NFC")),
    salt,
    iterations,
    memorySize: memory,
    parallelism,
    hashLength: KEY_BYTES,
    outputType: "binary",
  });
  return await crypto.subtle.importKey(
    "raw",
    new Uint8Array(key),
    "AES-GCM",
    false,
    ["encrypt", "decrypt"],
  );
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}
