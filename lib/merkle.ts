/**
 * Merkle trees of RFC 6962, 2.1, with SHA-256: over the chunks of a message in
 * its receipt, and over whatever else is to be proven part of a whole.
 */
import { type Bytes, sameBytes } from "./bytes.ts";
import { sha256 } from "./hash.ts";

/** Goes before a leaf that is hashed, so that none is a node… */
const LEAF = Uint8Array.of(0);
/** …and before two nodes that are hashed together, so that none is a leaf. */
const NODE = Uint8Array.of(1);

/** `SHA-256(00 || data)`, 32 bytes. */
export function leafHash(data: Uint8Array): Bytes {
  return sha256(LEAF, data);
}

/** `SHA-256(01 || left || right)`. */
function nodeHash(left: Bytes, right: Bytes): Bytes {
  return sha256(NODE, left, right);
}

/**
 * The root over leaf hashes, 32 bytes; of none it is the hash of nothing.
 *
 * The RFC splits at the largest power of two below the count. That is the same
 * as pairing level by level, where one that is left over goes up as it is.
 */
export function merkleRoot(leaves: readonly Bytes[]): Bytes {
  let level = leaves;
  while (level.length > 1) level = levelAbove(level);
  return level[0] ?? sha256();
}

function levelAbove(level: readonly Bytes[]): Bytes[] {
  const above: Bytes[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const [left, right] = level.slice(i, i + 2);
    if (left === undefined) continue;
    above.push(right === undefined ? left : nodeHash(left, right));
  }
  return above;
}

/**
 * The hashes that lead from a leaf to the root, the lowest first: at most one a
 * level (RFC 6962, 2.1.1).
 *
 * @throws {RangeError} if there is no leaf of that index
 */
export function inclusionPath(
  leaves: readonly Bytes[],
  index: number,
): Bytes[] {
  if (!isIndexOf(leaves.length, index)) {
    throw new RangeError(`no leaf ${index} of ${leaves.length}`);
  }
  const path: Bytes[] = [];
  let [level, at] = [leaves, index];
  while (level.length > 1) {
    const sibling = level[at ^ 1];
    if (sibling !== undefined) path.push(sibling);
    [level, at] = [levelAbove(level), at >> 1];
  }
  return path;
}

/** What is said of a leaf, and is to be checked. */
export interface Inclusion {
  /** Its hash. */
  readonly leaf: Bytes;
  /** Where it stands, from 0. */
  readonly index: number;
  /** How many leaves there are; at most 2^31 - 1. */
  readonly size: number;
  /** What {@link inclusionPath} gave. */
  readonly path: readonly Bytes[];
  /** The root over all leaves. */
  readonly root: Bytes;
}

/** Whether the path leads from the leaf, at its place, to the root. */
export function verifyInclusion(
  { leaf, index, size, path, root }: Inclusion,
): boolean {
  if (!isIndexOf(size, index)) return false;
  let [hash, at, last] = [leaf, index, size - 1];
  let used = 0;
  for (; last > 0; at >>= 1, last >>= 1) {
    if (at === last && at % 2 === 0) continue; // left over: no sibling
    const sibling = path[used++];
    if (sibling?.length !== root.length) return false;
    hash = at % 2 === 0 ? nodeHash(hash, sibling) : nodeHash(sibling, hash);
  }
  return used === path.length && sameBytes(hash, root);
}

/** Whether that many leaves have one of that index, in the bits of a shift. */
function isIndexOf(size: number, index: number): boolean {
  return Number.isInteger(index) && size === (size | 0) && index >= 0 &&
    index < size;
}
