/** The window of time, step 6 of spec/maxima.md 8.2. */
import assert from "node:assert/strict";
import {
  integer,
  type MiniNumber,
  parseMiniNumber,
} from "../../../lib/minima/mininumber.ts";
import { checkTime, DEFAULT_WINDOW, timeOf } from "../../../lib/work/check.ts";
import { assertProblem } from "../problems.ts";
import { UNIT } from "./mined_units.ts";

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;

const TIMES: readonly (readonly [
  what: string,
  time: MiniNumber,
  isFresh: boolean,
])[] = [
  ["now", integer(NOW), true],
  ["24 h ago", integer(NOW - 24 * HOUR), true],
  ["24 h and 1 ms ago", integer(NOW - 24 * HOUR - 1), false],
  ["in 2 h", integer(NOW + 2 * HOUR), true],
  ["in 2 h and 1 ms", integer(NOW + 2 * HOUR + 1), false],
  ["1970", integer(0), false],
  ["before 1970", integer(-NOW), false],
  ["a fraction of a ms over 2 h", parseMiniNumber(`${NOW + 2 * HOUR}.9`), true],
  ["2^63", integer(2n ** 63n), false],
  ["more digits than a double has", integer(10n ** 60n), false],
  ["10^191", { scale: -128, unscaled: 10n ** 63n }, false],
  ["-10^191", { scale: -128, unscaled: -(10n ** 63n) }, false],
  ["the same time at another scale", {
    scale: 3,
    unscaled: BigInt(NOW) * 1_000n,
  }, true],
  ["the same time at a negative scale", {
    scale: -3,
    unscaled: BigInt(NOW) / 1_000n,
  }, true],
];

for (const [what, time, isFresh] of TIMES) {
  Deno.test(`checkTime() ${isFresh ? "takes" : "refuses"} ${what}`, () => {
    const header = { ...UNIT.txPow.header, time };
    const run = () => checkTime(header, NOW, DEFAULT_WINDOW);
    if (isFresh) assert.doesNotThrow(run);
    else assertProblem(run, "work-stale", /^the header's time is /);
  });
}

Deno.test("checkTime() keeps to the window it is given", () => {
  const header = { ...UNIT.txPow.header, time: integer(NOW) };
  for (
    const [back, ahead, offset, isFresh] of [
      [0, 0, 0, true],
      [0, 0, 1, false],
      [0, 0, -1, false],
      [5, 0, 5, true],
      [5, 0, 6, false],
      [0, 5, -5, true],
      [0, 5, -6, false],
    ] as const
  ) {
    const run = () => checkTime(header, NOW + offset, { back, ahead });
    if (isFresh) assert.doesNotThrow(run);
    else assertProblem(run, "work-stale", /window/);
  }
});

Deno.test("checkTime() takes nothing from before the window's floor, however wide it is", () => {
  const times: [number, boolean][] = [[-2, false], [-1, false], [0, true], [
    1,
    true,
  ]];
  for (const [offset, isFresh] of times) {
    const header = { ...UNIT.txPow.header, time: integer(NOW + offset) };
    const window = { back: HOUR, ahead: HOUR, floor: NOW };
    const run = () => checkTime(header, NOW, window);
    if (isFresh) assert.doesNotThrow(run);
    else assertProblem(run, "work-stale", /window goes from 1800000000000 /);
  }
});

Deno.test("timeOf() cuts a header's time toward zero", () => {
  for (
    const [text, expected] of [
      ["1790000000000", 1_790_000_000_000],
      ["1.99", 1],
      ["-1.99", -1],
      ["0.5", 0],
    ] as const
  ) {
    const time = parseMiniNumber(text);
    assert.equal(timeOf({ ...UNIT.txPow.header, time }), expected);
  }
});
