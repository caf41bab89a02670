/**
 * A search under way: it hands out slices of its counters to whoever mines, on
 * this thread or in workers, and is over with the first hit, or when stopped.
 */
import { permutationsOf, type Puzzle } from "./puzzle.ts";
import { COUNTERS } from "./search_plan.ts";

/** How mining goes. */
export interface MiningProgress {
  /** Tries so far. */
  readonly tries: number;
  /** Tries that the target takes on average. */
  readonly expected: number;
  /** Tries a second so far. */
  readonly rate: number;
  /**
   * Seconds that are left on average. Mining has no memory: however long it has
   * been going on, what is left is all that is expected at this rate.
   */
  readonly secondsLeft: number;
}

/** Counters to be tried: nobody else is given them. */
export interface Slice {
  /** The first. */
  readonly start: number;
  /** How many. */
  readonly count: number;
}

/** What a search is started with. */
export interface SearchOptions {
  /** What is to be solved. */
  readonly puzzle: Puzzle;
  /** Tries that it takes on average. */
  readonly expected: number;
  /** Called at most some sixty times a second. */
  readonly onProgress?: ((progress: MiningProgress) => void) | undefined;
  /** Milliseconds since some moment; the machine's, if not said. */
  readonly monotonic?: (() => number) | undefined;
}

/** Milliseconds between two calls of `onProgress`. */
const PROGRESS = 16;

/** A search under way. */
export class Search {
  /** What is to be solved. */
  readonly puzzle: Puzzle;
  /** Permutations that a try costs. */
  readonly permutations: number;
  /** Resolves once it is over; it never rejects. */
  readonly over: Promise<void>;
  readonly #options: SearchOptions;
  readonly #monotonic: () => number;
  readonly #started: number;
  #toldAt: number;
  #next = 1; // dust is never nothing
  #tries = 0;
  #hit: number | null = null;
  #stopped: { readonly reason: unknown } | null = null;
  #end: () => void = () => {};

  /** Nothing is tried until somebody takes a slice. */
  constructor(options: SearchOptions) {
    this.#options = options;
    this.#monotonic = options.monotonic ?? (() => performance.now());
    this.#started = this.#toldAt = this.#monotonic();
    this.puzzle = options.puzzle;
    this.permutations = permutationsOf(options.puzzle);
    this.over = new Promise((resolve) => this.#end = resolve);
  }

  /** Whether there is still something to find. */
  get isOpen(): boolean {
    return this.#hit === null && this.#stopped === null;
  }

  /** Tries so far. */
  get tries(): number {
    return this.#tries;
  }

  /**
   * The next counters: as many as take about so many permutations, one at
   * least. Null if the search is over, as it is when no counter is left.
   */
  take(permutations: number): Slice | null {
    if (!this.isOpen) return null;
    const start = this.#next;
    const wanted = Math.max(1, Math.floor(permutations / this.permutations));
    const count = Math.min(wanted, COUNTERS - start);
    if (count === 0) {
      this.stop(new RangeError(`nothing found in ${COUNTERS} tries`));
      return null;
    }
    this.#next += count;
    return { start, count };
  }

  /** A slice was tried: with the counter that solves the puzzle, if any. */
  report(slice: Slice, hit: number | null): void {
    if (!this.isOpen) return;
    this.#tries += hit === null ? slice.count : hit - slice.start + 1;
    if (hit === null) return this.#tell();
    this.#hit = hit;
    this.#end();
  }

  /** Ends the search; the first reason counts. */
  stop(reason: unknown): void {
    if (!this.isOpen) return;
    this.#stopped = { reason };
    this.#end();
  }

  /** The counter that was found; throws what the search was stopped with. */
  result(): number {
    if (this.#stopped !== null) throw this.#stopped.reason;
    if (this.#hit === null) throw new Error("the search is not over");
    return this.#hit;
  }

  #tell(): void {
    const { expected, onProgress } = this.#options;
    const now = this.#monotonic();
    if (onProgress === undefined || now - this.#toldAt < PROGRESS) return;
    this.#toldAt = now;
    const tries = this.#tries;
    const rate = 1_000 * tries / (now - this.#started);
    try {
      onProgress({ tries, expected, rate, secondsLeft: expected / rate });
    } catch (error) {
      this.stop(error); // it is the caller's, so it reaches the caller
    }
  }
}
