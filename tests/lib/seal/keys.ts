/** Keys for tests: those of the copy of the vectors, and any other size. */
import { generateKeyPairSync } from "node:crypto";
import type { Bytes } from "../../../lib/bytes.ts";
import {
  parsePublicKey,
  type RsaPublicKey,
} from "../../../lib/seal/public_key.ts";
import { type ExportableRsaKey, importRsaKey } from "../../../lib/seal/rsa.ts";
import { OWN_COPY, vectors } from "../../vectors/mod.ts";

const named = vectors("crypto", OWN_COPY).keys ?? {};

/** PKCS#8 DER of a key of the vectors. */
function privateDer(name: string): Bytes {
  const key = named[name];
  if (key === undefined) throw new RangeError(`no key "${name}"`);
  return Uint8Array.fromHex(key.privateKey);
}

/** A recipient and sender of 1024 bits. */
export const ALICE: ExportableRsaKey = await importRsaKey(
  privateDer("rsa1024-a"),
);
/** Another. */
export const BOB: ExportableRsaKey = await importRsaKey(
  privateDer("rsa1024-b"),
);
/** One who takes no part. */
export const EVE: ExportableRsaKey = await importRsaKey(
  privateDer("rsa1024-c"),
);
/** One of 2048 bits. */
export const BIG: ExportableRsaKey = await importRsaKey(privateDer("rsa2048"));

/** SubjectPublicKeyInfo DER of an Ed25519 key. */
export const ED25519 = Uint8Array.fromHex(
  "302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325" +
    "af021a68f707511a",
);

/** PKCS#8 DER of a new key of any size. */
export function newRsaKey(bits: number): Bytes {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: bits,
    publicKeyEncoding: { type: "spki", format: "der" },
    privateKeyEncoding: { type: "pkcs8", format: "der" },
  });
  return new Uint8Array(privateKey);
}

/** The numbers of a public key. */
export function numbersOf(spki: Bytes): RsaPublicKey {
  const key = parsePublicKey(spki);
  if (key.kind !== "rsa") throw new TypeError("not an RSA key");
  return key;
}
