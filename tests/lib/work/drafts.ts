/** Drafts of TxPoWs: on no chain, and on tips of every size. */
import type { Bytes } from "../../../lib/bytes.ts";
import { MAIN_CHAIN, SUPER_PARENTS } from "../../../lib/minima/constants.ts";
import { DEFAULT_MAGIC, type Magic } from "../../../lib/minima/magic.ts";
import { integer, parseMiniNumber } from "../../../lib/minima/mininumber.ts";
import { EMPTY_TRANSACTION } from "../../../lib/minima/transaction.ts";
import { EMPTY_WITNESS } from "../../../lib/minima/witness.ts";
import type { BodyContents, ChainTip } from "../../../lib/work/mine.ts";
import type { Draft } from "../../../lib/work/search_plan.ts";
import { targetBytes, targetOf } from "../../../lib/work/target.ts";
import { seededRandom } from "../randomness.ts";
import { TIME } from "./mined_units.ts";

const UNUSED = new Uint8Array([0]);

/** A magic whose values have drifted, as on a real chain. */
export const DRIFTED_MAGIC: Magic = {
  ...DEFAULT_MAGIC,
  currentMaxTxPowSize: parseMiniNumber(
    "65540.12345678901234567890123456789012345678901234",
  ),
  currentMaxTransactions: parseMiniNumber("256.00390625"),
};

/** A tip with so many different super parents: 37 bytes of header each. */
export function tipOf(parents: number, seed = "tip"): ChainTip {
  const random = seededRandom(seed);
  const different = Array.from({ length: parents }, () => random(32));
  const last = different.at(-1) ?? UNUSED;
  return {
    blockNumber: integer(1_234_567),
    blockDifficulty: targetBytes(targetOf(10n ** 12n)),
    superParents: [
      ...different,
      ...new Array<Bytes>(SUPER_PARENTS - parents).fill(last),
    ],
    mmrRoot: random(32),
    mmrTotal: parseMiniNumber("999999999.000123"),
    magic: DRIFTED_MAGIC,
  };
}

/** A body with a mempool of so many ids: 36 bytes each. */
export function contentsOf(ids: number): BodyContents {
  const random = seededRandom("mempool");
  return {
    transaction: EMPTY_TRANSACTION,
    witness: EMPTY_WITNESS,
    burnTransaction: EMPTY_TRANSACTION,
    burnWitness: EMPTY_WITNESS,
    txPowIds: Array.from({ length: ids }, () => random(32)),
  };
}

/** A draft. With dust, it is one that stands on no real chain. */
export function draftOf(
  parents: number,
  ids = 0,
  change: Partial<Draft["header"]> = {},
  mayDust = false,
): Draft {
  return {
    header: {
      ...tipOf(parents),
      chainId: MAIN_CHAIN,
      time: integer(TIME),
      customHash: seededRandom("custom")(32),
      ...change,
    },
    body: { ...contentsOf(ids), txnDifficulty: targetBytes(targetOf(64)) },
    mayDust,
  };
}

/** The draft of a message's work: on no chain. */
export function messageDraft(change: Partial<Draft["header"]> = {}): Draft {
  return draftOf(0, 0, {
    blockNumber: integer(0),
    blockDifficulty: UNUSED,
    superParents: new Array<Bytes>(SUPER_PARENTS).fill(UNUSED),
    mmrRoot: UNUSED,
    mmrTotal: integer(0),
    magic: DEFAULT_MAGIC,
    ...change,
  }, true);
}
