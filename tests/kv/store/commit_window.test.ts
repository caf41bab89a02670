/** How many commits may be under way: more, fewer, and looked at anew. */
import assert from "node:assert/strict";
import {
  CommitWindow,
  type UnderWay,
} from "../../../kv/store/commit_window.ts";
import { ManualClock } from "../../manual_clock.ts";

const BOUNDS: UnderWay = { least: 4, most: 16 };

function makeWindow(bounds = BOUNDS) {
  const clock = new ManualClock();
  const window = new CommitWindow(bounds, clock);
  /** As many answers as may be under way, of commits that take so long. */
  const round = (milliseconds: number, underWay?: number) => {
    for (let left = window.size; left > 0; left--) {
      window.answered(milliseconds, underWay ?? window.size);
    }
    return window.size;
  };
  return { clock, window, round };
}

Deno.test("CommitWindow begins with the least, and knows of no time before an answer", () => {
  const { window } = makeWindow();
  assert.deepEqual([window.size, window.least], [4, 0]);
  window.answered(50, 1);
  window.answered(40, 1);
  window.answered(60, 1);
  assert.equal(window.least, 40);
});

Deno.test("CommitWindow grows by one a round while commits take as little as ever, to the most", () => {
  const { round } = makeWindow();
  const sizes = Array.from({ length: 14 }, () => round(50));
  const grown = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
  assert.deepEqual(sizes, [...grown, 16, 16]);
});

Deno.test("CommitWindow does not grow while it is not used up", () => {
  const { window, round } = makeWindow();
  for (let n = 0; n < 5; n++) round(50, 3);
  assert.equal(window.size, 4);
});

Deno.test("CommitWindow lets some wait at the store, and no more", async (t) => {
  const { window, round } = makeWindow();
  while (window.size < 12) round(50);
  const table: [milliseconds: number, waiting: string, size: number][] = [
    [75 * 12 / 9.1, "2.9", 13],
    [75 * 13 / 9.9, "3.1", 13],
    [75 * 13 / 7.1, "5.9", 13],
    [75 * 13 / 6.9, "6.1", 12],
    [75 * 12 / 5.9, "6.1", 11],
  ];
  for (const [milliseconds, waiting, size] of table) {
    await t.step(`${waiting} of ${window.size}`, () => {
      assert.equal(round(milliseconds), size);
    });
  }
});

Deno.test("CommitWindow becomes no smaller than the least, however long commits take", () => {
  const { round } = makeWindow({ least: 8, most: 16 });
  round(10);
  const sizes = Array.from({ length: 4 }, () => round(10_000));
  assert.deepEqual(sizes, [8, 8, 8, 8]);
});

Deno.test("CommitWindow begins anew once a commit was not answered", () => {
  const { window, round } = makeWindow();
  while (window.size < 10) round(50);
  window.failed();
  assert.deepEqual([window.size, window.least], [4, 0]);
  // What took so long before is measured by nothing of then.
  assert.equal(round(500), 5);
  assert.equal(window.least, 500);
});

Deno.test("CommitWindow lets the store run empty every half a minute, and learns how far it is by then", () => {
  const { clock, window, round } = makeWindow();
  while (window.size < 10) round(20);
  clock.advance(29_999);
  // Further away by now: it looks as if some waited.
  for (let left = 5; window.size > 9 && left > 0; left--) round(90);
  assert.equal(window.size, 9);
  assert.equal(window.least, 20);
  clock.advance(1);
  assert.equal(round(54), 5, "half as many of nine, rounded up");
  // Those under way before are answered first, and then those that met nobody.
  for (let left = 2 * 9; left > 1; left--) window.answered(60, 5);
  assert.equal(window.size, 5);
  window.answered(50, 5);
  assert.deepEqual([window.size, window.least], [9, 50]);
  assert.equal(round(50), 10);
  clock.advance(30_000);
  assert.equal(round(50), 6);
});

Deno.test("CommitWindow of one size keeps it", () => {
  const { window, round } = makeWindow({ least: 1, most: 1 });
  for (const milliseconds of [1, 1, 1, 1_000, 1]) round(milliseconds);
  window.failed();
  assert.deepEqual([window.size, window.least], [1, 0]);
});
