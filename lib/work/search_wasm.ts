/**
 * The search loop in WebAssembly: counter after counter into the puzzle, and
 * out with the first whose hash passes the quick test.
 */
import type { Bytes } from "../bytes.ts";
import { BLOCK, DIGEST, LANE, ROUNDS } from "./keccak.ts";
import { LaneState, roundOfAll } from "./keccak_wasm.ts";
import type { LaneType } from "./lane_type.ts";
import {
  blocksAt,
  capacityAt,
  constantBytes,
  CONSTANTS,
  FIRST_CONTENTS,
  SECOND_CONTENTS,
} from "./search_memory.ts";
import {
  assemble,
  block,
  branch,
  branchIf,
  type Code,
  get,
  giveBack,
  I32,
  i32,
  I64,
  i64,
  int,
  Locals,
  long,
  loop,
  select,
  set,
  tee,
  when,
} from "./wasm.ts";

/** What the module exports. */
export interface SearchExports {
  /** The puzzle is written here. */
  readonly memory: WebAssembly.Memory;
  /**
   * Tries so many turns, each of as many counters as the lanes hold. Gives the
   * first turn with a hash that has none of the mask's bits in its first lane,
   * or -1.
   *
   * @param counter the first, shifted to its place in its lane
   * @param step 1, shifted likewise
   * @param mask the bits of the quick test
   * @param turns at least 1
   * @param firstEnd bytes of the first stage's blocks
   * @param end bytes of both stages' blocks
   * @param firstSlot where the counter goes: bytes from the first block
   * @param secondSlot where the first stage's hash goes, likewise
   */
  search(
    counter: bigint,
    step: bigint,
    mask: bigint,
    turns: number,
    firstEnd: number,
    end: number,
    firstSlot: number,
    secondSlot: number,
  ): number;
}

const PARAMETERS = [I64, I64, I64, I32, I32, I32, I32, I32];
// The parameters' locals, in order.
const COUNTER = 0;
const STEP = 1;
const MASK = 2;
const TURNS = 3;
const FIRST_END = 4;
const END = 5;
const FIRST_SLOT = 6;
const SECOND_SLOT = 7;

const ZERO = i32(0);

/** The bytes of the module that searches with such lanes, side by side. */
export function searchModule(laneTypes: readonly LaneType[]): Bytes {
  const locals = new Locals(PARAMETERS);
  const turn = locals.take(I32);
  const states = laneTypes.map((lanes) => new LaneState(lanes, locals));
  const tries = laneTypes.reduce((sum, lanes) => sum + lanes.tries, 0);
  return assemble({
    name: "search",
    locals,
    result: I32,
    body: [
      loop(
        putCounters(states),
        hashBlocks(states, locals),
        when(quickTest(states), giveBack(get(turn))),
        set(COUNTER, long.add(get(COUNTER), steps(tries))),
        set(turn, int.add(get(turn), i32(1))),
        branchIf(0, int.below(get(turn), get(TURNS))),
      ),
      i32(-1),
    ],
    data: constantBytes(),
  });
}

/** The slot of the first stage: what it holds by itself, and a counter. */
function putCounters(states: readonly LaneState[]): Code {
  let before = 0;
  return states.map(({ lanes }) => {
    const first = long.add(get(COUNTER), steps(before));
    before += lanes.tries;
    const counters = lanes.spread(first, get(STEP));
    const contents = lanes.loadSame(ZERO, FIRST_CONTENTS);
    const slot = placeOf(lanes, FIRST_SLOT);
    return lanes.store(slot, blocksAt(lanes), lanes.xor(contents, counters));
  });
}

/** The slot of the second stage: what it holds by itself, and a hash. */
function putHashes(states: readonly LaneState[]): Code {
  return states.map(({ lanes, even }) =>
    even.slice(0, DIGEST / LANE).map((local, i) => {
      const contents = lanes.loadSame(ZERO, SECOND_CONTENTS + LANE * i);
      return lanes.store(
        placeOf(lanes, SECOND_SLOT),
        blocksAt(lanes) + lanes.bytes * i,
        lanes.xor(contents, get(local)),
      );
    })
  );
}

/** Everything but the last round, which only the quick test needs. */
function hashBlocks(states: readonly LaneState[], locals: Locals): Code {
  const [at, round, lastRound] = [
    locals.take(I32),
    locals.take(I32),
    locals.take(I32),
  ];
  const begin = (stage: number): Code =>
    states.map((state) => state.begin(ZERO, capacityAt(stage)));
  const constant = (ahead: number) => (lanes: LaneType) =>
    lanes.loadSame(get(round), CONSTANTS + LANE * ahead);
  const isLastBlock = int.equal(get(at), get(END));
  return [
    begin(0),
    set(at, ZERO),
    block(
      loop(
        states.map((state) =>
          state.absorb(placeOf(state.lanes, at), blocksAt(state.lanes))
        ),
        set(at, int.add(get(at), i32(BLOCK))),
        // Rounds are counted in bytes of their constants, two to a turn.
        set(lastRound, select(i32(LANE * (ROUNDS - 2)), i32(-1), isLastBlock)),
        set(round, ZERO),
        loop(
          roundOfAll(states, "even", constant(0)),
          branchIf(2, int.equal(get(round), get(lastRound))), // out of the block
          roundOfAll(states, "odd", constant(1)),
          tee(round, int.add(get(round), i32(2 * LANE))),
          branchIf(0, int.below([], i32(LANE * ROUNDS))),
        ),
        branchIf(0, int.differ(get(at), get(FIRST_END))), // the next block
        putHashes(states),
        begin(1),
        branch(0),
      ),
    ),
  ];
}

/** 1 if any hash may be below the target. */
function quickTest(states: readonly LaneState[]): Code {
  return states.map((state, i) => {
    const constant = state.lanes.loadSame(
      ZERO,
      CONSTANTS + LANE * (ROUNDS - 1),
    );
    const [before, lane] = state.lastRound(state.odd, constant);
    const isClear = state.lanes.isClear(lane, get(MASK));
    return [before, i === 0 ? isClear : int.or([], isClear)];
  });
}

/** How far so many counters lie apart. */
function steps(count: number): Code {
  return long.multiply(get(STEP), i64(BigInt(count)));
}

/** A place in the blocks: wider lanes lie further apart. */
function placeOf(lanes: LaneType, local: number): Code {
  return lanes.tries === 1
    ? get(local)
    : int.multiply(get(local), i32(lanes.tries));
}
