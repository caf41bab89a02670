/** Envelopes as genuine senders make them, and such as they never would. */
import { encode } from "../../../lib/minima/codec.ts";
import {
  MAIN_CHAIN,
  MAX_HASH,
  MIN_WORK_TARGET,
} from "../../../lib/minima/constants.ts";
import {
  type MaximaPackage,
  type MaxTxPow,
  packageHash,
} from "../../../lib/minima/maxima.ts";
import { integerOfBytes } from "../../../lib/minima/minidata.ts";
import { integer } from "../../../lib/minima/mininumber.ts";
import type { TxBody } from "../../../lib/minima/txpow.ts";
import { bodyHash } from "../../../lib/minima/txpow_facts.ts";
import { type TxHeader, txHeader } from "../../../lib/minima/txheader.ts";
import { mine } from "../../../lib/work/mine.ts";
import { sha3_256 } from "../../../lib/hash.ts";
import { targetBytes, targetOf } from "../../../lib/work/target.ts";
import { seededRandom } from "../randomness.ts";
import { ALICE } from "../seal/keys.ts";

/** When they are mined: Unix milliseconds. */
export const TIME = 1_790_000_000_000;

/** A package to Alice, which nobody can open. */
export const PACKAGE: MaximaPackage = {
  version: "1.0",
  to: ALICE.publicKey,
  data: new Uint8Array(300).fill(0x5e),
};

/** One for that package, mined at the network minimum. */
export const UNIT: MaxTxPow = {
  version: "1.0",
  package: PACKAGE,
  txPow: await mine({
    customHash: packageHash(PACKAGE),
    target: MIN_WORK_TARGET,
    time: TIME,
    random: seededRandom("unit"),
  }),
};

/** What an envelope is made from. */
export interface Plan {
  version: string;
  package: MaximaPackage;
  chainId: TxHeader["chainId"];
  /** Null: the package's own hash. */
  customHash: TxHeader["customHash"] | null;
  target: bigint;
  hasBody: boolean;
  /** Null: the body's own hash. */
  bodyHash: TxHeader["bodyHash"] | null;
  /** The id is to be below the first and not below the second. */
  below: bigint;
  notBelow: bigint;
}

/** The plan that everybody keeps to. */
export const GENUINE: Plan = {
  version: "1.0",
  package: PACKAGE,
  chainId: MAIN_CHAIN,
  customHash: null,
  target: targetOf(11_000),
  hasBody: true,
  bodyHash: null,
  below: targetOf(11_000),
  notBelow: 0n,
};

/** Mines an envelope by a plan. */
export function build(plan: Plan): MaxTxPow {
  const made = UNIT.txPow.body;
  if (made === null) throw new TypeError("the mined unit has no body");
  const body: TxBody = { ...made, txnDifficulty: targetBytes(plan.target) };
  const header = withNonce({
    ...UNIT.txPow.header,
    chainId: plan.chainId,
    customHash: plan.customHash ?? packageHash(plan.package),
    bodyHash: plan.bodyHash ?? bodyHash(body),
  }, (id) => id < plan.below && id >= plan.notBelow);
  return {
    version: plan.version,
    package: plan.package,
    txPow: { header, body: plan.hasBody ? body : null },
  };
}

/** The header with the first nonce whose id will do. */
function withNonce(
  header: TxHeader,
  isWanted: (id: bigint) => boolean,
): TxHeader {
  for (let count = 0; count < 1_000_000; count++) {
    const nonce = integer(count);
    const tried = { ...header, nonce };
    const id = integerOfBytes(sha3_256(encode(txHeader, tried)));
    if (isWanted(id)) return tried;
  }
  throw new RangeError("no nonce below a million gives such an id");
}

/** Above every id. */
export const ANY_ID = MAX_HASH + 1n;
