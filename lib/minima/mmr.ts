/** Hashing in the Merkle mountain range (spec/maxima.md 4.5). */
import { sha3_256 } from "../hash.ts";
import type { Bytes } from "../bytes.ts";
import { type Decoded, encode, Writer } from "./codec.ts";
import { miniData, miniString } from "./minidata.ts";
import { integer, type MiniNumber, miniNumber, sum } from "./mininumber.ts";
import type { mmrData } from "./witness.ts";

/** A node: the hash of what is below it, and the sum. */
export type MmrData = Decoded<typeof mmrData>;

/** A leaf: `H(number 0 || object || number value)`. */
export function mmrLeaf(object: Bytes, value: MiniNumber): MmrData {
  const bytes = new Writer();
  miniNumber.encode(integer(0), bytes);
  bytes.put(object);
  miniNumber.encode(value, bytes);
  return { hash: sha3_256(bytes.done()), value };
}

/** A parent: `H(number 1 || left || right || sum)`. */
export function mmrParent(left: MmrData, right: MmrData): MmrData {
  const value = sum(left.value, right.value);
  const bytes = new Writer();
  miniNumber.encode(integer(1), bytes);
  miniData.encode(left.hash, bytes);
  miniData.encode(right.hash, bytes);
  miniNumber.encode(value, bytes);
  return { hash: sha3_256(bytes.done()), value };
}

/** The address of a script that stands alone: its leaf, with value 0. */
export function scriptAddress(script: string): Bytes {
  return mmrLeaf(encode(miniString, script), integer(0)).hash;
}
