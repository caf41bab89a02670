/**
 * Miners: workers, one a core, that search together. Each is given slices of a
 * search, two at a time so that it never waits, and each so short that a search
 * which is stopped has left the cores within 50 ms.
 */
import { type Engine, type EngineName, openEngine } from "./engine.ts";
import type {
  EngineMessage,
  ReadyMessage,
  ReportMessage,
  SliceMessage,
} from "./miner_message.ts";
import type { Search, Slice } from "./search.ts";

/** How a pool is made. */
export interface MinerPoolOptions {
  /** How many workers; if not said, as many as there are cores. */
  readonly workers?: number | undefined;
  /** What they search with; if not said, the fastest that there is. */
  readonly engine?: EngineName | undefined;
  /** Starts a worker of `miner_worker.ts`; throws where there can be none. */
  readonly startWorker?: (() => Worker) | undefined;
}

/** Milliseconds that a slice is to take, and slices sent ahead. */
const SLICE = 12;
const SLICES_AHEAD = 2;
/** Permutations of a worker's first slice: as long on a slow engine. */
const FIRST_SLICE = 4_000;

/** A worker. */
interface Miner {
  readonly worker: Worker;
  /** What it was sent and has not answered, in order. */
  readonly sent: { readonly search: Search; readonly slice: Slice }[];
  isReady: boolean;
  /** Permutations that take it the time of a slice. */
  permutations: number;
}

/** Workers that mine. A pool keeps them until it is closed. */
export class MinerPool implements Disposable {
  readonly #miners = new Set<Miner>();
  /** What is searched, and what is called when nobody does so any more. */
  readonly #searches = new Map<Search, () => void>();
  #isClosed = false;

  /** Starts the workers; one that cannot be started is left out. */
  constructor(options: MinerPoolOptions = {}) {
    openEngine(options.engine).then(
      (engine) => this.#start(engine, options),
      () => this.close(),
    );
  }

  /** Workers that are ready. */
  get size(): number {
    return [...this.#miners].filter(({ isReady }) => isReady).length;
  }

  /** Whether a worker is ready, so that a search here goes on. */
  get isWorking(): boolean {
    return this.size > 0;
  }

  /**
   * Has the workers search as soon as they are ready, in turns with the other
   * searches. Resolves when the search is over, or with no worker left.
   */
  async join(search: Search): Promise<void> {
    if (this.#isClosed) return;
    const left = new Promise<void>((resolve) => {
      this.#searches.set(search, resolve);
    });
    for (const miner of this.#miners) this.#feed(miner);
    await Promise.race([search.over, left]);
    this.#searches.delete(search);
  }

  /** Ends the workers. What they were searching is no longer searched here. */
  close(): void {
    this.#isClosed = true;
    for (const { worker } of this.#miners) worker.terminate();
    this.#miners.clear();
    for (const leave of this.#searches.values()) leave();
    this.#searches.clear();
  }

  /** The same. */
  [Symbol.dispose](): void {
    this.close();
  }

  #start(engine: Engine, options: MinerPoolOptions): void {
    const { workers = cores(), startWorker = startMiner } = options;
    for (let i = 0; i < workers && !this.#isClosed; i++) {
      try {
        this.#enlist(startWorker(), engine);
      } catch {
        break; // no workers here, or none from this place: so be it
      }
    }
    if (this.#miners.size === 0) this.close();
  }

  #enlist(worker: Worker, { name, module }: Engine): void {
    const miner: Miner = {
      worker,
      sent: [],
      isReady: false,
      permutations: FIRST_SLICE,
    };
    this.#miners.add(miner);
    worker.onmessage = ({ data }: MessageEvent<ReadyMessage | ReportMessage>) =>
      this.#hear(miner, data);
    worker.onerror = (event) => {
      event.preventDefault(); // or Deno ends the whole program
      this.#dismiss(miner);
    };
    worker.onmessageerror = () => this.#dismiss(miner);
    worker.postMessage({ engine: name, module } satisfies EngineMessage);
  }

  /** The slices it was sent are lost, which only costs the time. */
  #dismiss(miner: Miner): void {
    miner.worker.terminate();
    this.#miners.delete(miner);
    if (this.#miners.size === 0) this.close();
  }

  #hear(miner: Miner, message: ReadyMessage | ReportMessage): void {
    if (!this.#miners.has(miner)) return; // sent before it was dismissed
    if (message.isReady) miner.isReady = true;
    else this.#note(miner, message);
    this.#feed(miner);
  }

  #note(miner: Miner, { hit, milliseconds }: ReportMessage): void {
    const done = miner.sent.shift();
    if (done === undefined) return;
    const { search, slice } = done;
    search.report(slice, hit);
    if (hit !== null) return;
    const took = slice.count * search.permutations;
    // The clock is coarse in browsers, and code gets faster as it warms up.
    const wanted = took * Math.min(4, SLICE / Math.max(milliseconds, 1));
    miner.permutations = (miner.permutations + wanted) / 2;
  }

  #feed(miner: Miner): void {
    while (miner.isReady && miner.sent.length < SLICES_AHEAD) {
      const search = this.#nextSearch();
      const slice = search?.take(miner.permutations) ?? null;
      if (search === null || slice === null) return;
      miner.sent.push({ search, slice });
      const { puzzle } = search;
      miner.worker.postMessage({ slice, puzzle } satisfies SliceMessage);
    }
  }

  /** The open search that has waited longest. */
  #nextSearch(): Search | null {
    for (const [search, leave] of this.#searches) {
      if (!search.isOpen) continue;
      this.#searches.delete(search);
      this.#searches.set(search, leave);
      return search;
    }
    return null;
  }
}

function cores(): number {
  return globalThis.navigator?.hardwareConcurrency ?? 1;
}

/** Throws where there are no workers, as in Node, or none are allowed. */
function startMiner(): Worker {
  return new Worker(new URL("./miner_worker.ts", import.meta.url), {
    type: "module",
  });
}
