/** Merkle trees, against RFC 6962 and the vectors of Certificate Transparency. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { sameBytes } from "../../lib/bytes.ts";
import { sha256 } from "../../lib/hash.ts";
import {
  type Inclusion,
  inclusionPath,
  leafHash,
  merkleRoot,
  verifyInclusion,
} from "../../lib/merkle.ts";
import { check, flip, flipped } from "./property.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The leaves of certificate-transparency's own tests. */
const DATA: readonly Bytes[] = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
].map((hex) => Uint8Array.fromHex(hex));
const LEAVES = DATA.map(leafHash);

/** The roots over the first 0, 1, … 8 of them. */
const ROOTS = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/** Size, index, and the path, by the same tests. */
const PATHS: readonly (readonly [number, number, readonly string[]])[] = [
  [1, 0, []],
  [8, 0, [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
  ]],
  [8, 5, [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  ]],
  [3, 2, [
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  ]],
  [5, 1, [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
  ]],
];

const hex = (hashes: readonly Uint8Array[]) => hashes.map((h) => h.toHex());

Deno.test("sha256() is SHA-256 of its parts", async () => {
  await check(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (parts) => {
      const hash = createHash("sha256");
      for (const part of parts) hash.update(part);
      assert.equal(sha256(...parts).toHex(), hash.digest("hex"));
    }),
    200,
  );
});

Deno.test("merkleRoot() is that of Certificate Transparency's vectors", () => {
  for (const [size, root] of ROOTS.entries()) {
    assert.equal(merkleRoot(LEAVES.slice(0, size)).toHex(), root, `${size}`);
  }
});

Deno.test("inclusionPath() is that of Certificate Transparency's vectors", () => {
  for (const [size, index, path] of PATHS) {
    const leaves = LEAVES.slice(0, size);
    assert.deepEqual(hex(inclusionPath(leaves, index)), path);
  }
});

/** The words of RFC 6962, 2.1: split at the largest power of two below n. */
function rootByTheRfc(leaves: readonly Bytes[]): Bytes {
  const [only] = leaves;
  if (only === undefined) return sha256();
  if (leaves.length === 1) return only;
  const k = splitOf(leaves.length);
  return sha256(
    Uint8Array.of(1),
    rootByTheRfc(leaves.slice(0, k)),
    rootByTheRfc(leaves.slice(k)),
  );
}

/** The words of RFC 6962, 2.1.1. */
function pathByTheRfc(leaves: readonly Bytes[], m: number): Bytes[] {
  if (leaves.length === 1) return [];
  const k = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return m < k
    ? [...pathByTheRfc(left, m), rootByTheRfc(right)]
    : [...pathByTheRfc(right, m - k), rootByTheRfc(left)];
}

function splitOf(n: number): number {
  let k = 1;
  while (2 * k < n) k *= 2;
  return k;
}

/** Leaf hashes of a tree of that size. */
function leavesOf(size: number): Bytes[] {
  return Array.from(
    { length: size },
    (_, i) => leafHash(Uint8Array.of(i, i >> 8)),
  );
}

for (const size of [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 33, 64, 65, 81]) {
  Deno.test(`root and paths of ${size} leaves are those of the RFC's words`, () => {
    const leaves = leavesOf(size);
    const root = merkleRoot(leaves);
    assert.deepEqual(root, rootByTheRfc(leaves));
    for (const [index, leaf] of leaves.entries()) {
      const path = inclusionPath(leaves, index);
      assert.deepEqual(path, pathByTheRfc(leaves, index));
      assert.ok(verifyInclusion({ leaf, index, size, path, root }));
    }
  });
}

Deno.test("inclusionPath() refuses a leaf that is not there", () => {
  const leaves = leavesOf(5);
  for (const index of [-1, 5, 1.5, NaN, Infinity, 2 ** 32]) {
    assert.throws(() => inclusionPath(leaves, index), RangeError, `${index}`);
  }
  assert.throws(() => inclusionPath([], 0), RangeError);
});

/** What holds, and every way to change it so that it does not. */
function lies(true_: Inclusion): Readonly<Record<string, Inclusion>> {
  const { path, index, size, root, leaf } = true_;
  const [first = leaf] = path;
  return {
    "another leaf": { ...true_, leaf: leafHash(Uint8Array.of(99)) },
    "a node for a leaf": { ...true_, leaf: first, path: path.slice(1) },
    "the place before": { ...true_, index: index - 1 },
    "the place after": { ...true_, index: index + 1 },
    "no place": { ...true_, index: NaN },
    "half a place": { ...true_, index: index + 0.5 },
    "a place beyond": { ...true_, index: size },
    "a place that wraps": { ...true_, index: index + 2 ** 32 },
    "a size that wraps": { ...true_, size: size + 2 ** 32 },
    "no size": { ...true_, size: 0 },
    "a path too short": { ...true_, path: path.slice(0, -1) },
    "a path without its start": { ...true_, path: path.slice(1) },
    "a path too long": { ...true_, path: [...path, first] },
    "a path the wrong way round": { ...true_, path: [...path].reverse() },
    "no path": { ...true_, path: [] },
    "an empty hash in the path": {
      ...true_,
      path: path.map((hash, i) => i === 0 ? new Uint8Array() : hash),
    },
    "another root": { ...true_, root: leaf },
    "half the root": { ...true_, root: root.slice(0, 16) },
    "a root of nothing": { ...true_, root: new Uint8Array() },
  };
}

for (const [index, size] of [[0, 7], [2, 7], [6, 7], [3, 8]] as const) {
  const leaves = leavesOf(size);
  const [leaf, path] = [leaves[index] as Bytes, inclusionPath(leaves, index)];
  const inclusion = { leaf, index, size, path, root: merkleRoot(leaves) };
  for (const [what, lie] of Object.entries(lies(inclusion))) {
    Deno.test(`verifyInclusion() refuses leaf ${index} of ${size}: ${what}`, () => {
      assert.equal(verifyInclusion(inclusion), true);
      assert.equal(verifyInclusion(lie), false);
    });
  }
}

// What is hashed is the same bytes, cut in another place.
Deno.test("verifyInclusion() refuses half a leaf with the other half in the path", () => {
  const [leaf, sibling] = leavesOf(2) as [Bytes, Bytes];
  const root = merkleRoot([leaf, sibling]);
  const shifted = new Uint8Array([...leaf.subarray(16), ...sibling]);
  for (const [first, rest] of [[leaf, sibling], [leaf.slice(0, 16), shifted]]) {
    const said = { leaf: first, index: 0, size: 2, path: [rest], root };
    assert.equal(verifyInclusion(said as Inclusion), rest === sibling);
  }
});

Deno.test("verifyInclusion() refuses a changed byte anywhere in the path", async () => {
  const leaves = leavesOf(21);
  const root = merkleRoot(leaves);
  await check(
    fc.property(fc.nat(20), fc.nat(10), flip, (index, at, change) => {
      const path = inclusionPath(leaves, index);
      const changed = path.map((hash, i) =>
        i === at % path.length ? flipped(hash, change) : hash
      );
      assert.ok(!path.every((hash, i) => sameBytes(hash, changed[i] ?? hash)));
      const leaf = leaves[index] as Bytes;
      const lie = { leaf, index, size: 21, path: changed, root };
      assert.equal(verifyInclusion(lie), false);
    }),
    200,
  );
});

// Two chunks that together are a node's bytes, or a tree that is grown by a
// copy of its last leaf: the attacks that RFC 6962's prefixes and split end.
Deno.test("merkleRoot() tells a tree from its own nodes as leaves, and from itself with a leaf twice", () => {
  const leaves = leavesOf(3);
  const [a, b, c] = leaves as [Bytes, Bytes, Bytes];
  const root = merkleRoot(leaves).toHex();
  const node = new Uint8Array([...a, ...b]);
  assert.notEqual(merkleRoot([leafHash(node), c]).toHex(), root);
  const tagged = new Uint8Array([1, ...a, ...b]);
  assert.notEqual(merkleRoot([leafHash(tagged), c]).toHex(), root);
  assert.notEqual(merkleRoot([a, b, c, c]).toHex(), root);
});
