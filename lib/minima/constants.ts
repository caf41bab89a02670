/** Numbers of the Minima network (spec/maxima.md 1, 3 and 12). */
import { bytesOfInteger } from "./minidata.ts";

/** The largest hash: 2^256 - 1. */
export const MAX_HASH = 2n ** 256n - 1n;
/** Hashes that the easiest allowed TxPoW is expected to take. */
export const MIN_HASHES = 10_000;
/** The easiest allowed difficulty, as a number: an id must be below it. */
export const MIN_WORK_TARGET: bigint = MAX_HASH / BigInt(MIN_HASHES);
/** {@link MIN_WORK_TARGET} as the wire carries it: 31 bytes. */
export const MIN_WORK: Uint8Array<ArrayBuffer> = bytesOfInteger(
  MIN_WORK_TARGET,
);
/** Most bytes of a serialised MaximaPackage. */
export const MAX_PACKAGE_BYTES = 262_144;
/** Most bytes of a TxPoW at the default magic numbers. */
export const MAX_TXPOW_BYTES = 65_536;
/** Entries in the list of super parents. */
export const SUPER_PARENTS = 32;
/** The chain id of the main net. */
export const MAIN_CHAIN: Uint8Array<ArrayBuffer> = new Uint8Array([0]);
/** The version text of every Maxima structure. */
export const MAXIMA_VERSION = "1.0";
