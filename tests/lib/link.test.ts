/** Delivery modes by the link, and the bytes of digests and hints. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeDigest,
  decodeHints,
  deliveryMode,
  DIGEST_ABOVE,
  DIGEST_ROUND,
  type DigestItem,
  encodeDigest,
  encodeHints,
  PUSH_ABOVE,
  PUSH_BYTES,
} from "../../lib/link.ts";
import { objectHashOf } from "../../lib/ids.ts";
import { PRIORITIES } from "../../lib/object.ts";
import { Problem } from "../../lib/problem.ts";

Deno.test("deliveryMode() is push above 1 Mbit/s, digest above 10 kbit/s, else hint", () => {
  const table = [
    [Infinity, "push"],
    [1_000_001, "push"],
    [1_000_000, "digest"],
    [10_001, "digest"],
    [10_000, "hint"],
    [0, "hint"],
  ] as const;
  for (const [bandwidth, mode] of table) {
    assert.equal(deliveryMode(bandwidth), mode, `${bandwidth}`);
  }
});

Deno.test("what a link is sent unasked is bounded as spec/nexus.md 7 says", () => {
  assert.deepEqual(
    { PUSH_ABOVE, DIGEST_ABOVE, PUSH_BYTES, DIGEST_ROUND },
    {
      PUSH_ABOVE: 1_000_000,
      DIGEST_ABOVE: 10_000,
      PUSH_BYTES: 4_096,
      DIGEST_ROUND: 60_000,
    },
  );
});

const HASH = objectHashOf(Uint8Array.from({ length: 32 }, (_, i) => i));

Deno.test("encodeDigest() writes the 50 bytes of spec/nexus.md N3, little-endian", () => {
  const bytes = encodeDigest([{
    object: HASH,
    size: 0x01020304,
    minBandwidth: 10_000,
    expires: 0x010203040506,
    priority: "lazy",
  }]);
  assert.equal(bytes.length, 50);
  assert.equal(
    bytes.toHex(),
    HASH + "04030201" + "10270000" + "0605040302010000" + "00" + "02",
  );
});

const hashes = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) =>
  objectHashOf(new Uint8Array(bytes))
);
const items: fc.Arbitrary<DigestItem> = fc.record({
  object: hashes,
  size: fc.nat({ max: 2 ** 32 - 1 }),
  minBandwidth: fc.nat({ max: 2 ** 32 - 1 }),
  expires: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  priority: fc.constantFrom(...PRIORITIES),
}, { noNullPrototype: true });

Deno.test("decodeDigest() gives back what encodeDigest() was given", () => {
  fc.assert(fc.property(fc.array(items), (list) => {
    const bytes = encodeDigest(list);
    assert.equal(bytes.length, 50 * list.length);
    assert.deepEqual(decodeDigest(bytes), list);
  }));
});

Deno.test("decodeHints() gives back what encodeHints() was given", () => {
  fc.assert(fc.property(fc.array(hashes), (list) => {
    const bytes = encodeHints(list);
    assert.equal(bytes.length, 32 * list.length);
    assert.deepEqual(decodeHints(bytes), list);
  }));
});

Deno.test("decodeDigest() refuses a time that a number cannot tell from its neighbours", () => {
  const bytes = new Uint8Array(50);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(40, 2n ** 53n - 1n, true);
  assert.equal(decodeDigest(bytes)[0]?.expires, Number.MAX_SAFE_INTEGER);
  for (const time of [2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
    view.setBigUint64(40, time, true);
    assert.throws(
      () => decodeDigest(bytes),
      (error) => error instanceof Problem && error.code === "malformed",
    );
  }
});

Deno.test("decodeDigest() reads from where its bytes begin", () => {
  const items = [{
    object: HASH,
    size: 1,
    minBandwidth: 2,
    expires: 3,
    priority: "normal" as const,
  }];
  const longer = new Uint8Array([...new Uint8Array(7), ...encodeDigest(items)]);
  assert.deepEqual(decodeDigest(longer.subarray(7)), items);
});

Deno.test("decodeDigest() and decodeHints() refuse what is none", () => {
  const malformed = (error: unknown) =>
    error instanceof Problem && error.code === "malformed";
  const [type, priority] = [new Uint8Array(50), new Uint8Array(50)];
  type[48] = 1;
  priority[49] = 3;
  for (
    const bytes of [new Uint8Array(49), new Uint8Array(51), type, priority]
  ) {
    assert.throws(() => decodeDigest(bytes), malformed);
  }
  assert.throws(() => decodeHints(new Uint8Array(33)), malformed);
});
