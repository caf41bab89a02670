/** Random bytes that are the same at every run. */
import { sha3_256 } from "../../lib/hash.ts";
import type { RandomBytes } from "../../lib/random.ts";

/** A generator that gives the same bytes, in the same order, for a seed. */
export function seededRandom(seed: string): RandomBytes {
  let drawn = 0;
  return (length) => {
    const bytes = new Uint8Array(length);
    for (let filled = 0; filled < length; filled += 32) {
      const block = sha3_256(new TextEncoder().encode(`${seed} ${drawn++}`));
      bytes.set(block.subarray(0, length - filled), filled);
    }
    return bytes;
  };
}
