/** Where a puzzle lies in the memory of the search module, and putting it there. */
import { BLOCK, DIGEST, LANE, ROUND_CONSTANTS, ROUNDS } from "./keccak.ts";
import { type LaneType, PAIR } from "./lane_type.ts";
import { permutationsOf, type Puzzle } from "./puzzle.ts";

/** The constants of the rounds, a lane each. */
export const CONSTANTS = 0;
/** What the slots hold by themselves: a lane of the first stage… */
export const FIRST_CONTENTS: number = CONSTANTS + LANE * ROUNDS;
/** …and four of the second. */
export const SECOND_CONTENTS: number = FIRST_CONTENTS + LANE;
const CAPACITY = 64;
const CAPACITIES = SECOND_CONTENTS + DIGEST;
/** Most blocks of both stages together. */
export const MAX_BLOCKS = 120;
const SINGLE_BLOCKS = CAPACITIES + 2 * CAPACITY;
const PAIR_BLOCKS = SINGLE_BLOCKS + BLOCK * MAX_BLOCKS;

/** Where the capacity of a stage lies. */
export function capacityAt(stage: number): number {
  return CAPACITIES + CAPACITY * stage;
}

/** Where the blocks lie: once for every type, as its counters go in there. */
export function blocksAt(lanes: LaneType): number {
  return lanes === PAIR ? PAIR_BLOCKS : SINGLE_BLOCKS;
}

/** The constants of the rounds, as memory starts with them. */
export function constantBytes(): Uint8Array {
  const bytes = new Uint8Array(LANE * ROUNDS);
  const view = new DataView(bytes.buffer);
  for (const [i, constant] of ROUND_CONSTANTS.entries()) {
    view.setBigUint64(LANE * i, constant, true);
  }
  return bytes;
}

/**
 * Writes a puzzle for searching with such lanes.
 *
 * @throws {RangeError} if it has more than {@link MAX_BLOCKS} blocks
 */
export function writePuzzle(
  memory: ArrayBufferLike,
  puzzle: Puzzle,
  laneTypes: readonly LaneType[],
): void {
  const count = permutationsOf(puzzle);
  if (count > MAX_BLOCKS) {
    throw new RangeError(`a search of ${count} blocks, not ${MAX_BLOCKS}`);
  }
  const bytes = new Uint8Array(memory);
  let before = 0;
  for (const [i, { blocks, capacity, slot }] of puzzle.stages.entries()) {
    bytes.set(capacity, capacityAt(i));
    const contents = i === 0
      ? blocks.subarray(slot, slot + LANE)
      : blocks.subarray(slot, slot + DIGEST);
    bytes.set(contents, i === 0 ? FIRST_CONTENTS : SECOND_CONTENTS);
    for (const lanes of laneTypes) {
      const at = blocksAt(lanes) + before * lanes.tries;
      spread(blocks, bytes.subarray(at), lanes.tries);
    }
    before += blocks.length;
  }
}

/** Each lane so many times. */
function spread(blocks: Uint8Array, to: Uint8Array, times: number): void {
  for (let at = 0; at < blocks.length; at += LANE) {
    const lane = blocks.subarray(at, at + LANE);
    for (let i = 0; i < times; i++) to.set(lane, at * times + LANE * i);
  }
}
