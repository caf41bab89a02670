/**
 * What is searched, with the words of the format left behind: a message in
 * which a counter stands, hashed, and perhaps its hash within a second message,
 * hashed as well. What stands before is hashed once, not with every try.
 */
import type { Bytes } from "../bytes.ts";
import { integerOfBytes } from "../minima/minidata.ts";
import {
  absorb,
  BLOCK,
  BLOCK_LANES,
  bytesOf,
  DIGEST,
  emptyState,
  LANE,
  pad,
  STATE,
  type State,
} from "./keccak.ts";

/** One message, from the first block on that differs from try to try. */
export interface Stage {
  /** The blocks, padded; the state before is XORed into the first. */
  readonly blocks: Bytes;
  /** The rest of the state before: its last 64 bytes. */
  readonly capacity: Bytes;
  /** Where in the blocks what differs is XORed in: bytes, at a lane. */
  readonly slot: number;
}

/** A search. It can be sent to a worker. */
export interface Puzzle {
  /** In the slot of the first goes the counter, in the second's a hash. */
  readonly stages: readonly [Stage] | readonly [Stage, Stage];
  /** The counter's first byte within its lane, 0 to 7; its lowest bits. */
  readonly shift: number;
  /** The hash of the last stage must be below it. */
  readonly target: bigint;
}

/** A message of which `slot` and what is behind it differ, `slot` at a lane. */
export function stageOf(message: Uint8Array, slot: number): Stage {
  if (slot % LANE !== 0) throw new RangeError(`byte ${slot} starts no lane`);
  const padded = pad(message);
  const before = slot - slot % BLOCK;
  const state = emptyState();
  absorb(state, padded.subarray(0, before));
  const midstate = bytesOf(state, STATE);
  const blocks = padded.slice(before);
  for (let i = 0; i < BLOCK; i++) {
    blocks[i] = (blocks[i] ?? 0) ^ (midstate[i] ?? 0);
  }
  return {
    blocks,
    capacity: midstate.slice(BLOCK),
    slot: slot - before,
  };
}

/** How many permutations a try takes. */
export function permutationsOf({ stages }: Puzzle): number {
  return stages.reduce((sum, { blocks }) => sum + blocks.length / BLOCK, 0);
}

/** The hash that a counter gives, in plain code. */
export function hashAt({ stages, shift }: Puzzle, counter: number): Bytes {
  let inserted = new Uint8Array(LANE);
  const shifted = BigInt(counter) << BigInt(8 * shift);
  new DataView(inserted.buffer).setBigUint64(0, shifted, true);
  for (const stage of stages) inserted = hashWith(stage, inserted);
  return inserted;
}

function hashWith(stage: Stage, inserted: Uint8Array): Bytes {
  const blocks = stage.blocks.slice();
  for (let i = 0; i < inserted.length; i++) {
    const at = stage.slot + i;
    blocks[at] = (blocks[at] ?? 0) ^ (inserted[i] ?? 0);
  }
  const state = stateOf(stage.capacity);
  absorb(state, blocks);
  return bytesOf(state, DIGEST);
}

/** Zeros, and the capacity behind them. */
function stateOf(capacity: Bytes): State {
  const state = emptyState();
  const words = new DataView(capacity.buffer, capacity.byteOffset);
  for (let i = 0; i < capacity.length / 4; i++) {
    state[2 * BLOCK_LANES + i] = words.getInt32(4 * i, true);
  }
  return state;
}

/** Whether a counter solves the puzzle. */
export function solves(puzzle: Puzzle, counter: number): boolean {
  return integerOfBytes(hashAt(puzzle, counter)) < puzzle.target;
}

/**
 * The bits of a hash's first lane that every hash below the target has at zero:
 * the quick test, which passes at most twice as many as it should.
 */
export function quickMask(target: bigint): bigint {
  const leading = 256 - (target <= 0n ? 0 : bitsOf(target - 1n));
  const ones = leading === 0
    ? 0n
    : BigInt.asUintN(64, ~(2n ** BigInt(Math.max(0, 64 - leading)) - 1n));
  // The lane's first byte, its lowest, is the hash's most significant.
  const bytes = new DataView(new ArrayBuffer(LANE));
  bytes.setBigUint64(0, ones);
  return bytes.getBigUint64(0, true);
}

function bitsOf(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}
