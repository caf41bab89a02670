/** Cursors: opaque, ordered as text within an epoch, and strictly read. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { cursorOf, parseCursor, START_VERSIONSTAMP } from "../../lib/cursor.ts";
import { assertProblem } from "./problems.ts";
import { check } from "./property.ts";

const EPOCH = "0123456789ab";
const STAMP = "0000000000000000002a";

/** Hex text of a length. */
function digits(length: number): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(..."0123456789abcdef"), {
    minLength: length,
    maxLength: length,
  }).map((each) => each.join(""));
}

Deno.test("parseCursor() gives what cursorOf() took", async () => {
  await check(
    fc.property(digits(12), digits(20), (epoch, versionstamp) => {
      const position = { epoch, versionstamp };
      assert.deepEqual(parseCursor(cursorOf(position)), position);
    }),
    300,
  );
});

Deno.test("cursorOf() keeps the order of versionstamps within an epoch", async () => {
  await check(
    fc.property(digits(20), digits(20), (a, b) => {
      const [first, second] = [a, b].map((versionstamp) =>
        cursorOf({ epoch: EPOCH, versionstamp })
      );
      assert.equal(a < b, first !== undefined && first < (second ?? ""));
    }),
    300,
  );
});

Deno.test("START_VERSIONSTAMP is before every entry", () => {
  assert.equal(START_VERSIONSTAMP, "00000000000000000000");
  assert.ok(START_VERSIONSTAMP < STAMP);
});

Deno.test("cursors of two epochs with the same versionstamp differ", () => {
  const one = cursorOf({ epoch: EPOCH, versionstamp: STAMP });
  const other = cursorOf({ epoch: "f".repeat(12), versionstamp: STAMP });
  assert.notEqual(one, other);
});

const NO_CURSORS = [
  "",
  "-",
  "0",
  EPOCH,
  STAMP,
  `${EPOCH}-`,
  `-${STAMP}`,
  `${EPOCH}${STAMP}`,
  `${EPOCH}_${STAMP}`,
  `${EPOCH}-${STAMP}-`,
  `${EPOCH}-${STAMP}0`,
  `${EPOCH}-${STAMP.slice(1)}`,
  `${EPOCH.slice(1)}-${STAMP}`,
  `0${EPOCH}-${STAMP}`,
  `${EPOCH.toUpperCase()}-${STAMP}`,
  `${EPOCH}-${STAMP.toUpperCase()}`,
  `${EPOCH}-${STAMP}\n`,
  ` ${EPOCH}-${STAMP}`,
  `g${EPOCH.slice(1)}-${STAMP}`,
  `${EPOCH}-${STAMP.slice(1)}g`,
  `${EPOCH}-+${STAMP.slice(1)}`,
  `${EPOCH}-${"٠".repeat(20)}`,
  "x".repeat(100_000),
];

for (const text of NO_CURSORS) {
  const shown = JSON.stringify(text.slice(0, 40));
  Deno.test(`parseCursor() refuses ${shown} as malformed`, () => {
    assertProblem(
      () => parseCursor(text),
      "malformed",
      /^".{0,80}" is not a cursor$/s,
    );
  });
}
