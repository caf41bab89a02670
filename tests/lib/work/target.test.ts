/** Targets and the hashes they stand for (spec/maxima.md 3). */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  MAX_HASH,
  MIN_WORK,
  MIN_WORK_TARGET,
} from "../../../lib/minima/constants.ts";
import {
  hashesOf,
  hexTarget,
  targetBytes,
  targetOf,
} from "../../../lib/work/target.ts";
import { check } from "../property.ts";

Deno.test("targetOf() the minimum of 10,000 hashes is the network's", () => {
  assert.equal(targetOf(10_000), MIN_WORK_TARGET);
  assert.deepEqual(targetBytes(targetOf(10_000)), MIN_WORK);
  assert.equal(targetOf(1), MAX_HASH);
});

Deno.test("hashesOf() is to the nearest whole hash", () => {
  const genuine = "05f53392866c5c645155af3f16d07737b43b48c44f76aa0c" +
    "00000000000000";
  for (
    const [target, hashes] of [
      [BigInt(`0x${genuine}`), 11_000],
      [MIN_WORK_TARGET, 10_000],
      [MAX_HASH, 1],
      [2n * MAX_HASH, 1],
      [4n * MAX_HASH, 0],
      [2n ** 255n, 2],
      [1n, 2 ** 256],
      [0n, Infinity],
      [-1n, Infinity],
    ] as const
  ) {
    assert.equal(hashesOf(target), hashes, `${target}`);
  }
});

Deno.test("hashesOf() what targetOf() gives are the hashes again", async () => {
  const hashes = fc.oneof(
    fc.integer({ min: 1, max: 100_000 }),
    fc.maxSafeNat().map((n) => n + 1),
  );
  await check(
    fc.property(hashes, (n) => assert.equal(hashesOf(targetOf(n)), n)),
    1_000,
  );
});

Deno.test("targetOf() falls as hashes rise", async () => {
  const few = fc.integer({ min: 1, max: 2 ** 30 });
  await check(
    fc.property(few, few, (a, b) => {
      assert.equal(a < b, targetOf(a) > targetOf(b));
    }),
    1_000,
  );
});

Deno.test("targetBytes() have no leading zero, and zero is one byte", () => {
  assert.equal(targetBytes(0n).toHex(), "00");
  assert.equal(targetBytes(255n).toHex(), "ff");
  assert.equal(targetBytes(256n).toHex(), "0100");
  assert.equal(targetBytes(MAX_HASH).toHex(), "f".repeat(64));
});

Deno.test("hexTarget() has 64 lower-case digits", () => {
  assert.equal(hexTarget(MAX_HASH), "f".repeat(64));
  assert.equal(hexTarget(0xabcn), "0".repeat(61) + "abc");
  assert.equal(hexTarget(0n), "0".repeat(64));
});
