/** Headers of 2 to 5 hash blocks, laid out in each way of mining. */
import type { Bytes } from "../lib/bytes.ts";
import { encode } from "../lib/minima/codec.ts";
import { MAIN_CHAIN, SUPER_PARENTS } from "../lib/minima/constants.ts";
import { DEFAULT_MAGIC } from "../lib/minima/magic.ts";
import { integer } from "../lib/minima/mininumber.ts";
import { EMPTY_TRANSACTION } from "../lib/minima/transaction.ts";
import { txHeader } from "../lib/minima/txheader.ts";
import { EMPTY_WITNESS } from "../lib/minima/witness.ts";
import { systemRandom } from "../lib/random.ts";
import { blocksOf } from "../lib/work/keccak.ts";
import {
  cheapestLayout,
  type Draft,
  planSearch,
  type SearchPlan,
  type Way,
} from "../lib/work/search_plan.ts";

/** The ways of mining, the cheapest first. */
export const WAYS = ["dust", "prng", "nonce"] as const;

/** A header of so many blocks, laid out in each way. */
export interface MiningCase {
  /** Blocks of the header. */
  readonly blocks: number;
  /** The header, for those who hash all of it. */
  readonly header: Bytes;
  /** The searches; nothing solves them. */
  readonly plans: Readonly<Record<Way, SearchPlan>>;
}

/** The first header found that takes one permutation with dust, two with prng. */
export function miningCase(blocks: number): MiningCase {
  for (let parents = 0; parents <= SUPER_PARENTS; parents++) {
    for (let rootBytes = 1; rootBytes <= 32; rootBytes++) {
      const draft = draftOf(parents, rootBytes);
      const plan = (way: Way) =>
        planSearch(draft, systemRandom, cheapestLayout(draft, [way]));
      const [dust, prng, nonce] = [plan("dust"), plan("prng"), plan("nonce")];
      const header = encode(txHeader, dust.unitAt(1).header);
      const isSuch = dust.permutations === 1 && prng.permutations === 2 &&
        nonce.permutations === blocks && blocksOf(header.length) === blocks;
      if (isSuch) return { blocks, header, plans: { dust, prng, nonce } };
    }
  }
  throw new Error(`no header of ${blocks} blocks`);
}

function draftOf(parents: number, rootBytes: number): Draft {
  const unused = new Uint8Array([0]);
  const different = Array.from({ length: parents }, () => systemRandom(32));
  const same = new Array<Bytes>(SUPER_PARENTS - parents).fill(unused);
  return {
    header: {
      chainId: MAIN_CHAIN,
      time: integer(Date.now()),
      blockNumber: integer(0),
      blockDifficulty: unused,
      superParents: [...different, ...same],
      mmrRoot: new Uint8Array(rootBytes),
      mmrTotal: integer(0),
      magic: DEFAULT_MAGIC,
      customHash: systemRandom(32),
    },
    body: {
      txnDifficulty: unused, // nothing is below it: the search goes on
      transaction: EMPTY_TRANSACTION,
      witness: EMPTY_WITNESS,
      burnTransaction: EMPTY_TRANSACTION,
      burnWitness: EMPTY_WITNESS,
      txPowIds: [],
    },
    mayDust: true,
  };
}
