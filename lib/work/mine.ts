/**
 * Mining: a TxPoW that commits to a package, and whose id is below a target
 * (spec/maxima.md 5). Unless it is given a chain's tip, it stands on no chain
 * and never claims to be a block.
 *
 * Work that stands on no chain is for relays alone: never send it to a genuine
 * node as type 4, a TxPoW by itself. Its block difficulty of zero makes the node
 * divide by zero, and is dropped.
 */
import { type Bytes, sameBytes } from "../bytes.ts";
import {
  MAIN_CHAIN,
  MIN_WORK_TARGET,
  SUPER_PARENTS,
} from "../minima/constants.ts";
import { DEFAULT_MAGIC } from "../minima/magic.ts";
import { integer } from "../minima/mininumber.ts";
import { EMPTY_TRANSACTION } from "../minima/transaction.ts";
import type { TxBody, TxPow } from "../minima/txpow.ts";
import { bodyHash, meets, txPowId } from "../minima/txpow_facts.ts";
import type { TxHeader } from "../minima/txheader.ts";
import { EMPTY_WITNESS } from "../minima/witness.ts";
import { type RandomBytes, systemRandom } from "../random.ts";
import { checkTxPow } from "./check.ts";
import { type Engine, type EngineName, openEngine } from "./engine.ts";
import { MinerPool } from "./pool.ts";
import { type MiningProgress, Search } from "./search.ts";
import { type Draft, planSearch } from "./search_plan.ts";
import { hashesOf, targetBytes } from "./target.ts";

export type { MiningProgress } from "./search.ts";

/** What a header on a chain's tip takes from the chain (spec/maxima.md 5). */
export type ChainTip = Pick<
  TxHeader,
  | "blockNumber"
  | "blockDifficulty"
  | "superParents"
  | "mmrRoot"
  | "mmrTotal"
  | "magic"
>;

/** What a body holds besides the target and what is random. */
export type BodyContents = Omit<TxBody, "prng" | "txnDifficulty">;

/** What to mine for. */
export interface MineOptions {
  /** The commitment: `H(package)`, 32 bytes. */
  customHash: Bytes;
  /** The id must be below it. */
  target: bigint;
  /** Unix milliseconds, into the header. */
  time: number;
  /** Where the header stands; on no chain, if not said. Its magic is kept. */
  tip?: ChainTip | undefined;
  /** What the body holds; nothing, if not said. */
  contents?: BodyContents | undefined;
  /** Ends the search with its reason. */
  signal?: AbortSignal | undefined;
  /** Called some sixty times a second. */
  onProgress?: ((progress: MiningProgress) => void) | undefined;
  /**
   * Fixed in tests: with the same random, the same unit is found. Where workers
   * mine, the first hit wins, and which that is is chance.
   */
  random?: RandomBytes | undefined;
  /** Milliseconds since some moment; the machine's, if not said. */
  monotonic?: (() => number) | undefined;
  /**
   * Workers that are kept, for work of 50 ms and more. If not said, work of
   * a quarter of a second and more starts some of its own, and ends them; null keeps
   * all of it on this thread.
   */
  pool?: MinerPool | null | undefined;
  /** What to search with; if not said, the fastest that there is. */
  engine?: EngineName | undefined;
}

/** The header's fields of no use here hold one zero byte. */
const UNUSED = new Uint8Array([0]);
/** On no chain: nothing is below such a difficulty, so it is no block. */
const NO_TIP: ChainTip = {
  blockNumber: integer(0),
  blockDifficulty: UNUSED,
  superParents: new Array<Bytes>(SUPER_PARENTS).fill(UNUSED),
  mmrRoot: UNUSED,
  mmrTotal: integer(0),
  magic: DEFAULT_MAGIC,
};
const NO_CONTENTS: BodyContents = {
  transaction: EMPTY_TRANSACTION,
  witness: EMPTY_WITNESS,
  burnTransaction: EMPTY_TRANSACTION,
  burnWitness: EMPTY_WITNESS,
  txPowIds: [],
};
/** Milliseconds of mining before others get their turn. */
const TURN = 16;
/** Permutations between two looks at the clock: 3 ms of plain code. */
const BATCH = 1_024;
/** Seconds of work that are worth sending to workers, and starting them for. */
const WORTH_SENDING = 0.05;
const WORTH_STARTING = 0.25;

/**
 * Searches for a unit; the event loop gets a turn every 16 ms. What was found
 * is checked like anybody's work before it is given back.
 */
export async function mine(options: MineOptions): Promise<TxPow> {
  const { target, signal, onProgress, random = systemRandom } = options;
  const { monotonic = () => performance.now() } = options;
  signal?.throwIfAborted();
  const engine = await openEngine(options.engine);
  signal?.throwIfAborted();
  const plan = planSearch(draftOf(options), random);
  const expected = hashesOf(target);
  const { puzzle } = plan;
  const search = new Search({ puzzle, expected, onProgress, monotonic });
  const stop = () => search.stop(signal?.reason);
  signal?.addEventListener("abort", stop);
  const seconds = expected * plan.permutations / engine.speed;
  const ownPool = options.pool === undefined && seconds >= WORTH_STARTING
    ? new MinerPool({ engine: engine.name })
    : null;
  const pool = seconds >= WORTH_SENDING ? options.pool ?? ownPool : null;
  try {
    const joined = pool?.join(search);
    // Workers take a while to start, and may not start at all.
    const here = { engine, search, monotonic };
    await mineHere(here, () => pool?.isWorking === true);
    await joined;
    await mineHere(here, () => false);
  } finally {
    search.stop(null); // if mining failed, workers need not go on
    signal?.removeEventListener("abort", stop);
    ownPool?.close();
  }
  const unit = plan.unitAt(search.result());
  confirm(unit, options);
  return unit;
}

/** Mines on this thread, in turns with others, until it is over or relieved. */
async function mineHere(
  { engine, search, monotonic }: {
    engine: Engine;
    search: Search;
    monotonic: () => number;
  },
  isRelieved: () => boolean,
): Promise<void> {
  let turn = monotonic();
  while (search.isOpen && !isRelieved()) {
    const slice = search.take(BATCH);
    if (slice === null) return;
    const hit = engine.search(search.puzzle, slice.start, slice.count);
    search.report(slice, hit);
    if (monotonic() - turn < TURN) continue;
    await new Promise((resolve) => setTimeout(resolve));
    turn = monotonic();
  }
}

function draftOf(options: MineOptions): Draft {
  const { customHash, target, time, tip, contents = NO_CONTENTS } = options;
  return {
    header: {
      ...(tip ?? NO_TIP),
      chainId: MAIN_CHAIN,
      time: integer(time),
      customHash,
    },
    body: { ...contents, txnDifficulty: targetBytes(target) },
    mayDust: tip === undefined,
  };
}

/** By the code that checks everybody's work, and nothing of the search's. */
function confirm(unit: TxPow, { customHash, target }: MineOptions): void {
  const { header, body } = unit;
  const isBound = body !== null && sameBytes(header.bodyHash, bodyHash(body)) &&
    sameBytes(header.customHash, customHash);
  if (!isBound || !meets(txPowId(header), targetBytes(target))) {
    throw new Error("mining gave a unit that its own check refuses");
  }
  // Targets easier than the network's are for tests; no relay takes them.
  if (target <= MIN_WORK_TARGET) checkTxPow(unit);
}
