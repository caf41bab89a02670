/** Keys, sealed bytes and signatures of the genuine node. */
import assert from "node:assert/strict";
import type { Bytes } from "../../../lib/bytes.ts";
import { DecodeError, decodeLoosely } from "../../../lib/minima/codec.ts";
import { cryptoPackage } from "../../../lib/minima/maxima.ts";
import { mxText, parseMxText } from "../../../lib/minima/mxtext.ts";
import { Problem } from "../../../lib/problem.ts";
import { decrypt } from "../../../lib/seal/maxima.ts";
import { parsePublicKey } from "../../../lib/seal/public_key.ts";
import {
  importRsaKey,
  type RsaPrivateKey,
  verifyRsa,
  wrap,
} from "../../../lib/seal/rsa.ts";
import { testVectors, type Vector, vectors } from "../../vectors/mod.ts";
import { numbersOf } from "./keys.ts";

interface KeyVector extends Vector {
  readonly key: string;
  readonly publicDer: string;
  readonly publicLength: number;
  readonly privateDer: string;
  readonly modulus: string;
  readonly publicExponent: string;
  readonly privateExponent: string;
  readonly mx: string;
}

/** The parts are there where the bytes decode, the AES key where it unwraps. */
interface PackageVector extends Vector {
  readonly key: string;
  readonly encrypted: string;
  readonly iv?: string;
  readonly wrapped?: string;
  readonly ciphertext?: string;
  readonly aesKey?: string;
  readonly ok: boolean;
  readonly plaintext?: string;
}

interface SignatureVector extends Vector {
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
  readonly valid: boolean;
}

/** Hex digits of an AES key that Java, WebCrypto and we take. */
const AES_KEY_DIGITS = [32, 48, 64];

testVectors<{
  key: KeyVector;
  package: PackageVector;
  signature: SignatureVector;
}>("crypto", {
  async key(vector) {
    const publicDer = Uint8Array.fromHex(vector.publicDer);
    assert.equal(publicDer.length, vector.publicLength);
    const { modulus, exponent, bits } = numbersOf(publicDer);
    assert.equal(modulus.toString(16), vector.modulus);
    assert.equal(exponent.toString(), vector.publicExponent);
    assert.equal(bits, BigInt(`0x${vector.modulus}`).toString(2).length);

    const { publicKey, privateKey } = keyPair(vector.key);
    assert.equal(vector.publicDer, publicKey);
    assert.equal(vector.privateDer, privateKey);
    await assertPrivateDer(vector);

    assert.equal(mxText(publicDer), vector.mx);
    assert.deepEqual(parseMxText(vector.mx), {
      bytes: publicDer,
      canonical: true,
    });
  },

  async package(vector) {
    const sealed = Uint8Array.fromHex(vector.encrypted);
    const recipient = await privateKeyOf(vector.key);
    assertParts(vector, sealed, recipient);
    if (vector.ok) {
      const plaintext = await decrypt(sealed, recipient);
      assert.equal(plaintext.toHex(), vector.plaintext);
    } else {
      await assert.rejects(decrypt(sealed, recipient), {
        name: "OpenError",
        code: "not-decryptable",
      });
    }
  },

  async signature(vector) {
    const spki = Uint8Array.fromHex(vector.publicKey);
    const verify = () =>
      verifyRsa(
        spki,
        Uint8Array.fromHex(vector.message),
        Uint8Array.fromHex(vector.signature),
      );
    if (isKey(spki)) {
      assert.equal(await verify(), vector.valid);
    } else {
      // With a key that is none, false and an error are both "not signed".
      assert.equal(await verify().catch(() => false), false);
      assert.equal(vector.valid, false);
    }
  },
});

function keyPair(name: string) {
  const pair = vectors("crypto").keys?.[name];
  assert.ok(pair !== undefined, `no key "${name}"`);
  return pair;
}

function privateKeyOf(name: string): Promise<RsaPrivateKey> {
  return importRsaKey(Uint8Array.fromHex(keyPair(name).privateKey));
}

/** The private key is the public one's, and is read without a loss. */
async function assertPrivateDer(vector: KeyVector): Promise<void> {
  const pkcs8 = Uint8Array.fromHex(vector.privateDer);
  const own = await importRsaKey(pkcs8);
  assert.equal(own.publicKey.toHex(), vector.publicDer);

  const message = new TextEncoder().encode(vector.id);
  assert.ok(await verifyRsa(own.publicKey, message, await own.sign(message)));
  const key = new Uint8Array(16).fill(0x4b);
  const wrapped = wrap(numbersOf(own.publicKey), key);
  assert.deepEqual(own.unwrap(wrapped), { key, valid: true });

  const platformKey = await crypto.subtle.importKey(
    "pkcs8",
    pkcs8,
    { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    true,
    ["sign"],
  );
  const { d = "" } = await crypto.subtle.exportKey("jwk", platformKey);
  const exponent = Uint8Array.fromBase64(d, { alphabet: "base64url" });
  assert.equal(exponent.toHex().replace(/^0+/, ""), vector.privateExponent);
  const written = await crypto.subtle.exportKey("pkcs8", platformKey);
  assert.equal(new Uint8Array(written).toHex(), vector.privateDer);
}

function assertParts(
  vector: PackageVector,
  sealed: Bytes,
  recipient: RsaPrivateKey,
): void {
  if (vector.wrapped === undefined) {
    assert.throws(() => decodeLoosely(cryptoPackage, sealed), DecodeError);
    assert.equal(vector.ok, false);
    return;
  }
  const { iv, wrappedKey, ciphertext } =
    decodeLoosely(cryptoPackage, sealed).value;
  assert.equal(iv.toHex(), vector.iv);
  assert.equal(wrappedKey.toHex(), vector.wrapped);
  assert.equal(ciphertext.toHex(), vector.ciphertext);

  const { key, valid } = recipient.unwrap(wrappedKey);
  assert.equal(valid, AES_KEY_DIGITS.includes(vector.aesKey?.length ?? 0));
  if (valid) assert.equal(key.toHex(), vector.aesKey);
  else assert.notEqual(key.toHex(), vector.aesKey);
}

function isKey(spki: Bytes): boolean {
  try {
    return parsePublicKey(spki).kind === "rsa";
  } catch (error) {
    assert.ok(error instanceof Problem && error.code === "malformed");
    return false;
  }
}
