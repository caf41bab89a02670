/** The relay's Ed25519 key, its id, and the secrets that follow from it. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  generateSigningKey,
  importSigningKey,
  importVerifyingKey,
  importVerifyingKeys,
  MAX_FORMER_KEYS,
} from "../../lib/signing_key.ts";
import { newRsaKey } from "./seal/keys.ts";
import {
  base64url,
  OTHER_RELAY,
  RELAY,
  RFC_8032_KEY,
  RFC_8032_PUBLIC,
} from "./tokens.ts";

const DATA = new TextEncoder().encode("data");
const SPKI = Uint8Array.fromHex(`302a300506032b6570032100${RFC_8032_PUBLIC}`);

async function mac(key: CryptoKey): Promise<string> {
  const bytes = await crypto.subtle.sign("HMAC", key, DATA);
  return new Uint8Array(bytes).toHex();
}

Deno.test("importSigningKey() tells public key, id and JWK", async () => {
  const id = createHash("sha3-256").update(SPKI).digest("hex");
  assert.equal(RELAY.relayId, id);
  assert.deepEqual(RELAY.jwk, {
    kty: "OKP",
    crv: "Ed25519",
    x: base64url(Uint8Array.fromHex(RFC_8032_PUBLIC)),
    kid: id,
  });
  const spki = await crypto.subtle.exportKey("spki", RELAY.publicKey);
  assert.deepEqual(new Uint8Array(spki), SPKI);
});

Deno.test("importSigningKey() signs as RFC 8032 says", async () => {
  const signature = await crypto.subtle.sign(
    "Ed25519",
    RELAY.privateKey,
    new Uint8Array(),
  );
  assert.equal(
    new Uint8Array(signature).toHex(),
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
      "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  );
});

Deno.test("importVerifyingKey() gives the public half by its x", async () => {
  const key = await importVerifyingKey(RELAY.jwk.x);
  assert.equal(key.relayId, RELAY.relayId);
  assert.deepEqual(key.jwk, RELAY.jwk);
  const signature = await crypto.subtle.sign("Ed25519", RELAY.privateKey, DATA);
  const verify = (by: CryptoKey) =>
    crypto.subtle.verify("Ed25519", by, signature, DATA);
  assert.ok(await verify(key.publicKey));
  assert.ok(!await verify(OTHER_RELAY.publicKey));
});

Deno.test("importVerifyingKey() refuses an x that is no key", async () => {
  const { x } = RELAY.jwk;
  const table = [
    "",
    "AA",
    x.slice(1),
    `${x}A`,
    `${x}=`,
    `${x}\n`,
    `${x.slice(0, -1)}p`, // the same bytes, in another form
    "*".repeat(43),
  ];
  assert.equal(x.at(-1), "o");
  for (const bad of table) {
    await assert.rejects(importVerifyingKey(bad), Error, bad);
  }
});

// Under such a key a signature that anybody can write holds for many messages:
// a relay that published one could deny every receipt.
for (
  const hex of [
    "00".repeat(32),
    `${"00".repeat(31)}80`,
    `01${"00".repeat(31)}`,
    `01${"00".repeat(30)}80`,
    `ec${"ff".repeat(30)}7f`,
    `ec${"ff".repeat(31)}`,
    `ed${"ff".repeat(30)}7f`,
    `ee${"ff".repeat(30)}7f`,
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  ]
) {
  Deno.test(`importVerifyingKey() refuses a key under which anything is signed: ${hex.slice(0, 8)}…${hex.slice(-2)}`, async () => {
    const x = base64url(Uint8Array.fromHex(hex));
    await assert.rejects(importVerifyingKey(x), /proves nothing/);
  });
}

const NOW = 1_790_000_000_000;

Deno.test("importVerifyingKeys() gives the present key, and the former ones with their ends", async () => {
  const { jwk: signing } = RELAY;
  const former = [{ ...OTHER_RELAY.jwk, until: NOW }];
  for (const none of [{ signing }, { signing, former: [] }]) {
    const [key, ...others] = await importVerifyingKeys(none, NOW);
    assert.equal(key?.relayId, RELAY.relayId);
    assert.equal(key?.until, undefined);
    assert.deepEqual(others, []);
  }
  const [key, other, ...more] = await importVerifyingKeys(
    { signing, former },
    NOW,
  );
  assert.deepEqual([key?.relayId, key?.until], [RELAY.relayId, undefined]);
  assert.deepEqual(
    [other?.relayId, other?.until],
    [OTHER_RELAY.relayId, NOW],
  );
  assert.deepEqual(more, []);
});

Deno.test("importVerifyingKeys() refuses former keys that are none, or have no end, or are too many", async () => {
  const signing = RELAY.jwk;
  const { x } = OTHER_RELAY.jwk;
  const many = (length: number) =>
    Array.from({ length }, () => ({ x, until: 1 }));
  const keys = await importVerifyingKeys({
    signing,
    former: many(MAX_FORMER_KEYS),
  }, NOW);
  assert.equal(keys.length, 33);
  const table: readonly unknown[] = [
    [{ x }],
    [{ x, until: "1" }],
    [{ x, until: -1 }],
    [{ x, until: 0.5 }],
    [{ x, until: 1e300 }],
    [{ x, until: null }],
    [{ x: "AA", until: 1 }],
    [{ until: 1 }],
    [{ x, until: NOW + 1 }],
    [{ x, until: 1 }, { x, until: NOW + 1 }],
    [null],
    {},
    null,
    "none",
    many(MAX_FORMER_KEYS + 1),
  ];
  for (const former of table) {
    await assert.rejects(importVerifyingKeys({ signing, former }, NOW), Error);
  }
  await assert.rejects(
    importVerifyingKeys({ signing: { x: "AA" } }, NOW),
    Error,
  );
});

Deno.test("generateSigningKey() makes another key each time", async () => {
  const keys = [await generateSigningKey(), await generateSigningKey()];
  const ids = await Promise.all(
    keys.map(async (key) => (await importSigningKey(key)).relayId),
  );
  assert.notEqual(ids[0], ids[1]);
  for (const id of ids) assert.match(id, /^[0-9a-f]{64}$/);
  const again = await importSigningKey(keys[0] ?? new Uint8Array());
  assert.equal(again.relayId, ids[0]);
});

Deno.test("importSigningKey() refuses what is no Ed25519 key, with a DOMException", async () => {
  const wrong: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
    "nothing": new Uint8Array(),
    "32 bytes": RFC_8032_KEY.slice(16),
    "a key cut": RFC_8032_KEY.slice(0, -1),
    "a public key": SPKI,
    "an RSA key": newRsaKey(1_024),
    "zeros": new Uint8Array(48),
  };
  for (const [what, bytes] of Object.entries(wrong)) {
    await assert.rejects(importSigningKey(bytes), (error) => {
      assert.ok(error instanceof DOMException, `${what}: ${error}`);
      return true;
    });
  }
});

Deno.test("secret() is one for a key and a purpose", async () => {
  const again = await importSigningKey(RFC_8032_KEY);
  const one = await mac(await RELAY.secret("a purpose"));
  assert.equal(await mac(await again.secret("a purpose")), one);
  const others = [
    await mac(await RELAY.secret("another purpose")),
    await mac(await RELAY.secret("")),
    await mac(await OTHER_RELAY.secret("a purpose")),
  ];
  assert.equal(new Set([one, ...others]).size, 4);
});

Deno.test("secret() cannot be taken out, and is not the key's seed", async () => {
  const secret = await RELAY.secret("a purpose");
  assert.equal(secret.extractable, false);
  await assert.rejects(crypto.subtle.exportKey("raw", secret));
  const seed = await crypto.subtle.importKey(
    "raw",
    RFC_8032_KEY.slice(16),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  assert.notEqual(await mac(secret), await mac(seed));
});
