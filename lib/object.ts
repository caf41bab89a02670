/**
 * Objects in chunks (spec/nexus.md section 2, choices O1 and O2): what a reader
 * needs to take a part of an object from anywhere and know that it is right.
 */
import type { Bytes } from "./bytes.ts";
import { blake3_256 } from "./hash.ts";
import { leafHash, merkleRoot as rfc6962Root } from "./merkle.ts";

/** Bytes of a chunk; the last one of an object may be shorter. */
export const CHUNK_BYTES = 4_096;

/** How urgent an object is, by its maker's word; the index is its wire code. */
export const PRIORITIES = ["critical", "normal", "lazy"] as const;

/** One of {@link PRIORITIES}. */
export type Priority = typeof PRIORITIES[number];

/** Goes before two nodes that are hashed together, so that none is a leaf. */
const NODE_TAG = 1;

/** The leaves: BLAKE3-256 of each chunk, in order. */
export function chunkHashes(payload: Bytes): Bytes[] {
  if (payload.length === 0) throw new RangeError("an object of no bytes");
  const hashes: Bytes[] = [];
  for (let start = 0; start < payload.length; start += CHUNK_BYTES) {
    hashes.push(blake3_256(payload.subarray(start, start + CHUNK_BYTES)));
  }
  return hashes;
}

/**
 * The Merkle root over chunk hashes: a node is BLAKE3-256 of `01 || left ||
 * right`, and one that is left over goes up as it is.
 */
export function merkleRoot(leaves: readonly Bytes[]): Bytes {
  let level = [...leaves];
  while (level.length > 1) {
    const above: Bytes[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = level.slice(i, i + 2);
      if (left === undefined) continue;
      above.push(right === undefined ? left : nodeOf(left, right));
    }
    level = above;
  }
  const [root] = level;
  if (root === undefined) throw new RangeError("a tree of no leaves");
  return root;
}

function nodeOf(left: Bytes, right: Bytes): Bytes {
  const node = new Uint8Array(1 + left.length + right.length);
  node[0] = NODE_TAG;
  node.set(left, 1);
  node.set(right, 1 + left.length);
  return blake3_256(node);
}

/**
 * The root that a receipt names (spec/money.md 5), lower-case hex: RFC 6962 over
 * the chunks of the stored bytes. Who sent them checks it against what was sent.
 */
export function receiptRoot(bytes: Bytes): string {
  const leaves: Bytes[] = [];
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    leaves.push(leafHash(bytes.subarray(start, start + CHUNK_BYTES)));
  }
  return rfc6962Root(leaves).toHex();
}
