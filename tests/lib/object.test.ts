/** Chunks and their tree, against the definition and by hand. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { blake3_256 } from "../../lib/hash.ts";
import { CHUNK_BYTES, chunkHashes, merkleRoot } from "../../lib/object.ts";
import { check } from "./property.ts";

const joined = (...parts: Uint8Array[]) =>
  new Uint8Array(parts.flatMap((part) => [...part]));
const node = (left: Uint8Array, right: Uint8Array) =>
  blake3_256(joined(new Uint8Array([1]), left, right));
const leaf = (text: string) => blake3_256(new TextEncoder().encode(text));

Deno.test("chunkHashes() hashes 4 KiB at a time, the last chunk unpadded", () => {
  for (
    const [size, count] of [[1, 1], [CHUNK_BYTES, 1], [CHUNK_BYTES + 1, 2], [
      10 * CHUNK_BYTES,
      10,
    ]] as const
  ) {
    const payload = new Uint8Array(size).fill(7);
    const hashes = chunkHashes(payload);
    assert.equal(hashes.length, count);
    assert.deepEqual(
      hashes.at(-1),
      blake3_256(payload.subarray((count - 1) * CHUNK_BYTES)),
    );
  }
  assert.throws(() => chunkHashes(new Uint8Array()), RangeError);
});

Deno.test("merkleRoot() is the leaf of one, pairs the others, and promotes an odd one", () => {
  const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(leaf) as [
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>,
  ];
  assert.deepEqual(merkleRoot([a]), a);
  assert.deepEqual(merkleRoot([a, b]), node(a, b));
  assert.deepEqual(merkleRoot([a, b, c]), node(node(a, b), c));
  assert.deepEqual(
    merkleRoot([a, b, c, d, e]),
    node(node(node(a, b), node(c, d)), e),
  );
  assert.throws(() => merkleRoot([]), RangeError);
});

Deno.test("merkleRoot() changes with every byte of the payload", async () => {
  await check(
    fc.property(fc.integer({ min: 1, max: 40_000 }), fc.nat(), (size, at) => {
      const payload = new Uint8Array(size);
      const before = merkleRoot(chunkHashes(payload)).toHex();
      payload[at % size] = 1;
      assert.notEqual(merkleRoot(chunkHashes(payload)).toHex(), before);
    }),
    100,
  );
});
