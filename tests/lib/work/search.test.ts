/** Handing out slices of a search, and how it ends. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type MiningProgress,
  Search,
  type SearchOptions,
  type Slice,
} from "../../../lib/work/search.ts";
import { COUNTERS } from "../../../lib/work/search_plan.ts";
import { check } from "../property.ts";
import { puzzleOf } from "./puzzles.ts";

/** Two permutations a try. */
const PUZZLE = puzzleOf({ message: new Uint8Array(200), at: 8 }, 1n);

function searchOf(change: Partial<SearchOptions> = {}): Search {
  return new Search({ puzzle: PUZZLE, expected: 1_000, ...change });
}

/** The slice, which must be there. */
function take(search: Search, permutations: number): Slice {
  const slice = search.take(permutations);
  assert.ok(slice !== null);
  return slice;
}

Deno.test("take() gives as many counters as the permutations pay for, one at least", () => {
  const search = searchOf();
  assert.equal(search.permutations, 2);
  assert.deepEqual(take(search, 100), { start: 1, count: 50 });
  assert.deepEqual(take(search, 101), { start: 51, count: 50 });
  assert.deepEqual(take(search, 1), { start: 101, count: 1 });
  assert.deepEqual(take(search, 0.3), { start: 102, count: 1 });
  assert.deepEqual(take(search, 2.9), { start: 103, count: 1 });
});

Deno.test("take() never gives a counter twice, nor leaves one out", async () => {
  const sizes = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }));
  await check(
    fc.property(sizes, (permutations) => {
      const search = searchOf();
      let next = 1;
      for (const wanted of permutations) {
        const { start, count } = take(search, wanted);
        assert.equal(start, next);
        assert.ok(Number.isSafeInteger(count) && count >= 1);
        next = start + count;
      }
    }),
    300,
  );
});

Deno.test("take() gives the last counters, and then ends the search", async () => {
  const search = searchOf();
  const { count } = take(search, 2 * COUNTERS);
  assert.equal(count, COUNTERS - 1);
  assert.equal(search.isOpen, true);
  assert.equal(search.take(1), null);
  assert.equal(search.isOpen, false);
  await search.over;
  assert.throws(() => search.result(), RangeError);
});

Deno.test("report() ends the search with the first hit", async () => {
  const search = searchOf();
  const [first, second, third] = [1, 2, 3].map(() => take(search, 20));
  assert.ok(first && second && third);
  assert.throws(() => search.result(), /not over/);
  search.report(second, null);
  assert.equal(search.tries, 10);
  search.report(third, 25);
  await search.over;
  assert.equal(search.tries, 15, "up to the hit");
  search.report(first, 3);
  search.stop(new Error("too late"));
  assert.equal(search.result(), 25);
  assert.equal(search.take(1), null);
});

Deno.test("stop() ends the search with the first reason, whatever it is", async () => {
  for (const reason of [new Error("enough"), "enough", undefined, null]) {
    const search = searchOf();
    const slice = take(search, 20);
    search.stop(reason);
    search.stop(new Error("again"));
    await search.over;
    search.report(slice, 3);
    assert.equal(search.isOpen, false);
    let thrown: unknown = "nothing";
    try {
      search.result();
    } catch (error) {
      thrown = error;
    }
    assert.equal(thrown, reason);
  }
});

Deno.test("onProgress is called 16 ms after it was called before, and not sooner", () => {
  const told: MiningProgress[] = [];
  let time = 5;
  const search = searchOf({
    expected: 3_000,
    onProgress: (progress) => told.push(progress),
    monotonic: () => time,
  });
  const at = (now: number) => {
    time = now;
    search.report(take(search, 2_000), null);
    return told.length;
  };
  const calls = [5, 20.9, 21, 36.9, 37, 1_005].map(at);
  assert.deepEqual(calls, [0, 0, 1, 1, 2, 3]);
  assert.deepEqual(told[0], {
    tries: 3_000,
    expected: 3_000,
    rate: 187_500, // 3,000 in 16 ms
    secondsLeft: 0.016,
  });
  assert.deepEqual(told[2], {
    tries: 6_000,
    expected: 3_000,
    rate: 6_000,
    secondsLeft: 0.5,
  });
});

/** Reports slices until something is told, or the search is over. */
async function tellFrom(search: Search, told: readonly unknown[]) {
  while (search.isOpen && told.length === 0) {
    search.report(take(search, 2_000), null);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

Deno.test("onProgress is told tries, rate, and the seconds left at that rate", async () => {
  const told: MiningProgress[] = [];
  const search = searchOf({
    expected: 5_000_000,
    onProgress: (progress) => told.push(progress),
  });
  await tellFrom(search, told);
  search.report(take(search, 2_000), null);
  assert.equal(told.length, 1, "and not again at once");
  const [progress] = told;
  assert.ok(progress !== undefined);
  assert.equal(progress.expected, 5_000_000);
  assert.equal(progress.tries % 1_000, 0);
  assert.ok(progress.rate > 0);
  assert.equal(progress.secondsLeft, 5_000_000 / progress.rate);
});

Deno.test("onProgress that throws ends the search with what it threw", async () => {
  const reason = new Error("from the caller");
  const search = searchOf({
    onProgress() {
      throw reason;
    },
  });
  await tellFrom(search, []);
  assert.throws(() => search.result(), (error) => error === reason);
});
