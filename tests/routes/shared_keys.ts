/** Keys of relays; those that do not matter are made once a file. */
import type { RelayKeys, StoredRelayKeys } from "../../kv/relay_keys.ts";
import { generateRsaKey, importRsaKey } from "../../lib/seal/rsa.ts";
import { generateSigningKey, importSigningKey } from "../../lib/signing_key.ts";

async function generate(): Promise<StoredRelayKeys> {
  return {
    signing: await generateSigningKey(),
    maxima: await generateRsaKey(2_048),
  };
}

async function load(
  { signing, maxima }: StoredRelayKeys,
): Promise<RelayKeys> {
  return {
    signing: await importSigningKey(signing),
    maxima: await importRsaKey(maxima),
    former: [],
  };
}

let stored: Promise<StoredRelayKeys> | undefined;
let loaded: Promise<RelayKeys> | undefined;

/** The same keys every time, PKCS#8 DER. */
export function sharedPkcs8(): Promise<StoredRelayKeys> {
  return stored ??= generate();
}

/** The same keys every time. */
export function sharedKeys(): Promise<RelayKeys> {
  return loaded ??= sharedPkcs8().then(load);
}

/** New keys. */
export async function makeRelayKeys(): Promise<RelayKeys> {
  return await load(await generate());
}
