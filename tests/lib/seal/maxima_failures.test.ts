/** What does not open, and that nothing else than an OpenError comes of it. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Bytes } from "../../../lib/bytes.ts";
import { decode, encode } from "../../../lib/minima/codec.ts";
import {
  cryptoPackage,
  maximaInternal,
  type MaximaMessage,
  maximaMessage,
  type MaximaPackage,
} from "../../../lib/minima/maxima.ts";
import {
  decrypt,
  encrypt,
  open,
  OpenError,
  type OpenFailure,
  seal,
} from "../../../lib/seal/maxima.ts";
import { importRsaKey, verifyRsa } from "../../../lib/seal/rsa.ts";
import { check, flip, flipped } from "../property.ts";
import { seededRandom } from "../randomness.ts";
import { ALICE, BIG, BOB, ED25519, EVE, newRsaKey } from "./keys.ts";
import { MESSAGE, OPTIONS, sealed, signedByBob, text } from "./sealed.ts";

async function assertUnopened(
  unit: MaximaPackage,
  code: OpenFailure,
): Promise<void> {
  await assert.rejects(open(unit, ALICE), (error) => {
    assert.ok(error instanceof OpenError, `${error} is no OpenError`);
    assert.equal(error.code, code, error.message);
    assert.equal(error.name, "OpenError");
    return true;
  });
}

Deno.test("encrypt() draws a key and an IV of their own each time", async () => {
  const draws: Bytes[] = [];
  const random = (length: number) => {
    const drawn = crypto.getRandomValues(new Uint8Array(length));
    draws.push(drawn.slice());
    return drawn;
  };
  for (let i = 0; i < 2; i++) {
    draws.length = 0;
    const sealed = await encrypt(ALICE.publicKey, text("hello"), random);
    const { iv, wrappedKey } = decode(cryptoPackage, sealed);
    const { key } = ALICE.unwrap(wrappedKey);
    assert.deepEqual([new Uint8Array(key), iv], draws.slice(0, 2));
    assert.notDeepEqual(draws[0], draws[1]);
  }
});

Deno.test("decrypt() gives nothing for a key whose padding was wrong, though it decrypts", async () => {
  const random = seededRandom("a key");
  const key = random(16);
  const sealed = await encrypt(
    ALICE.publicKey,
    text("hello"),
    seededRandom("a key"),
  );
  const unwrapper = (valid: boolean) => ({ unwrap: () => ({ key, valid }) });
  assert.deepEqual(await decrypt(sealed, unwrapper(true)), text("hello"));
  await assert.rejects(decrypt(sealed, unwrapper(false)), {
    name: "OpenError",
    code: "not-decryptable",
  });
});

Deno.test("decrypt() refuses parts of wrong lengths as not-decryptable", async () => {
  const right = decode(
    cryptoPackage,
    await encrypt(ALICE.publicKey, text("hello"), seededRandom("parts")),
  );
  const wrong = [
    { ...right, iv: new Uint8Array() },
    { ...right, iv: right.iv.slice(1) },
    { ...right, iv: new Uint8Array(17) },
    { ...right, ciphertext: new Uint8Array() },
    { ...right, ciphertext: right.ciphertext.slice(1) },
    { ...right, ciphertext: new Uint8Array([...right.ciphertext, 0]) },
    { ...right, ciphertext: new Uint8Array(1_600) },
    { ...right, wrappedKey: new Uint8Array() },
    { ...right, wrappedKey: right.wrappedKey.slice(1) },
    { ...right, wrappedKey: new Uint8Array(128) },
    { ...right, wrappedKey: new Uint8Array(128).fill(255) },
  ];
  assert.deepEqual(
    await decrypt(encode(cryptoPackage, right), ALICE),
    text("hello"),
  );
  for (const parts of wrong) {
    await assert.rejects(decrypt(encode(cryptoPackage, parts), ALICE), {
      name: "OpenError",
      code: "not-decryptable",
    });
  }
});

const CUT = [0, 1, 4, 20, 151, 300, 859];

Deno.test("open() fails as not-decryptable", async (t) => {
  const unit = await seal({ ...OPTIONS, random: seededRandom("failures") });
  const bytes = encode(maximaMessage, MESSAGE);
  const plaintext = await signedByBob(bytes);
  const cases: readonly (readonly [string, MaximaPackage])[] = [
    ["sealed for somebody else", await seal({ ...OPTIONS, to: EVE.publicKey })],
    ["sealed bytes of another suite", { ...unit, data: text("RST1…") }],
    ...CUT.map((length): [string, MaximaPackage] => [
      `cut to ${length} bytes`,
      { ...unit, data: unit.data.slice(0, length) },
    ]),
    ["a plaintext of no bytes", await sealed(new Uint8Array())],
    ["a plaintext that is no structure", await sealed(text("hello, Alice"))],
    ["a plaintext cut short", await sealed(plaintext.slice(0, -1))],
    [
      "a signed message cut short",
      await sealed(await signedByBob(bytes.slice(0, -1))),
    ],
    ["a signed text", await sealed(await signedByBob(text("hello, Alice")))],
  ];
  for (const [what, bad] of cases) {
    await t.step(what, () => assertUnopened(bad, "not-decryptable"));
  }
});

Deno.test("open() fails as bad-signature", async (t) => {
  const bytes = encode(maximaMessage, MESSAGE);
  const signature = await BOB.sign(bytes);
  const internal = { from: BOB.publicKey, data: bytes, signature };
  const flippedBit = flipped(signature, { at: 0.5, bits: 1 });
  const cases: readonly (readonly [string, typeof internal])[] = [
    ["a bit flipped", { ...internal, signature: flippedBit }],
    ["none", { ...internal, signature: new Uint8Array() }],
    ["cut", { ...internal, signature: signature.slice(1) }],
    ["another's", { ...internal, signature: await EVE.sign(bytes) }],
    ["another named as its maker", { ...internal, from: EVE.publicKey }],
    ["a maker with a bigger key", { ...internal, from: BIG.publicKey }],
    ["a maker that is no key", { ...internal, from: text("Bob") }],
    ["no maker", { ...internal, from: new Uint8Array() }],
    ["an Ed25519 key", { ...internal, from: ED25519 }],
    ["bytes behind the maker's key", {
      ...internal,
      from: new Uint8Array([...BOB.publicKey, 0]),
    }],
    ["another message", { ...internal, data: text("something else") }],
    // The signature is checked before the message is read.
    ["no message", { ...internal, data: new Uint8Array() }],
  ];
  for (const [what, value] of cases) {
    await t.step(what, async () => {
      const unit = await sealed(encode(maximaInternal, value));
      await assertUnopened(unit, "bad-signature");
    });
  }
});

Deno.test("open() fails as bad-signature where a right one is by too small a key", async () => {
  const mallory = await importRsaKey(newRsaKey(512));
  const from = mallory.publicKey;
  const bytes = encode(maximaMessage, { ...MESSAGE, from });
  const signature = await mallory.sign(bytes);
  await assert.rejects(verifyRsa(from, bytes, signature), /512 bits/);
  const plaintext = encode(maximaInternal, { from, data: bytes, signature });
  await assertUnopened(await sealed(plaintext), "bad-signature");
});

Deno.test("open() fails as wrong-sender where the message names another", async () => {
  for (const from of [EVE.publicKey, new Uint8Array(), text("Bob"), ED25519]) {
    const bytes = encode(maximaMessage, { ...MESSAGE, from });
    const unit = await sealed(await signedByBob(bytes));
    await assertUnopened(unit, "wrong-sender");
  }
});

/** Opens, or says which failure it was; any other error goes on. */
async function outcome(
  unit: MaximaPackage,
): Promise<MaximaMessage | OpenFailure> {
  try {
    return await open(unit, ALICE);
  } catch (error) {
    if (error instanceof OpenError) return error.code;
    throw error;
  }
}

Deno.test("open() gives the signed message or an OpenError after any change of a byte", async () => {
  const unit = await seal({ ...OPTIONS, random: seededRandom("change") });
  const message = await open(unit, ALICE);
  await check(
    fc.asyncProperty(flip, async (change) => {
      const data = flipped(unit.data, change);
      const seen = await outcome({ ...unit, data });
      if (typeof seen !== "string") assert.deepEqual(seen, message);
    }),
    600,
  );
});

Deno.test("open() gives the signed message or an OpenError after any change of the plaintext", async () => {
  const plaintext = await signedByBob(encode(maximaMessage, MESSAGE));
  await check(
    fc.asyncProperty(flip, async (change) => {
      const seen = await outcome(await sealed(flipped(plaintext, change)));
      assert.equal(
        typeof seen,
        "string",
        "every byte of it is signed or signs",
      );
    }),
    300,
  );
});

Deno.test("open() gives an OpenError for any bytes", async () => {
  await check(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 400, size: "max" }),
      async (data) => {
        const unit = { version: "1.0", to: ALICE.publicKey, data };
        assert.equal(await outcome(unit), "not-decryptable");
        assert.notEqual(typeof await outcome(await sealed(data)), "object");
      },
    ),
    150,
  );
});
