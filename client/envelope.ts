/** Doing the work for a sealed package: the envelope that is posted. */
import type { Bytes } from "../lib/bytes.ts";
import { encode } from "../lib/minima/codec.ts";
import { MAXIMA_VERSION } from "../lib/minima/constants.ts";
import {
  type MaximaPackage,
  maxTxPow,
  packageHash,
} from "../lib/minima/maxima.ts";
import { mine, type MiningProgress } from "../lib/work/mine.ts";
import type { MinerPool } from "../lib/work/pool.ts";
import { hashesOf } from "../lib/work/target.ts";
import { ClientError } from "./error.ts";

/** The work that is asked for, and how much of it we are willing to do. */
export interface WorkOptions {
  /** What the relay asks for. */
  readonly target: bigint;
  /** Most hashes to mine; {@link MAX_HASHES}, if not said. */
  readonly maxHashes?: number | undefined;
  /** Ends it all with its reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Workers to mine with, if they are to be kept for more than one message. If
   * not said, long work starts some of its own; null starts none.
   */
  readonly pool?: MinerPool | null | undefined;
  /** Told how the mining goes. */
  readonly onMining?: ((progress: MiningProgress) => void) | undefined;
}

/** What nobody should mine for a message: half a minute of one core. */
export const MAX_HASHES = 200_000_000;

/**
 * Refuses work that nobody should do.
 *
 * @throws {ClientError} `price-too-high`
 */
export function requireAffordable(
  target: bigint,
  maxHashes: number = MAX_HASHES,
): void {
  // The target's own hashes: what the relay calls them proves nothing.
  const hashes = hashesOf(target);
  if (hashes <= maxHashes) return;
  throw new ClientError(
    "price-too-high",
    `the relay asks for ${hashes} hashes, which is more than ${maxHashes}`,
  );
}

/**
 * Mines for a package, at a time in Unix milliseconds, and puts both into an
 * envelope.
 *
 * @throws {ClientError} `price-too-high`, before anything is mined
 */
export async function mineEnvelope(
  sealed: MaximaPackage,
  options: WorkOptions,
  time: number = Date.now(),
): Promise<Bytes> {
  const { target, maxHashes, signal, pool, onMining } = options;
  requireAffordable(target, maxHashes);
  const txPow = await mine({
    customHash: packageHash(sealed),
    target,
    time,
    signal,
    pool,
    onProgress: onMining,
  });
  return encode(maxTxPow, { version: MAXIMA_VERSION, package: sealed, txPow });
}
