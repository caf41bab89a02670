/** Keccak's lanes in WebAssembly: one in 64 bits, or two tries' in 128. */
import {
  type Code,
  get,
  I64,
  i64,
  long,
  memory,
  pair,
  tee,
  V128,
} from "./wasm.ts";

/** How a lane is computed with. */
export interface LaneType {
  /** Its type of value. */
  readonly type: number;
  /** How many tries it holds. */
  readonly tries: number;
  /** Bytes in memory. */
  readonly bytes: number;
  /** Zero. */
  readonly zero: Code;
  /** Bitwise exclusive or. */
  xor(a: Code, b: Code): Code;
  /** `a & ~b`. */
  andNot(a: Code, b: Code): Code;
  /** Rotates left; `spare` is a local that may be overwritten. */
  rotate(a: Code, bits: number, spare: number): Code;
  /** From memory. */
  load(address: Code, offset: number): Code;
  /** From 64 bits in memory: the same for all tries. */
  loadSame(address: Code, offset: number): Code;
  /** Into memory. */
  store(address: Code, offset: number, value: Code): Code;
  /** 64 bits, for the first try, plus `step` for each further one. */
  spread(value: Code, step: Code): Code;
  /** 1 if, of any try, all bits that the mask has are 0; else 0. */
  isClear(lane: Code, mask: Code): Code;
}

/** One try: the platform rotates by itself, but has no "and not". */
export const SINGLE: LaneType = {
  type: I64,
  tries: 1,
  bytes: 8,
  zero: i64(0n),
  xor: long.xor,
  andNot: (a, b) => long.and(a, long.xor(b, i64(-1n))),
  rotate: (a, bits) => bits === 0 ? a : long.rotate(a, bits),
  load: memory.load64,
  loadSame: memory.load64,
  store: memory.store64,
  spread: (value) => value,
  isClear: (lane, mask) => long.isZero(long.and(lane, mask)),
};

/** Two tries at once: "and not" is there, a rotation takes three steps. */
export const PAIR: LaneType = {
  type: V128,
  tries: 2,
  bytes: 16,
  zero: pair.splat(i64(0n)),
  xor: pair.xor,
  andNot: pair.andNot,
  rotate(a, bits, spare) {
    if (bits === 0) return a;
    return pair.or(
      pair.shiftLeft(tee(spare, a), bits),
      pair.shiftRight(get(spare), 64 - bits),
    );
  },
  load: memory.loadPair,
  loadSame: memory.loadSplat,
  store: memory.storePair,
  spread: (value, step) =>
    pair.withUpper(pair.splat(value), long.add(value, step)),
  isClear: (lane, mask) =>
    pair.hasAny(
      pair.equal(pair.and(lane, pair.splat(mask)), pair.splat(i64(0n))),
    ),
};
