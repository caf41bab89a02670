/**
 * Keccak-f[1600] as WebAssembly. The states of several tries are permuted side
 * by side, row by row: the processor has units for vectors and for integers,
 * and a pair of tries in the ones and a single try in the others keep both
 * busy. Measured on an AMD EPYC of the Zen 5 kind: a pair alone 6.2 million
 * permutations a second, a single alone 4.3, a pair and a single together 8.5.
 * Two rounds to a turn of the loop are faster than one, and than all 24.
 */
import { BLOCK_LANES, LANES, ROTATIONS, SOURCES } from "./keccak.ts";
import type { LaneType } from "./lane_type.ts";
import { type Code, get, type Locals, set } from "./wasm.ts";

/** Lanes in locals. */
export type LaneLocals = readonly number[];

/** The state of a try, or of two, in locals. */
export class LaneState {
  /** How its lanes are computed with. */
  readonly lanes: LaneType;
  /** The state before an even round. */
  readonly even: LaneLocals;
  /** The state before an odd round. */
  readonly odd: LaneLocals;
  readonly #parity: LaneLocals;
  readonly #change: LaneLocals;
  readonly #row: LaneLocals;
  readonly #spare: number;

  /** Takes the locals it needs. */
  constructor(lanes: LaneType, locals: Locals) {
    const take = (count: number) => locals.takeMany(lanes.type, count);
    this.lanes = lanes;
    this.even = take(LANES);
    this.odd = take(LANES);
    this.#parity = take(5);
    this.#change = take(5);
    this.#row = take(5);
    this.#spare = locals.take(lanes.type);
  }

  /** Nothing taken in yet: zeros, and the capacity from memory. */
  begin(address: Code, offset: number): Code {
    return this.even.map((local, i) =>
      set(
        local,
        i < BLOCK_LANES
          ? this.lanes.zero
          : this.lanes.loadSame(address, offset + 8 * (i - BLOCK_LANES)),
      )
    );
  }

  /** Takes in a block from memory. */
  absorb(address: Code, offset: number): Code {
    const { lanes } = this;
    return this.even.slice(0, BLOCK_LANES).map((local, i) =>
      set(
        local,
        lanes.xor(get(local), lanes.load(address, offset + lanes.bytes * i)),
      )
    );
  }

  /** A round, in the pieces that other states' pieces may stand between. */
  round(from: LaneLocals, to: LaneLocals, constant: Code): Code[] {
    const rows = [0, 5, 10, 15, 20].map((row) => [
      this.#moveRow(from, row, 5),
      [0, 1, 2, 3, 4].map((x) =>
        set(at(to, row + x), this.#chi(x, row + x === 0 ? constant : null))
      ),
    ]);
    return [this.#theta(from), ...rows];
  }

  /**
   * Of the last round as much as the first lane of the hash takes, a fifth of
   * it: the lane.
   */
  lastRound(from: LaneLocals, constant: Code): [before: Code, lane: Code] {
    return [
      [this.#theta(from), this.#moveRow(from, 0, 3)],
      this.#chi(0, constant),
    ];
  }

  /** The steps rho and pi, and the end of theta, for the first of a row. */
  #moveRow(from: LaneLocals, row: number, count: number): Code {
    return this.#row.slice(0, count).map((local, x) => {
      const source = at(SOURCES, row + x);
      const changed = this.lanes.xor(
        get(at(from, source)),
        get(at(this.#change, source % 5)),
      );
      const bits = at(ROTATIONS, source);
      return set(local, this.lanes.rotate(changed, bits, this.#spare));
    });
  }

  /** What the step theta changes of each column. */
  #theta(from: LaneLocals): Code {
    const { lanes } = this;
    const parities = this.#parity.map((local, x) =>
      set(
        local,
        [5, 10, 15, 20].reduce<Code>(
          (sum, row) => lanes.xor(sum, get(at(from, row + x))),
          get(at(from, x)),
        ),
      )
    );
    const changes = this.#change.map((local, x) => {
      const before = get(at(this.#parity, (x + 4) % 5));
      const after = get(at(this.#parity, (x + 1) % 5));
      return set(local, lanes.xor(before, lanes.rotate(after, 1, this.#spare)));
    });
    return [parities, changes];
  }

  #chi(x: number, constant: Code | null): Code {
    const { lanes } = this;
    const row = (i: number) => get(at(this.#row, i % 5));
    const lane = lanes.xor(row(x), lanes.andNot(row(x + 2), row(x + 1)));
    return constant === null ? lane : lanes.xor(lane, constant);
  }
}

/** A round of all states, piece by piece in turn. */
export function roundOfAll(
  states: readonly LaneState[],
  from: "even" | "odd",
  constant: (lanes: LaneType) => Code,
): Code {
  const to = from === "even" ? "odd" : "even";
  const rounds = states.map((state) =>
    state.round(state[from], state[to], constant(state.lanes))
  );
  const pieces = rounds[0]?.length ?? 0;
  return Array.from(
    { length: pieces },
    (_, i) => rounds.map((round) => round[i] ?? []),
  );
}

// Every index is below the length; the types cannot know.
const at = (numbers: readonly number[], i: number) => numbers[i] as number;
