/** Chunks and their tree, against the definition and by hand. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { blake3_256 } from "../../lib/hash.ts";
import {
  CHUNK_BYTES,
  chunkHashes,
  merkleRoot,
  receiptRoot,
} from "../../lib/object.ts";
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

/** SHA-256 by another hand. */
function digest(...parts: (number | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const hash = createHash("sha256");
  for (const part of parts) {
    hash.update(typeof part === "number" ? Uint8Array.of(part) : part);
  }
  return new Uint8Array(hash.digest());
}

Deno.test("receiptRoot() is RFC 6962 over 4 KiB chunks, lower-case hex", () => {
  const bytes = Uint8Array.from(
    { length: 3 * CHUNK_BYTES + 1 },
    (_, i) => i >> 4,
  );
  const [a, b, c, d] = [0, 1, 2, 3].map((n) =>
    digest(0, bytes.subarray(n * CHUNK_BYTES, (n + 1) * CHUNK_BYTES))
  ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const [ab, cd] = [digest(1, a, b), digest(1, c, d)];
  const table: readonly (readonly [number, Uint8Array])[] = [
    [1, digest(0, bytes.subarray(0, 1))],
    [CHUNK_BYTES - 1, digest(0, bytes.subarray(0, CHUNK_BYTES - 1))],
    [CHUNK_BYTES, a],
    [CHUNK_BYTES + 1, digest(1, a, digest(0, bytes.subarray(4_096, 4_097)))],
    [2 * CHUNK_BYTES, ab],
    [3 * CHUNK_BYTES, digest(1, ab, c)],
    [bytes.length, digest(1, ab, cd)],
  ];
  for (const [size, root] of table) {
    const of = receiptRoot(bytes.subarray(0, size));
    assert.equal(of, root.toHex(), `${size} bytes`);
    assert.match(of, /^[0-9a-f]{64}$/);
  }
});

Deno.test("receiptRoot() changes with every byte, and with every length", async () => {
  await check(
    fc.property(fc.integer({ min: 1, max: 40_000 }), fc.nat(), (size, at) => {
      const bytes = new Uint8Array(size + 1);
      const before = receiptRoot(bytes.subarray(0, size));
      assert.notEqual(receiptRoot(bytes), before);
      bytes[at % size] = 1;
      assert.notEqual(receiptRoot(bytes.subarray(0, size)), before);
    }),
    100,
  );
});
