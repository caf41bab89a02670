/** The relay's own keys: from the operator, or kept in the store. */
import type { Bytes } from "../lib/bytes.ts";
import {
  type ExportableRsaKey,
  generateRsaKey,
  importRsaKey,
} from "../lib/seal/rsa.ts";
import {
  type FormerJwk,
  generateSigningKey,
  importSigningKey,
  importVerifyingKey,
  MAX_FORMER_KEYS,
  type SigningKey,
} from "../lib/signing_key.ts";
import { parsePublicKey } from "../lib/seal/public_key.ts";
import { keys } from "./kinds.ts";
import { nativeSigner } from "./native_signing.ts";
import type { Store } from "./store/store.ts";

/** The two keys of a relay, and those that its receipts may still be of. */
export interface RelayKeys {
  /** Signs receipts and tokens; the relay's id is its hash. */
  readonly signing: SigningKey;
  /** Receives Maxima messages: RSA of 2048 bits or more. */
  readonly maxima: ExportableRsaKey;
  /** Keys that signed before, the one that ended last in front. */
  readonly former: readonly FormerJwk[];
}

/** The private keys as they are kept: PKCS#8 DER. */
export interface StoredRelayKeys {
  /** Ed25519. */
  readonly signing: Bytes;
  /** RSA. */
  readonly maxima: Bytes;
}

/** What the store knows of the relay's keys. */
export interface KeysRecord extends Partial<StoredRelayKeys> {
  /**
   * base64url of the public key that signs, wherever its private half is kept.
   * If not said, it is that of {@link StoredRelayKeys.signing}.
   */
  readonly signer?: string;
  /** Those that signed before it, the one that ended last in front. */
  readonly former?: readonly FormerSigner[];
}

/** A key that signs no more. */
export interface FormerSigner {
  /** base64url of the public key. */
  readonly x: string;
  /** When another one was first started with: Unix milliseconds. */
  readonly until: number;
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
 * If another key signs than at the last start, the last one is noted as former,
 * ended at `now` (Unix milliseconds).
 *
 * @throws {RelayKeyError}
 */
export async function loadRelayKeys(
  store: Store,
  given: Partial<StoredRelayKeys> = {},
  now: () => number = Date.now,
): Promise<RelayKeys> {
  const { signing, maxima } = await completed(store, given);
  const loaded = {
    signing: await usable(importNative(signing), "signing", "Ed25519"),
    maxima: await usable(
      importMaximaKey(maxima),
      "Maxima",
      "RSA, 2048 bits or more",
    ),
  };
  const former = await noteSigner(store, loaded.signing.jwk.x, now());
  return { ...loaded, former: await Promise.all(former.map(published)) };
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

/** It signs every receipt. */
async function importNative(pkcs8: Bytes): Promise<SigningKey> {
  return { ...await importSigningKey(pkcs8), sign: nativeSigner(pkcs8) };
}

async function importMaximaKey(pkcs8: Bytes): Promise<ExportableRsaKey> {
  const key = await importRsaKey(pkcs8);
  const parsed = parsePublicKey(key.publicKey);
  if (parsed.kind === "rsa" && parsed.bits >= RSA_BITS) return key;
  throw new RangeError(`a key under ${RSA_BITS} bits`);
}

/** Workers may start at once: each attempt that fails, another's was done. */
const ATTEMPTS = 16;

/**
 * Changes the record as `change` says, which gives null where it is right as it
 * is; gives the record that there is then.
 */
async function changeRecord(
  store: Store,
  change: (record: KeysRecord) => Promise<KeysRecord | null>,
): Promise<KeysRecord> {
  const key = keys.relayKeys();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = await store.get(key);
    const record = before.value ?? {};
    const changed = await change(record);
    if (changed === null) return record;
    const committed = await store.commit((operation) =>
      operation.check(before).set(key, changed)
    );
    // Another worker may have been first: then its keys are the relay's.
    if (committed !== null) return changed;
  }
  throw new Error("the relay's keys change all the time");
}

/** What is given, and the rest from the store, made where there is none. */
async function completed(
  store: Store,
  given: Partial<StoredRelayKeys>,
): Promise<StoredRelayKeys> {
  const { signing, maxima } = given;
  if (signing && maxima) return { signing, maxima };
  const kept = await changeRecord(store, async (record) => {
    const { signing, maxima } = { ...record, ...given };
    if (signing && maxima) return null;
    return {
      ...record,
      ...(!signing && { signing: await generateSigningKey() }),
      ...(!maxima && { maxima: await generateRsaKey(RSA_BITS) }),
    };
  });
  return { ...kept, ...given } as StoredRelayKeys;
}

/** Notes which key signs from `now` on, and gives those that did before. */
async function noteSigner(
  store: Store,
  signer: string,
  now: number,
): Promise<readonly FormerSigner[]> {
  const { former = [] } = await changeRecord(store, async (record) => {
    if (record.signer === signer) return null;
    const last = record.signer ?? await publicHalf(record.signing);
    // A key that comes back is not former any more.
    const others = (record.former ?? []).filter(({ x }) => x !== signer);
    const hasEnded = last !== null && last !== signer;
    const ended = hasEnded ? [{ x: last, until: now }] : [];
    return {
      ...record,
      signer,
      former: [...ended, ...others].slice(0, MAX_FORMER_KEYS),
    };
  });
  return former;
}

async function publicHalf(signing: Bytes | undefined): Promise<string | null> {
  return signing ? (await importSigningKey(signing)).jwk.x : null;
}

async function published({ x, until }: FormerSigner): Promise<FormerJwk> {
  return { ...(await importVerifyingKey(x)).jwk, until };
}
