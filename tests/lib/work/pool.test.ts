/** Workers that mine together: what they share, and how they stop. */
import assert from "node:assert/strict";
import { MAX_HASH } from "../../../lib/minima/constants.ts";
import { openEngine } from "../../../lib/work/engine.ts";
import { mine, type MineOptions } from "../../../lib/work/mine.ts";
import { MinerPool } from "../../../lib/work/pool.ts";
import { type Puzzle, solves } from "../../../lib/work/puzzle.ts";
import { Search, type Slice } from "../../../lib/work/search.ts";
import { MAX_BLOCKS } from "../../../lib/work/search_memory.ts";
import { checkTxPow } from "../../../lib/work/check.ts";
import { targetOf } from "../../../lib/work/target.ts";
import { seededRandom } from "../randomness.ts";
import { TIME } from "./mined_units.ts";
import { puzzleOf } from "./puzzles.ts";

const MESSAGE = new Uint8Array(200).map((_, i) => i);
const CUSTOM_HASH = new Uint8Array(32).fill(0xc5);
/** Enough to be sent to workers, and enough to start some for. */
const HASHES = 600_000;
const MANY_HASHES = 2_500_000;
/** With this random nothing is found before the workers are there. */
const UNLUCKY = "many";

function puzzleFor(hashes: number): Puzzle {
  return puzzleOf({ message: MESSAGE, at: 136 }, targetOf(hashes));
}

function searchFor(puzzle: Puzzle): Search {
  return new Search({ puzzle, expected: Infinity });
}

function options(change: Partial<MineOptions> = {}): MineOptions {
  const target = targetOf(HASHES);
  return { customHash: CUSTOM_HASH, target, time: TIME, ...change };
}

/** Mines for nothing, and tells once workers have tried something. */
async function busySearch(pool: MinerPool): Promise<Search> {
  const controller = new AbortController();
  const search = new Search({
    puzzle: puzzleOf({ message: MESSAGE, at: 0 }, 0n),
    expected: Infinity,
    onProgress: () => controller.abort(),
  });
  pool.join(search);
  const { promise, resolve } = Promise.withResolvers<void>();
  controller.signal.addEventListener("abort", () => resolve());
  await promise;
  return search;
}

for (const engine of ["simd", "scalar"] as const) {
  Deno.test(`a pool of ${engine} engines finds what solves the puzzle`, async () => {
    using pool = new MinerPool({ engine, workers: 2 });
    for (const hashes of [300_000, 1_000, 1]) {
      const search = searchFor(puzzleFor(hashes));
      await pool.join(search);
      assert.ok(solves(search.puzzle, search.result()));
      assert.ok(pool.size >= 1 && pool.size <= 2);
    }
  });
}

Deno.test("a pool of plain code finds it too", async () => {
  using pool = new MinerPool({ engine: "plain", workers: 2 });
  const search = searchFor(puzzleFor(5_000));
  await pool.join(search);
  assert.ok(solves(search.puzzle, search.result()));
});

Deno.test("a pool of one finds the first of all, as its slices are in order", async () => {
  using pool = new MinerPool({ workers: 1 });
  const puzzle = puzzleFor(200_000);
  const search = searchFor(puzzle);
  await pool.join(search);
  const { search: find } = await openEngine();
  assert.equal(search.result(), find(puzzle, 1, 100_000_000));
});

Deno.test("a pool has as many workers as there are cores, if not said", async () => {
  using pool = new MinerPool();
  assert.equal(pool.isWorking, false, "not at once");
  const search = await busySearch(pool);
  assert.equal(pool.isWorking, true);
  search.stop(null);
  const cores = navigator.hardwareConcurrency;
  assert.ok(pool.size >= 1 && pool.size <= cores);
});

Deno.test("a pool works on several searches in turns", async () => {
  using pool = new MinerPool({ workers: 2 });
  const endless = await busySearch(pool);
  const searches = [1, 2, 3].map((i) => searchFor(puzzleFor(10_000 * i)));
  await Promise.all(searches.map((search) => pool.join(search)));
  for (const search of searches) {
    assert.ok(solves(search.puzzle, search.result()));
  }
  assert.equal(endless.isOpen, true);
  endless.stop(null);
});

Deno.test("a search that is stopped leaves the workers within 50 ms", async () => {
  using pool = new MinerPool({ workers: 2 });
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const search = await busySearch(pool);
    const stopped = performance.now();
    search.stop(new Error("enough"));
    // What comes next waits for the slices that the workers still have.
    const next = searchFor(puzzleOf({ message: MESSAGE, at: 0 }, MAX_HASH));
    await pool.join(next);
    times.push(performance.now() - stopped);
  }
  const [quickest = NaN] = times.toSorted((a, b) => a - b);
  console.log(`free after ${times.map((time) => time.toFixed(1))} ms`);
  // Other tests take the cores as well; the quickest tells of the code.
  assert.ok(quickest < 50, `${times} ms`);
  assert.ok(times.every((time) => time < 500), `${times} ms`);
});

Deno.test("mine() with workers ends within 50 ms of its signal", async () => {
  using pool = new MinerPool({ workers: 2 });
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    let aborted = NaN;
    const mining = mine(options({
      target: 0n,
      pool,
      signal: controller.signal,
      onProgress() {
        // Not from in here, but at any moment.
        setTimeout(() => {
          aborted = performance.now();
          controller.abort(reason);
        });
      },
    }));
    await assert.rejects(mining, (error) => error === reason);
    times.push(performance.now() - aborted);
  }
  console.log(`rejected after ${times.map((time) => time.toFixed(1))} ms`);
  assert.ok(times.every((time) => time < 500), `${times} ms`);
});

/** Runs something with another class of workers, or with none. */
async function withWorker(
  substitute: typeof Worker | undefined,
  run: () => Promise<void>,
): Promise<void> {
  const { Worker } = globalThis;
  try {
    if (substitute === undefined) Reflect.deleteProperty(globalThis, "Worker");
    else Object.assign(globalThis, { Worker: substitute });
    await run();
  } finally {
    Object.assign(globalThis, { Worker });
  }
}

Deno.test("mine() starts workers of its own for much work only, and ends them", async () => {
  let started = 0;
  let ended = 0;
  class Counted extends Worker {
    constructor(url: URL | string, options?: WorkerOptions) {
      super(url, options);
      started += 1;
    }
    override terminate(): void {
      super.terminate();
      ended += 1;
    }
  }
  await withWorker(Counted, async () => {
    await mine(options({ target: targetOf(HASHES) }));
    assert.equal(started, 0);
    const target = targetOf(MANY_HASHES);
    const random = seededRandom(UNLUCKY);
    const unit = await mine(options({ target, random }));
    assert.equal(checkTxPow(unit).target, target);
    assert.equal(started, navigator.hardwareConcurrency);
    assert.equal(ended, started);
    await mine(options({ target, pool: null }));
    assert.equal(started, ended);
  });
});

Deno.test("mine() uses the pool that it is given, and leaves it running", async () => {
  using pool = new MinerPool({ workers: 2 });
  for (let i = 0; i < 3; i++) {
    const unit = await mine(options({ pool }));
    assert.equal(checkTxPow(unit).target, targetOf(HASHES));
  }
  const search = searchFor(puzzleFor(1_000));
  await pool.join(search);
  assert.equal(search.isOpen, false);
});

Deno.test("mine() is right while other work has a core", async () => {
  const script = "data:application/javascript,for (;;) Math.random();";
  const load = new Worker(script, { type: "module" });
  try {
    using pool = new MinerPool();
    for (let i = 0; i < 3; i++) {
      const unit = await mine(options({ pool, target: targetOf(500_000) }));
      assert.equal(checkTxPow(unit).target, targetOf(500_000));
    }
  } finally {
    load.terminate();
  }
});

Deno.test("where no worker can be started, mine() mines on this thread", async () => {
  const pool = new MinerPool({
    startWorker() {
      throw new DOMException("not here", "SecurityError");
    },
  });
  const unit = await mine(options({ pool }));
  assert.equal(checkTxPow(unit).target, targetOf(HASHES));
  assert.equal(pool.size, 0);
  await pool.join(searchFor(puzzleFor(1)));
});

Deno.test("where there is no Worker, as in Node, mine() mines on this thread", async () => {
  await withWorker(undefined, async () => {
    const target = targetOf(MANY_HASHES);
    const unit = await mine(options({ target }));
    assert.equal(checkTxPow(unit).target, target);
  });
});

Deno.test("where workers fail as they start, mine() mines on this thread", async () => {
  const script =
    "data:application/javascript,throw new Error('fails to start')";
  const startWorker = () => new Worker(script, { type: "module" });
  using pool = new MinerPool({ workers: 2, startWorker });
  const unit = await mine(options({ pool }));
  assert.equal(checkTxPow(unit).target, targetOf(HASHES));
  await pool.join(searchFor(puzzleFor(1)));
  assert.equal(pool.size, 0);
});

Deno.test("a worker that fails at a search is dismissed, and the search left", async () => {
  using pool = new MinerPool({ workers: 1 });
  const message = new Uint8Array(136 * MAX_BLOCKS);
  const search = searchFor(puzzleOf({ message, at: 0 }, 0n));
  await pool.join(search);
  assert.equal(search.isOpen, true);
  assert.equal(pool.size, 0);
});

/** A worker that says what the test has it say. */
class PuppetWorker extends EventTarget {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  readonly sent: { slice?: Slice }[] = [];
  isTerminated = false;

  postMessage(message: { slice?: Slice }): void {
    this.sent.push(message);
  }

  terminate(): void {
    this.isTerminated = true;
  }

  say(data: unknown): void {
    this.onmessage?.({ data });
  }

  /** The slices it was sent, in order. */
  get slices(): Slice[] {
    return this.sent.flatMap(({ slice }) => slice ?? []);
  }
}

/** A pool of one puppet, ready and at work on a search. */
async function puppetPool() {
  const worker = new PuppetWorker();
  const pool = new MinerPool({
    workers: 1,
    startWorker: () => worker as unknown as Worker,
  });
  const search = searchFor(puzzleOf({ message: MESSAGE, at: 0 }, 0n));
  const left = pool.join(search);
  while (worker.sent.length === 0) await Promise.resolve();
  worker.say({ isReady: true });
  return { pool, worker, search, left };
}

Deno.test("a worker that was dismissed is heard no more", async () => {
  const { pool, worker, search, left } = await puppetPool();
  assert.equal(worker.slices.length, 2);
  worker.onerror?.(new Event("error", { cancelable: true }));
  await left;
  assert.deepEqual([pool.size, worker.isTerminated], [0, true]);
  worker.say({ isReady: false, hit: 1, milliseconds: 12 });
  worker.say({ isReady: true });
  assert.deepEqual([search.isOpen, search.tries], [true, 0]);
  assert.equal(worker.slices.length, 2);
});

Deno.test("a worker's slices go halfway to what takes it 12 ms, at most four times as much", async () => {
  const { pool, worker, search } = await puppetPool();
  const permutations = () =>
    (worker.slices.at(-1)?.count ?? NaN) * search.permutations;
  assert.equal(permutations(), 4_000);
  // The first is answered in 12 ms, the second in 0; then the slower ones.
  const table = [[12, 4_000], [0, 10_000], [24, 6_000], [24, 5_500]] as const;
  for (const [milliseconds, next] of table) {
    worker.say({ isReady: false, hit: null, milliseconds });
    assert.equal(permutations(), next);
  }
  pool.close();
});

Deno.test("a hit says nothing of how fast a worker is", async () => {
  const { pool, worker, search } = await puppetPool();
  worker.say({ isReady: false, hit: 1, milliseconds: 0 });
  assert.deepEqual([search.isOpen, search.result()], [false, 1]);
  const next = searchFor(search.puzzle);
  pool.join(next);
  assert.deepEqual(
    worker.slices.slice(2).map(({ count }) => count * next.permutations),
    [4_000],
  );
  pool.close();
});

Deno.test("close() leaves the searches open, and others join no more", async () => {
  const pool = new MinerPool({ workers: 1 });
  const search = await busySearch(pool);
  pool.close();
  pool.close();
  assert.equal(search.isOpen, true);
  assert.equal(pool.isWorking, false);
  const late = searchFor(puzzleFor(1));
  await pool.join(late);
  assert.equal(late.isOpen, true);
});

Deno.test("close() at once starts no worker", async () => {
  let started = 0;
  const pool = new MinerPool({
    startWorker() {
      started += 1;
      throw new Error("unexpected");
    },
  });
  pool.close();
  await openEngine();
  await Promise.resolve();
  assert.equal(started, 0);
});

Deno.test("mine() goes on by itself where its pool is closed meanwhile", async () => {
  const pool = new MinerPool({ workers: 1 });
  const controller = new AbortController();
  let told = 0;
  const mining = mine(options({
    target: 0n,
    pool,
    signal: controller.signal,
    onProgress() {
      told += 1;
      if (told === 5) pool.close();
      if (told === 10) controller.abort();
    },
  }));
  await assert.rejects(mining, { name: "AbortError" });
  assert.equal(told, 10);
});
