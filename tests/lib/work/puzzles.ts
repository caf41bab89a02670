/** Puzzles of random messages, and what their hashes are by another's code. */
import { sha3_256 } from "@noble/hashes/sha3.js";
import type { Bytes } from "../../../lib/bytes.ts";
import { integerOfBytes } from "../../../lib/minima/minidata.ts";
import { PAIR, SINGLE } from "../../../lib/work/lane_type.ts";
import { type Puzzle, stageOf } from "../../../lib/work/puzzle.ts";
import { writePuzzle } from "../../../lib/work/search_memory.ts";
import {
  type SearchExports,
  searchModule,
} from "../../../lib/work/search_wasm.ts";

/** Bytes that a counter takes, as the planner lays it out. */
const COUNTER_BYTES = 6;
const DIGEST = 32;

/** A message and where in it the counter stands. */
export interface Counted {
  readonly message: Bytes;
  readonly at: number;
}

/** The message with a counter in place, its lowest byte first. */
export function withCounter({ message, at }: Counted, counter: number): Bytes {
  const bytes = message.slice();
  for (let i = 0; i < COUNTER_BYTES; i++) {
    bytes[at + i] = Math.floor(counter / 256 ** i) % 256;
  }
  return bytes;
}

/** One message; the counter may stand anywhere within a lane. */
export function puzzleOf(counted: Counted, target: bigint): Puzzle {
  const shift = counted.at % 8;
  const message = withCounter(counted, 0);
  return { stages: [stageOf(message, counted.at - shift)], shift, target };
}

/** A message whose hash stands in another, `slot` being at a lane. */
export function chainedPuzzle(
  counted: Counted,
  outer: Bytes,
  slot: number,
  target: bigint,
): Puzzle {
  const [inner] = puzzleOf(counted, target).stages;
  const around = outer.slice();
  around.fill(0, slot, slot + DIGEST);
  const stages = [inner, stageOf(around, slot)] as const;
  return { stages, shift: counted.at % 8, target };
}

/** The hash of one message with a counter in it, by noble. */
export function nobleHash(counted: Counted, counter: number): Bytes {
  return sha3_256(withCounter(counted, counter));
}

/** The hash of a message with such a hash in it, by noble. */
export function chainedHash(
  counted: Counted,
  outer: Bytes,
  slot: number,
  counter: number,
): Bytes {
  const message = outer.slice();
  message.set(nobleHash(counted, counter), slot);
  return sha3_256(message);
}

/** The first eight bytes of a hash, the first of them lowest. */
export function firstLane(hash: Bytes): bigint {
  return new DataView(hash.buffer, hash.byteOffset).getBigUint64(0, true);
}

/** The counter of the least hash among the first, and a target just above. */
export function leastOf(
  hashes: readonly Bytes[],
): { counter: number; target: bigint } {
  const numbers = hashes.map(integerOfBytes);
  const least = numbers.reduce((a, b) => a < b ? a : b);
  return { counter: numbers.indexOf(least), target: least + 1n };
}

/** Reads the first lane of a hash out of a search module, bit by bit. */
export function laneReader(
  name: "simd" | "scalar",
): (puzzle: Puzzle, counter: number) => bigint {
  const laneTypes = name === "simd" ? [PAIR, SINGLE] : [SINGLE];
  const module = new WebAssembly.Module(searchModule(laneTypes));
  const instance = new WebAssembly.Instance(module);
  const { memory, search } = instance.exports as unknown as SearchExports;
  return (puzzle, counter) => {
    writePuzzle(memory.buffer, puzzle, laneTypes);
    const [first, second] = puzzle.stages;
    const firstEnd = first.blocks.length;
    let lane = 0n;
    for (let bit = 0n; bit < 64n; bit++) {
      // With a step of 0 all tries of a turn are the same; a single one that
      // computes something else would add zeros of its own.
      const isZero = search(
        BigInt(counter) << BigInt(8 * puzzle.shift),
        0n,
        1n << bit,
        1,
        firstEnd,
        firstEnd + (second?.blocks.length ?? 0),
        first.slot,
        firstEnd + (second?.slot ?? 0),
      ) === 0;
      if (!isZero) lane |= 1n << bit;
    }
    return lane;
  };
}
