/** Targets and the hashes they are expected to take (spec/maxima.md 3). */
import { MAX_HASH } from "../minima/constants.ts";
import type { Bytes } from "../bytes.ts";
import { bytesOfInteger } from "../minima/minidata.ts";

/** The target that takes that many hashes; a bigger target is easier. */
export function targetOf(hashes: number | bigint): bigint {
  return MAX_HASH / BigInt(hashes);
}

/** The hashes a target is expected to take, to the nearest whole one. */
export function hashesOf(target: bigint): number {
  if (target <= 0n) return Infinity;
  return Number((2n * MAX_HASH + target) / (2n * target));
}

/** A target as the wire carries it. */
export function targetBytes(target: bigint): Bytes {
  return bytesOfInteger(target);
}

/** A target in JSON: 64 lower-case hex digits. */
export function hexTarget(target: bigint): string {
  return target.toString(16).padStart(64, "0");
}
