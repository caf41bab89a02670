/** Identities: files, and keys that people bring. */
import assert from "node:assert/strict";
import {
  ClientError,
  identityText,
  importIdentity,
  makeIdentity,
  parseIdentity,
} from "../../client/mod.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { mailboxIdOf } from "../../lib/ids.ts";
import { generateRsaKey } from "../../lib/seal/rsa.ts";
import { generateSigningKey } from "../../lib/signing_key.ts";
import { randomBytes } from "../routes/envelopes.ts";

const pkcs8 = await generateRsaKey(1_024);

function bytesOf(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** PEM with lines of 64 characters. */
function pem(label: string, der: Bytes, newline = "\n"): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""]
    .join(newline);
}

async function assertIdentityInvalid(
  made: Promise<unknown>,
  secret = pkcs8.toHex(),
): Promise<void> {
  await assert.rejects(made, (error) => {
    assert.ok(error instanceof ClientError, `${error}`);
    assert.equal(error.code, "identity-invalid");
    assert.ok(!error.message.includes(secret.slice(60, 80)));
    return true;
  });
}

const FORMS: Readonly<Record<string, Bytes>> = {
  "DER": pkcs8,
  "PEM": bytesOf(pem("PRIVATE KEY", pkcs8)),
  "PEM of another system": bytesOf(pem("PRIVATE KEY", pkcs8, "\r\n")),
  "PEM between blank lines": bytesOf(`\n\n${pem("PRIVATE KEY", pkcs8)}\n`),
  "hex": bytesOf(pkcs8.toHex()),
  "hex in upper case": bytesOf(pkcs8.toHex().toUpperCase()),
  "hex as Minima writes it": bytesOf(`0x${pkcs8.toHex().toUpperCase()}`),
  "hex with a newline behind it": bytesOf(`${pkcs8.toHex()}\n`),
  "hex in lines": bytesOf(pkcs8.toHex().replace(/.{64}/g, "$&\n")),
};

Deno.test("importIdentity() takes a key in every form that people have it in", async (t) => {
  const { key } = await importIdentity(pkcs8);
  for (const [form, bytes] of Object.entries(FORMS)) {
    await t.step(form, async () => {
      const identity = await importIdentity(bytes);
      assert.deepEqual(identity.pkcs8, pkcs8);
      assert.deepEqual(identity.key.publicKey, key.publicKey);
      assert.equal(identity.mailbox, mailboxIdOf(key.publicKey));
      assert.equal(identity.suite, "maxima");
    });
  }
});

/** What is no private key of RSA, of 1024 bits or more. */
async function noKeys(): Promise<Record<string, Bytes>> {
  const { privateKey } = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["sign", "verify"],
  );
  const ec = new Uint8Array(
    await crypto.subtle.exportKey("pkcs8", privateKey),
  );
  const ed25519 = await generateSigningKey();
  const { key: { publicKey } } = await importIdentity(pkcs8);
  const small = await generateRsaKey(768);
  return {
    "nothing": new Uint8Array(),
    "a blank": bytesOf(" \n"),
    "a word": bytesOf("key"),
    "noise": randomBytes(600),
    "noise that starts as DER": new Uint8Array([
      0x30,
      0x82,
      ...randomBytes(600),
    ]),
    "hex of noise": bytesOf(randomBytes(600).toHex()),
    "hex of an odd length": bytesOf(pkcs8.toHex().slice(1)),
    "a key cut short": pkcs8.slice(0, -1),
    "an elliptic curve's key, DER": ec,
    "an elliptic curve's key, PEM": bytesOf(pem("PRIVATE KEY", ec)),
    "an Ed25519 key, hex": bytesOf(ed25519.toHex()),
    "an RSA key of 768 bits": small,
    "a public key": publicKey,
    "a public key, PEM": bytesOf(pem("PUBLIC KEY", publicKey)),
    "PEM of another label": bytesOf(pem("RSA PRIVATE KEY", pkcs8)),
    "PEM that is encrypted": bytesOf(pem("ENCRYPTED PRIVATE KEY", pkcs8)),
    "PEM of no base64": bytesOf(
      "-----BEGIN PRIVATE KEY-----\n****\n-----END PRIVATE KEY-----",
    ),
    "PEM without its end": bytesOf(
      pem("PRIVATE KEY", pkcs8).replace(/-----END.*/, ""),
    ),
    "two keys": bytesOf(pem("PRIVATE KEY", pkcs8).repeat(2)),
  };
}

Deno.test("importIdentity() says what is no key, and does not repeat it", async (t) => {
  for (const [what, bytes] of Object.entries(await noKeys())) {
    await t.step(what, () => assertIdentityInvalid(importIdentity(bytes)));
  }
});

Deno.test("an identity's text is read as the same identity", async () => {
  for (const bits of [1_024, 2_048]) {
    const identity = await makeIdentity(bits);
    const text = identityText(identity);
    assert.ok(text.endsWith("}\n"));
    const { suite, privateKey } = JSON.parse(text);
    assert.deepEqual([suite, privateKey], ["maxima", identity.pkcs8.toHex()]);
    const read = await parseIdentity(text);
    assert.equal(identityText(read), text);
    assert.deepEqual(read.key.publicKey, identity.key.publicKey);
    assert.equal(read.mailbox, identity.mailbox);
  }
});

Deno.test("makeIdentity() makes a key that a genuine node can keep as a contact, and another every time", async () => {
  const [one, other] = [await makeIdentity(), await makeIdentity()];
  assert.notEqual(one.mailbox, other.mailbox);
  // Its tables end at 512 characters: 255 bytes in hex, behind "0x".
  assert.equal(one.key.publicKey.length, 226);
  const { modulusLength } = (await crypto.subtle.importKey(
    "spki",
    one.key.publicKey,
    { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    true,
    ["verify"],
  )).algorithm as RsaHashedKeyAlgorithm;
  assert.equal(modulusLength, 1_536);
});

const GOOD = {
  restante: "identity",
  suite: "maxima",
  privateKey: pkcs8.toHex(),
};

Deno.test("parseIdentity() says what is no identity, and does not repeat it", async (t) => {
  const texts: Record<string, string> = {
    "nothing": "",
    "a word": "key",
    "half a file": JSON.stringify(GOOD).slice(0, -1),
    "null": "null",
    "a list": JSON.stringify([GOOD]),
    "no members": "{}",
    "the key alone": JSON.stringify(pkcs8.toHex()),
    "another kind of file": JSON.stringify({ ...GOOD, restante: "backup" }),
    "another suite": JSON.stringify({ ...GOOD, suite: "hpke" }),
    "no suite": JSON.stringify({ ...GOOD, suite: undefined }),
    "no key": JSON.stringify({ ...GOOD, privateKey: undefined }),
    "a key that is no text": JSON.stringify({ ...GOOD, privateKey: [1] }),
    "an empty key": JSON.stringify({ ...GOOD, privateKey: "" }),
    "a key cut short": JSON.stringify({
      ...GOOD,
      privateKey: pkcs8.toHex().slice(0, -2),
    }),
  };
  for (const [what, text] of Object.entries(texts)) {
    await t.step(what, () => assertIdentityInvalid(parseIdentity(text)));
  }
  const { mailbox } = await parseIdentity(JSON.stringify(GOOD));
  assert.equal(mailbox, (await importIdentity(pkcs8)).mailbox);
});
