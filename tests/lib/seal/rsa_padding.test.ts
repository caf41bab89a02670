/** What unwraps to nothing, and how little of that can be told from outside. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Bytes } from "../../../lib/bytes.ts";
import { integerOfBytes } from "../../../lib/minima/minidata.ts";
import { sha3_256 } from "../../../lib/hash.ts";
import { Blinder, power } from "../../../lib/seal/modular.ts";
import { unpadded } from "../../../lib/seal/pkcs1.ts";
import { importRsaKey, wrap } from "../../../lib/seal/rsa.ts";
import { check, flip, flipped } from "../property.ts";
import { seededRandom } from "../randomness.ts";
import { aesKey, bytesOf, paddedBlock, raise } from "./blocks.ts";
import { ALICE, BOB, newRsaKey, numbersOf } from "./keys.ts";

const LENGTH = 128;
const SEPARATOR = LENGTH - 17;

/** A right block for a key of 16 bytes, and then some bytes changed. */
function blockWith(changes: Readonly<Record<number, number>>): Bytes {
  const block = paddedBlock(LENGTH, aesKey(16));
  for (const [at, byte] of Object.entries(changes)) block[Number(at)] = byte;
  return block;
}

const WRONG_BLOCKS: readonly (readonly [what: string, block: Bytes])[] = [
  ["a first byte of 1", blockWith({ 0: 1 })],
  ["a first byte of 127", blockWith({ 0: 127 })],
  ["block type 0", blockWith({ 1: 0 })],
  ["block type 1", blockWith({ 1: 1 })],
  ["block type 3", blockWith({ 1: 3 })],
  ["block type 255", blockWith({ 1: 255 })],
  ...Array.from(
    { length: 8 },
    (_, i) =>
      [`a zero at padding byte ${i + 1} of 8`, blockWith({ [2 + i]: 0 })] as [
        string,
        Bytes,
      ],
  ),
  ["a zero behind eight bytes of padding", blockWith({ 10: 0 })],
  ["a zero right before the separator", blockWith({ [SEPARATOR - 1]: 0 })],
  ["a separator of 1", blockWith({ [SEPARATOR]: 1 })],
  ["a separator of 255", blockWith({ [SEPARATOR]: 255 })],
  ["no zero anywhere behind the type", blockWith({ [SEPARATOR]: 0x5a })],
  ["only a zero at the end", blockWith({ [SEPARATOR]: 1, [LENGTH - 1]: 0 })],
  ["nothing but zeros", new Uint8Array(LENGTH)],
  ["the number 1", bytesOf(1n, LENGTH)],
  ["the number n-1", bytesOf(numbersOf(ALICE.publicKey).modulus - 1n, LENGTH)],
  ...[0, 1, 8, 15, 17, 23, 25, 31, 33, 48, 64, 117].map((length) =>
    [
      `a key of ${length} bytes`,
      paddedBlock(LENGTH, aesKey(length)),
    ] as [string, Bytes]
  ),
];

/** Fails unless nothing valid, and the same nothing each time, comes out. */
function assertRefused(wrapped: Bytes, recipient = ALICE): Bytes {
  const { key, valid } = recipient.unwrap(wrapped);
  assert.equal(valid, false);
  assert.equal(key.length, 16);
  assert.notDeepEqual(new Uint8Array(key), aesKey(16));
  assert.deepEqual(recipient.unwrap(wrapped), { key, valid });
  return new Uint8Array(key);
}

for (const [what, block] of WRONG_BLOCKS) {
  Deno.test(`unwrap() refuses ${what}, with a key that is none`, () => {
    assertRefused(raise(block, numbersOf(ALICE.publicKey)));
  });
}

Deno.test("unwrap() refuses a wrapped key of another length than the modulus", () => {
  const wrapped = wrap(numbersOf(ALICE.publicKey), aesKey(16));
  const zero = new Uint8Array(1);
  const wrong: readonly (readonly [string, Bytes])[] = [
    ["none", new Uint8Array()],
    ["one byte", wrapped.slice(0, 1)],
    ["one byte less", wrapped.slice(1)],
    ["one byte cut", wrapped.slice(0, -1)],
    ["a zero before", new Uint8Array([...zero, ...wrapped])],
    ["a zero behind", new Uint8Array([...wrapped, ...zero])],
    ["two of them", new Uint8Array([...wrapped, ...wrapped])],
    ["64 KiB", new Uint8Array(65_536).fill(0xff)],
  ];
  for (const [what, bytes] of wrong) {
    assert.notEqual(bytes.length, LENGTH, what);
    assertRefused(bytes);
  }
});

Deno.test("unwrap() refuses a ciphertext not below the modulus (RFC 8017, 5.1.2)", async () => {
  // With spare bits in the first byte there is room for the modulus on top.
  const recipient = await importRsaKey(newRsaKey(1030));
  const numbers = numbersOf(recipient.publicKey);
  const wrapped = wrap(numbers, aesKey(16), seededRandom("above"));
  assert.ok(recipient.unwrap(wrapped).valid);
  const above = integerOfBytes(wrapped) + numbers.modulus;
  assertRefused(bytesOf(above, wrapped.length), recipient);
  assertRefused(bytesOf(numbers.modulus, wrapped.length), recipient);
  assertRefused(new Uint8Array(wrapped.length).fill(0xff), recipient);
});

Deno.test("unwrap() refuses what was wrapped for another key", () => {
  assertRefused(wrap(numbersOf(BOB.publicKey), aesKey(16)));
});

Deno.test("unwrap() gives another false key for another ciphertext or recipient", () => {
  const blocks = WRONG_BLOCKS.map(([, block]) => block);
  const numbers = numbersOf(ALICE.publicKey);
  const keys = blocks.map((block) => assertRefused(raise(block, numbers)));
  const wrapped = raise(blockWith({ 1: 1 }), numbers);
  keys.push(assertRefused(wrapped, BOB));
  const different = new Set(keys.map((key) => key.toHex()));
  assert.equal(different.size, keys.length);
});

Deno.test("unwrap() refuses every ciphertext with one byte changed", async () => {
  const wrapped = wrap(numbersOf(ALICE.publicKey), aesKey(16));
  await check(
    fc.property(flip, (change) => {
      assertRefused(flipped(wrapped, change));
    }),
    200,
  );
});

/** Which bytes of a block are looked at, in order. */
function looksAt(block: Bytes): string[] {
  const looks: string[] = [];
  const watched = new Proxy(block, {
    get(target, name) {
      if (/^\d+$/.test(String(name))) looks.push(String(name));
      const member = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  unpadded(watched, new Uint8Array(16), true);
  return looks;
}

Deno.test("unpadded() looks at the same bytes in the same order, whatever they are", () => {
  const right = looksAt(paddedBlock(LENGTH, aesKey(16)));
  // Type, separator and padding, for each of three separators.
  assert.equal(right.length, 3 * 3 + 109 + 101 + 93);
  for (const [what, block] of WRONG_BLOCKS) {
    assert.deepEqual(looksAt(block), right, what);
  }
});

Deno.test("unpadded() takes nothing for a key that was no ciphertext", () => {
  const fallback = new Uint8Array(16).fill(7);
  const block = paddedBlock(LENGTH, aesKey(16));
  const none = { key: fallback, valid: false };
  assert.deepEqual(unpadded(block, fallback, false), none);
  const { key, valid } = unpadded(block, fallback, true);
  assert.deepEqual([new Uint8Array(key), valid], [aesKey(16), true]);
});

Deno.test("unpadded() takes eight bytes of padding, and not seven", () => {
  const fallback = new Uint8Array(16).fill(7);
  for (const length of [16, 24, 32]) {
    for (
      const [padding, isKey] of [[7, false], [8, true], [9, true]] as const
    ) {
      const block = paddedBlock(length + padding + 3, aesKey(length));
      const { key, valid } = unpadded(block, fallback, true);
      assert.deepEqual(
        [new Uint8Array(key), valid],
        [isKey ? aesKey(length) : fallback, isKey],
      );
    }
  }
});

Deno.test("unwrap() falls back on what only the private exponent gives", async () => {
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const pkcs8 = await ALICE.exportPkcs8();
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, true, [
    "sign",
  ]);
  const { d = "" } = await crypto.subtle.exportKey("jwk", key);
  const exponent = Uint8Array.fromBase64(d, { alphabet: "base64url" });
  assert.equal(exponent.length, LENGTH);
  const wrong = raise(blockWith({ 1: 1 }), numbersOf(ALICE.publicKey));
  const long = new Uint8Array(LENGTH + 1).fill(3);
  for (const wrapped of [wrong, long, new Uint8Array()]) {
    const hash = sha3_256(new Uint8Array([...exponent, ...wrapped]));
    assert.deepEqual(assertRefused(wrapped), hash.slice(0, 16));
  }
});

Deno.test("unwrap() blinds each operation anew, and draws a blinding for 32 of them", async () => {
  const numbers = numbersOf(ALICE.publicKey);
  let draws = 0;
  const blinder = new Blinder(numbers.modulus, numbers.exponent, (length) => {
    draws++;
    return new Uint8Array(length).fill(draws);
  });
  const seen = new Set<bigint>();
  for (let i = 0; i < 65; i++) {
    const { blind, unblind } = blinder.next();
    seen.add(blind(1n));
    // The one undoes the other across the public operation.
    const raised = raise(bytesOf(unblind(1n), LENGTH), numbers);
    assert.equal(blind(integerOfBytes(raised)), 1n);
    assert.equal(draws, Math.floor(i / 32) + 1);
  }
  assert.equal(seen.size, 65);
  const wrapped = wrap(numbers, aesKey(16));
  const recipient = await importRsaKey(await ALICE.exportPkcs8());
  for (let i = 0; i < 40; i++) assert.ok(recipient.unwrap(wrapped).valid);
});

const EXPONENTS = [
  0n,
  1n,
  2n,
  31n,
  32n,
  65_537n,
  2n ** 64n - 1n,
  2n ** 64n,
  2n ** 300n + 12_345n,
];

for (const exponent of EXPONENTS) {
  Deno.test(`power() to ${exponent} is what multiplying gives`, () => {
    const modulus = 2n ** 127n - 1n;
    const base = 12_345_678_901n;
    let expected = 1n;
    for (const bit of exponent.toString(2)) {
      expected = expected * expected % modulus;
      if (bit === "1") expected = expected * base % modulus;
    }
    assert.equal(power(base, exponent, modulus), expected);
  });
}
