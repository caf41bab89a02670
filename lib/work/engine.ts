/**
 * What searches: WebAssembly with vectors, plain WebAssembly, or plain code,
 * whichever is the first that the platform has.
 */
import { type LaneType, PAIR, SINGLE } from "./lane_type.ts";
import { type Puzzle, quickMask, solves } from "./puzzle.ts";
import { writePuzzle } from "./search_memory.ts";
import { type SearchExports, searchModule } from "./search_wasm.ts";

/** The engines, the fastest first. */
export const ENGINE_NAMES = ["simd", "scalar", "plain"] as const;

/** Which engine. */
export type EngineName = typeof ENGINE_NAMES[number];

/** Searches puzzles on the thread it is made on. */
export interface Engine {
  /** Which it is. */
  readonly name: EngineName;
  /** What workers make the same engine of; null where it is plain code. */
  readonly module: WebAssembly.Module | null;
  /** Permutations a second to reckon with: those of a server of 2025. */
  readonly speed: number;
  /**
   * Tries so many counters, from `start` up. Gives the first that solves the
   * puzzle, or null.
   */
  search(puzzle: Puzzle, start: number, count: number): number | null;
}

/** A platform does not have the engine that was asked for. */
export class EngineError extends Error {
  /** The class, for logs. */
  override name = "EngineError";
}

const LANE_TYPES: Readonly<Record<EngineName, readonly LaneType[]>> = {
  simd: [PAIR, SINGLE],
  scalar: [SINGLE],
  plain: [],
};
const SPEEDS: Readonly<Record<EngineName, number>> = {
  simd: 8_000_000,
  scalar: 4_000_000,
  plain: 250_000,
};

const opened = new Map<EngineName, Promise<Engine>>();

/** The fastest engine of the platform, or the one that is named. */
export async function openEngine(name?: EngineName): Promise<Engine> {
  if (name !== undefined) return await openOnce(name);
  for (const each of ENGINE_NAMES) {
    const engine = await openOnce(each).catch(() => null);
    if (engine !== null) return engine;
  }
  throw new EngineError("plain code does not run");
}

/** A module is generated and compiled once for all searches. */
function openOnce(name: EngineName): Promise<Engine> {
  const known = opened.get(name);
  if (known !== undefined) return known;
  const opening = open(name);
  opened.set(name, opening);
  return opening;
}

async function open(name: EngineName): Promise<Engine> {
  if (name === "plain") return engineOf(name, null);
  try {
    const module = await WebAssembly.compile(searchModule(LANE_TYPES[name]));
    return engineOf(name, module);
  } catch (cause) {
    throw new EngineError(`no "${name}" engine on this platform`, { cause });
  }
}

/** An engine of what {@link Engine.module} holds. */
export function engineOf(
  name: EngineName,
  module: WebAssembly.Module | null,
): Engine {
  const search = module === null ? searchPlainly : searcherOf(name, module);
  return { name, module, speed: SPEEDS[name], search };
}

function searchPlainly(
  puzzle: Puzzle,
  start: number,
  count: number,
): number | null {
  for (let counter = start; counter < start + count; counter++) {
    if (solves(puzzle, counter)) return counter;
  }
  return null;
}

function searcherOf(
  name: EngineName,
  module: WebAssembly.Module,
): Engine["search"] {
  const laneTypes = LANE_TYPES[name];
  const tries = laneTypes.reduce((sum, lanes) => sum + lanes.tries, 0);
  const instance = new WebAssembly.Instance(module);
  const { memory, search } = instance.exports as unknown as SearchExports;
  let written: Puzzle | null = null;
  return (puzzle, start, count) => {
    // Searches take turns on one engine.
    if (puzzle !== written) writePuzzle(memory.buffer, puzzle, laneTypes);
    written = puzzle;
    const [first, second] = puzzle.stages;
    const shift = BigInt(8 * puzzle.shift);
    const mask = quickMask(puzzle.target);
    const firstEnd = first.blocks.length;
    const end = firstEnd + (second?.blocks.length ?? 0);
    const secondSlot = firstEnd + (second?.slot ?? 0);
    for (let from = start; from < start + count;) {
      const turns = Math.ceil((start + count - from) / tries);
      const turn = search(
        BigInt(from) << shift,
        1n << shift,
        mask,
        turns,
        firstEnd,
        end,
        first.slot,
        secondSlot,
      );
      if (turn < 0) return null;
      // The quick test was passed by one of these; look closer.
      from += tries * turn;
      const left = Math.min(tries, start + count - from);
      const counter = searchPlainly(puzzle, from, left);
      if (counter !== null) return counter;
      from += tries;
    }
    return null;
  };
}
