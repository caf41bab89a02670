/** RSAES-PKCS1-v1_5 and SHA256withRSA (spec/maxima.md 6.3, 6.4). */
import assert from "node:assert/strict";
import type { Bytes } from "../../../lib/bytes.ts";
import {
  generateRsaKey,
  importRsaKey,
  type RsaPrivateKey,
  verifyRsa,
  wrap,
} from "../../../lib/seal/rsa.ts";
import { seededRandom } from "../randomness.ts";
import { integerOfBytes } from "../../../lib/minima/minidata.ts";
import { aesKey, bytesOf, paddedBlock, raise } from "./blocks.ts";
import { ALICE, BIG, BOB, ED25519, newRsaKey, numbersOf } from "./keys.ts";

/** 1030 and 1032 bits: a length of 129 bytes, with and without spare bits. */
const SIZES = [1024, 1030, 1032, 1536, 2048];
const AES_LENGTHS = [16, 24, 32];

const recipients = new Map<number, RsaPrivateKey>();
for (const bits of SIZES) {
  recipients.set(bits, await importRsaKey(newRsaKey(bits)));
}

function recipientOf(bits: number): RsaPrivateKey {
  const key = recipients.get(bits);
  assert.ok(key !== undefined);
  return key;
}

for (const bits of SIZES) {
  for (const length of AES_LENGTHS) {
    Deno.test(`unwrap() gives what wrap() took: ${bits} bits, a key of ${length} bytes`, () => {
      const recipient = recipientOf(bits);
      const numbers = numbersOf(recipient.publicKey);
      assert.equal(numbers.bits, bits);
      const key = aesKey(length);
      const wrapped = wrap(numbers, key, seededRandom("wrap"));
      assert.equal(wrapped.length, Math.ceil(bits / 8));
      assert.deepEqual(recipient.unwrap(wrapped), { key, valid: true });
    });
  }
}

Deno.test("unwrap() takes any padding of eight bytes and more, without a zero", () => {
  const numbers = numbersOf(ALICE.publicKey);
  for (const length of AES_LENGTHS) {
    const block = paddedBlock(128, aesKey(length));
    for (const byte of [1, 2, 0x7f, 0x80, 0xff]) {
      block.fill(byte, 2, 128 - length - 1);
      const { key, valid } = ALICE.unwrap(raise(block, numbers));
      assert.ok(valid, `padding of ${byte}`);
      assert.deepEqual(new Uint8Array(key), aesKey(length));
    }
  }
});

Deno.test("unwrap() gives the key even if it is all zero or starts so", () => {
  for (const key of [new Uint8Array(16), paddedBlock(32, aesKey(16))]) {
    const wrapped = wrap(numbersOf(ALICE.publicKey), key, seededRandom("zero"));
    assert.deepEqual(ALICE.unwrap(wrapped), { key, valid: true });
  }
});

Deno.test("wrap() gives other bytes for other random, the same for the same", () => {
  const numbers = numbersOf(ALICE.publicKey);
  const once = wrap(numbers, aesKey(16), seededRandom("one"));
  assert.deepEqual(wrap(numbers, aesKey(16), seededRandom("one")), once);
  assert.notDeepEqual(wrap(numbers, aesKey(16), seededRandom("two")), once);
  assert.notDeepEqual(wrap(numbers, aesKey(16)), wrap(numbers, aesKey(16)));
});

Deno.test("wrap() draws padding again where it is zero", () => {
  const numbers = numbersOf(ALICE.publicKey);
  let calls = 0;
  const mostlyZero = (length: number) =>
    new Uint8Array(length).fill(calls++ % 3 === 2 ? 7 : 0);
  const wrapped = wrap(numbers, aesKey(16), mostlyZero);
  assert.deepEqual(ALICE.unwrap(wrapped), { key: aesKey(16), valid: true });
  const expected = paddedBlock(128, aesKey(16)).fill(7, 2, 111);
  assert.deepEqual(wrapped, raise(expected, numbers));
});

Deno.test("wrap() refuses a key that leaves less than eight bytes of padding", () => {
  const numbers = numbersOf(ALICE.publicKey);
  assert.equal(wrap(numbers, new Uint8Array(117)).length, 128);
  for (const length of [118, 125, 126, 128, 1_000]) {
    assert.throws(() => wrap(numbers, new Uint8Array(length)), {
      name: "RangeError",
      message: `a block of 128 bytes cannot wrap ${length} bytes`,
    });
  }
});

Deno.test("importRsaKey() tells the public key; sign() and verifyRsa() agree", async () => {
  const message = new TextEncoder().encode("signed");
  for (const key of [ALICE, BIG, recipientOf(1032), recipientOf(1536)]) {
    const signature = await key.sign(message);
    assert.equal(
      signature.length,
      Math.ceil(numbersOf(key.publicKey).bits / 8),
    );
    assert.deepEqual(await key.sign(message), signature, "deterministic");
    assert.ok(await verifyRsa(key.publicKey, message, signature));
    assert.ok(!await verifyRsa(key.publicKey, message.slice(1), signature));
    assert.ok(!await verifyRsa(BOB.publicKey, message, signature));
    assert.ok(!await verifyRsa(key.publicKey, message, new Uint8Array()));
    const longer = new Uint8Array([0, ...signature]);
    assert.ok(!await verifyRsa(key.publicKey, message, longer));
  }
});

Deno.test("verifyRsa() refuses a signature that is not below the modulus (RFC 8017, 5.2.2)", async () => {
  // With spare bits in the first byte there is room for the modulus on top.
  const { publicKey, sign } = recipientOf(1030);
  const message = new TextEncoder().encode("signed");
  const signature = await sign(message);
  const { modulus } = numbersOf(publicKey);
  const above = bytesOf(integerOfBytes(signature) + modulus, signature.length);
  assert.equal(above.length, signature.length);
  assert.ok(await verifyRsa(publicKey, message, signature));
  assert.equal(await verifyRsa(publicKey, message, above), false);
});

Deno.test("exportPkcs8() gives the key that importRsaKey() read", async () => {
  const again = await importRsaKey(await ALICE.exportPkcs8());
  assert.deepEqual(again.publicKey, ALICE.publicKey);
  const wrapped = wrap(numbersOf(ALICE.publicKey), aesKey(16));
  assert.deepEqual(again.unwrap(wrapped), { key: aesKey(16), valid: true });
});

Deno.test("generateRsaKey() makes a key of the size, with exponent 65537", async () => {
  const pkcs8 = await generateRsaKey(1024);
  const key = await importRsaKey(pkcs8);
  const { bits, exponent } = numbersOf(key.publicKey);
  assert.deepEqual({ bits, exponent }, { bits: 1024, exponent: 65_537n });
  assert.notDeepEqual(await generateRsaKey(1024), pkcs8);
});

Deno.test("importRsaKey() refuses what is no RSA key, with a DOMException", async () => {
  const pkcs8 = newRsaKey(1024);
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign"]);
  const ed25519 = await crypto.subtle.exportKey(
    "pkcs8",
    (pair as CryptoKeyPair).privateKey,
  );
  const wrong: readonly (readonly [string, Bytes])[] = [
    ["none", new Uint8Array()],
    ["zeros", new Uint8Array(600)],
    ["cut", pkcs8.slice(0, -1)],
    ["a public key", ALICE.publicKey],
    ["an Ed25519 key", new Uint8Array(ed25519)],
    ["an Ed25519 public key", ED25519],
  ];
  for (const [what, bytes] of wrong) {
    await assert.rejects(importRsaKey(bytes), (error) => {
      assert.ok(error instanceof DOMException, `${what}: ${error}`);
      return true;
    });
  }
});
