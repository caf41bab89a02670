/** TxHeader: what a TxPoW's id is the hash of (spec/maxima.md 4.1). */
import { byte, type Codec, type Decoded, struct } from "./codec.ts";
import { type Bytes, sameBytes } from "../bytes.ts";
import { SUPER_PARENTS } from "./constants.ts";
import { magic } from "./magic.ts";
import { hashField, miniData } from "./minidata.ts";
import { miniNumber } from "./mininumber.ts";

/**
 * 32 hashes as runs of equal ones: `u8 count || hash`, until the counts add to
 * 32. A run of none, or two runs of the same hash, read but are not canonical.
 */
export const superParents: Codec<readonly Bytes[]> = {
  encode(parents, to) {
    for (let start = 0, end = 0; start < parents.length; start = end) {
      const parent = parents[start] as Bytes;
      while (end < parents.length && sameBytes(parents[end] as Bytes, parent)) {
        end++;
      }
      byte.encode(end - start, to);
      hashField.encode(parent, to);
    }
  },
  decode(from) {
    const parents: Bytes[] = [];
    let last: Bytes | null = null;
    while (parents.length < SUPER_PARENTS) {
      const count = byte.decode(from);
      const parent = hashField.decode(from);
      if (parents.length + count > SUPER_PARENTS) {
        throw from.error("too-many-parents", "more than 32 super parents");
      }
      if (count === 0 || (last !== null && sameBytes(last, parent))) {
        from.deviate();
      }
      last = parent;
      for (let i = 0; i < count; i++) parents.push(parent);
    }
    return parents;
  },
};

/** The header, 229 bytes in its plainest form and up to some 1,480. */
export const txHeader = struct({
  nonce: miniNumber, // the first bytes of the header
  chainId: miniData, // 00 on the main net
  time: miniNumber, // ms since 1970
  blockNumber: miniNumber, // the tip's, plus one
  blockDifficulty: miniData, // the id of a block is below it
  superParents, // level i: the last block of super level i or more
  mmrRoot: hashField,
  mmrTotal: miniNumber, // sum of all coins
  magic,
  customHash: hashField, // Maxima: the hash of the package; 00 when unused
  bodyHash: hashField,
});

/** The header of a TxPoW. */
export type TxHeader = Decoded<typeof txHeader>;
