/** The relay's own keys: from the operator, or kept in the store. */
import type { Bytes } from "../lib/bytes.ts";
import {
  generateRsaKey,
  importRsaKey,
  type RsaPrivateKey,
} from "../lib/seal/rsa.ts";
import {
  generateSigningKey,
  importSigningKey,
  type SigningKey,
} from "../lib/signing_key.ts";
import { parsePublicKey } from "../lib/seal/public_key.ts";
import { keys } from "./kinds.ts";
import type { Store } from "./store/store.ts";

/** The two keys of a relay. */
export interface RelayKeys {
  /** Signs receipts and tokens; the relay's id is its hash. */
  readonly signing: SigningKey;
  /** Receives Maxima messages: RSA of 2048 bits or more. */
  readonly maxima: RsaPrivateKey;
}

/** The keys as they are kept: PKCS#8 DER. */
export interface StoredRelayKeys {
  /** Ed25519. */
  readonly signing: Bytes;
  /** RSA. */
  readonly maxima: Bytes;
}

/** Size of the relay's RSA key (API.md asks for at least this much). */
const RSA_BITS = 2_048;

/** A key given by the operator cannot be used. */
export class RelayKeyError extends Error {
  /** The class, for logs. */
  override name = "RelayKeyError";
  /** Stable. */
  readonly code = "relay-key-invalid";
}

/**
 * The relay's keys; the operator's where given, else made at the first start.
 *
 * @throws {RelayKeyError}
 */
export async function loadRelayKeys(
  store: Store,
  given: Partial<StoredRelayKeys> = {},
): Promise<RelayKeys> {
  const { signing, maxima } = given.signing && given.maxima
    ? { signing: given.signing, maxima: given.maxima }
    : { ...await ensureKeys(store), ...given };
  return {
    signing: await usable(importSigningKey(signing), "signing", "Ed25519"),
    maxima: await usable(
      importMaximaKey(maxima),
      "Maxima",
      "RSA, 2048 bits or more",
    ),
  };
}

/** The platform's errors do not say which key it was. */
async function usable<Key>(
  key: Promise<Key>,
  name: string,
  kind: string,
): Promise<Key> {
  try {
    return await key;
  } catch (cause) {
    throw new RelayKeyError(`the ${name} key is not a PKCS#8 key of ${kind}`, {
      cause,
    });
  }
}

async function importMaximaKey(pkcs8: Bytes): Promise<RsaPrivateKey> {
  const key = await importRsaKey(pkcs8);
  const parsed = parsePublicKey(key.publicKey);
  if (parsed.kind === "rsa" && parsed.bits >= RSA_BITS) return key;
  throw new RangeError(`a key under ${RSA_BITS} bits`);
}

async function ensureKeys(store: Store): Promise<StoredRelayKeys> {
  const key = keys.relayKeys();
  const stored = await store.get<StoredRelayKeys>(key);
  if (stored.value !== null) return stored.value;
  const fresh: StoredRelayKeys = {
    signing: await generateSigningKey(),
    maxima: await generateRsaKey(RSA_BITS),
  };
  const committed = await store.commit((operation) =>
    operation.check({ key, versionstamp: null }).set(key, fresh)
  );
  // Another worker may have been first: then its keys are the relay's.
  return committed === null ? await ensureKeys(store) : fresh;
}
