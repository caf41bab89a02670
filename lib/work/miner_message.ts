/** What a miner, a worker of the pool, is told and tells. */
import type { EngineName } from "./engine.ts";
import type { Puzzle } from "./puzzle.ts";
import type { Slice } from "./search.ts";

/** First of all: what to search with. */
export interface EngineMessage {
  /** Which engine. */
  readonly engine: EngineName;
  /** What it is made of. */
  readonly module: WebAssembly.Module | null;
}

/** Then, again and again: what to search. */
export interface SliceMessage {
  /** The counters to try. */
  readonly slice: Slice;
  /** What they are to solve. */
  readonly puzzle: Puzzle;
}

/** The answer to the first. */
export interface ReadyMessage {
  /** The engine runs. */
  readonly isReady: true;
}

/** The answer to each of the others, in their order. */
export interface ReportMessage {
  /** Not the answer to the first. */
  readonly isReady: false;
  /** The counter that solves the puzzle, if any in the slice does. */
  readonly hit: number | null;
  /** How long it took. */
  readonly milliseconds: number;
}
