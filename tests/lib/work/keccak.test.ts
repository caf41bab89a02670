/** Keccak-f[1600] in plain code, and SHA3-256 made of it. */
import assert from "node:assert/strict";
import { keccakP, sha3_256 } from "@noble/hashes/sha3.js";
import { testVectorsOfKinds, type Vector } from "../../vectors/mod.ts";
import {
  absorb,
  blocksOf,
  bytesOf,
  emptyState,
  pad,
  permute,
  ROTATIONS,
  ROUND_CONSTANTS,
  SOURCES,
} from "../../../lib/work/keccak.ts";
import { seededRandom } from "../randomness.ts";

/** SHA3-256 by our plain code. */
function hash(message: Uint8Array): Uint8Array {
  const state = emptyState();
  absorb(state, pad(message));
  return bytesOf(state, 32);
}

Deno.test("permute() gives the published states after zeros", () => {
  // The Keccak team's KeccakF-1600-IntermediateValues.txt, lanes 0 to 4.
  const state = emptyState();
  permute(state);
  assert.equal(
    bytesOf(state, 40).toHex(),
    "e7dde140798f25f18a47c033f9ccd584eea95aa61e2698d54d49806f304715bd" +
      "57d05362054e288b",
  );
});

Deno.test("permute() is noble's permutation", () => {
  const random = seededRandom("states");
  for (let i = 0; i < 200; i++) {
    const words = new Int32Array(random(200).buffer);
    const theirs = new Uint32Array(words);
    permute(words);
    keccakP(theirs);
    assert.deepEqual(new Uint32Array(words), theirs);
  }
});

Deno.test("the steps' numbers are those of FIPS 202", () => {
  assert.equal(ROUND_CONSTANTS[0], 1n);
  assert.equal(ROUND_CONSTANTS[1], 0x8082n);
  assert.equal(ROUND_CONSTANTS[23], 0x8000000080008008n);
  // Table 2, by x from 0 to 4 within y from 0 to 4, modulo 64.
  assert.deepEqual(ROTATIONS, [
    ...[0, 1, 62, 28, 27],
    ...[36, 44, 6, 55, 20],
    ...[3, 10, 43, 25, 39],
    ...[41, 45, 15, 21, 8],
    ...[18, 2, 61, 56, 14],
  ]);
  assert.deepEqual(SOURCES.toSorted((a, b) => a - b), [...SOURCES.keys()]);
});

Deno.test("pad() and absorb() make SHA3-256, at every length of three blocks", () => {
  const random = seededRandom("messages");
  for (let length = 0; length <= 3 * 136 + 1; length++) {
    const message = random(length);
    assert.equal(pad(message).length, 136 * blocksOf(length));
    assert.deepEqual(hash(message), sha3_256(message), `${length} bytes`);
  }
});

testVectorsOfKinds<{
  "sha3-256": Vector & { readonly input: string; readonly hash: string };
}>("hash", {
  "sha3-256": ({ input, hash: expected }) => {
    const message = Uint8Array.fromHex(input);
    assert.equal(hash(message).toHex(), expected);
  },
});
