/**
 * Keccak-f[1600] in plain code, and the numbers it is made from (FIPS 202,
 * section 3). It computes what the miner needs once; where WebAssembly is
 * missing, it mines.
 */
import type { Bytes } from "../bytes.ts";

/** Lanes of a state: five by five, lane `x + 5·y`, 64 bits each. */
export const LANES = 25;
/** Bytes of a lane. */
export const LANE = 8;
/** Bytes of a state. */
export const STATE = LANES * LANE;
/** Bytes of a block of SHA3-256: what one permutation takes in. */
export const BLOCK = 136;
/** Lanes of a block. */
export const BLOCK_LANES = BLOCK / LANE;
/** Rounds of a permutation. */
export const ROUNDS = 24;
/** Bytes of a hash. */
export const DIGEST = 32;

/** The constant of each round: bits of a shift register (algorithm 5). */
export const ROUND_CONSTANTS: readonly bigint[] = roundConstants();

function roundConstants(): bigint[] {
  let register = 1;
  return Array.from({ length: ROUNDS }, () => {
    let constant = 0n;
    for (let j = 0; j < 7; j++) {
      if (register & 1) constant |= 1n << BigInt((1 << j) - 1);
      register = (register << 1) ^ (register >> 7) * 0x171;
    }
    return constant;
  });
}

/** By how many bits the step rho rotates each lane (algorithm 2). */
export const ROTATIONS: readonly number[] = rotations();

function rotations(): number[] {
  const offsets = new Array<number>(LANES).fill(0);
  for (let t = 0, x = 1, y = 0; t < ROUNDS; t++) {
    offsets[x + 5 * y] = (t + 1) * (t + 2) / 2 % 64;
    [x, y] = [y, (2 * x + 3 * y) % 5];
  }
  return offsets;
}

/** From which lane the step pi takes each lane (algorithm 3). */
export const SOURCES: readonly number[] = Array.from(
  { length: LANES },
  (_, lane) => {
    const [x, y] = [lane % 5, Math.floor(lane / 5)];
    return (x + 3 * y) % 5 + 5 * x;
  },
);

/** A state as 50 words of 32 bits: of each lane the lower, then the upper. */
export type State = Int32Array<ArrayBuffer>;

/** A state of zeros, where every hash starts. */
export function emptyState(): State {
  return new Int32Array(2 * LANES);
}

const CONSTANT_WORDS = Int32Array.from(
  ROUND_CONSTANTS.flatMap((constant) => [
    Number(BigInt.asIntN(32, constant)),
    Number(constant >> 32n),
  ]),
);
/** Where the words of each lane come from, which first, and rotated how far. */
const SOURCE_WORDS = Int32Array.from(SOURCES, (lane) => 2 * lane);
const SWAPS = Int32Array.from(SOURCES, (lane) => rotationOf(lane) >> 5);
const BITS = Int32Array.from(SOURCES, (lane) => rotationOf(lane) & 31);
const columns = new Int32Array(10);
const moved = new Int32Array(2 * LANES);

// Every index below is within its array; the types cannot know.
const word = (words: Int32Array, i: number): number => words[i] as number;
function rotationOf(lane: number): number {
  return ROTATIONS[lane] as number;
}

/** Keccak-f[1600], in place. */
export function permute(state: State): void {
  for (let round = 0; round < ROUNDS; round++) {
    theta(state);
    rhoAndPi(state);
    chi(state);
    state[0] = word(state, 0) ^ word(CONSTANT_WORDS, 2 * round);
    state[1] = word(state, 1) ^ word(CONSTANT_WORDS, 2 * round + 1);
  }
}

function theta(state: State): void {
  for (let i = 0; i < 10; i++) {
    columns[i] = word(state, i) ^ word(state, i + 10) ^ word(state, i + 20) ^
      word(state, i + 30) ^ word(state, i + 40);
  }
  for (let x = 0; x < 10; x += 2) {
    const before = x === 0 ? 8 : x - 2;
    const after = x === 8 ? 0 : x + 2;
    const low = word(columns, after);
    const high = word(columns, after + 1);
    const d0 = word(columns, before) ^ (low << 1 | high >>> 31);
    const d1 = word(columns, before + 1) ^ (high << 1 | low >>> 31);
    for (let i = x; i < 50; i += 10) {
      state[i] = word(state, i) ^ d0;
      state[i + 1] = word(state, i + 1) ^ d1;
    }
  }
}

function rhoAndPi(state: State): void {
  moved[0] = word(state, 0); // the one lane that stays as it is
  moved[1] = word(state, 1);
  for (let lane = 1; lane < LANES; lane++) {
    const source = word(SOURCE_WORDS, lane);
    // Rotating by 32 bits and more swaps the words.
    const swap = word(SWAPS, lane);
    const bits = word(BITS, lane);
    const low = word(state, source + swap);
    const high = word(state, source + 1 - swap);
    moved[2 * lane] = low << bits | high >>> (32 - bits);
    moved[2 * lane + 1] = high << bits | low >>> (32 - bits);
  }
}

function chi(state: State): void {
  for (let row = 0; row < 50; row += 10) {
    for (let i = row; i < row + 2; i++) {
      const a = word(moved, i);
      const b = word(moved, i + 2);
      const c = word(moved, i + 4);
      const d = word(moved, i + 6);
      const e = word(moved, i + 8);
      state[i] = a ^ (~b & c);
      state[i + 2] = b ^ (~c & d);
      state[i + 4] = c ^ (~d & e);
      state[i + 6] = d ^ (~e & a);
      state[i + 8] = e ^ (~a & b);
    }
  }
}

/** Takes in whole blocks, one permutation each. */
export function absorb(state: State, blocks: Uint8Array): void {
  const words = new DataView(blocks.buffer, blocks.byteOffset, blocks.length);
  for (let at = 0; at < blocks.length; at += BLOCK) {
    for (let i = 0; i < 2 * BLOCK_LANES; i++) {
      state[i] = word(state, i) ^ words.getInt32(at + 4 * i, true);
    }
    permute(state);
  }
}

/** The bytes of a state, or the first of them. */
export function bytesOf(state: State, length: number): Bytes {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < length; at += 4) {
    view.setInt32(at, word(state, at / 4), true);
  }
  return bytes;
}

/** How many blocks a message of SHA3-256 takes, that is, permutations. */
export function blocksOf(length: number): number {
  return Math.floor(length / BLOCK) + 1;
}

/** A message with the padding of SHA3-256: whole blocks. */
export function pad(message: Uint8Array): Bytes {
  const blocks = new Uint8Array(BLOCK * blocksOf(message.length));
  blocks.set(message);
  blocks[message.length] = 0x06;
  blocks[blocks.length - 1] = (blocks[blocks.length - 1] ?? 0) | 0x80;
  return blocks;
}
