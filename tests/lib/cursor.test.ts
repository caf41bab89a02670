/** Cursors: opaque, ordered as text within an epoch, and strictly read. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  cursorOf,
  MAX_INDEX,
  parseCursor,
  PLACE_FORM,
  placeOf,
  positionAt,
  START_VERSIONSTAMP,
} from "../../lib/cursor.ts";
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

/** Which message of a commit. */
const anIndex = fc.oneof(
  fc.constantFrom(0, 1, 255, 256, MAX_INDEX),
  fc.nat(MAX_INDEX),
);

Deno.test("parseCursor() gives what cursorOf() took", async () => {
  await check(
    fc.property(
      digits(12),
      digits(20),
      anIndex,
      (epoch, versionstamp, index) => {
        const position = { epoch, versionstamp, index };
        assert.deepEqual(parseCursor(cursorOf(position)), position);
        const place = placeOf(position);
        assert.match(place, PLACE_FORM);
        assert.deepEqual(positionAt(epoch, place), position);
      },
    ),
    300,
  );
});

Deno.test("cursorOf() keeps the order of commits, and of their messages, within an epoch", async () => {
  await check(
    fc.property(
      fc.tuple(digits(20), anIndex),
      fc.tuple(digits(20), anIndex),
      fc.boolean(),
      ([a, i], [b, j], isOneCommit) => {
        const other = isOneCommit ? a : b;
        const one = cursorOf({ epoch: EPOCH, versionstamp: a, index: i });
        const two = cursorOf({ epoch: EPOCH, versionstamp: other, index: j });
        assert.equal(a < other || a === other && i < j, one < two);
      },
    ),
    300,
  );
});

Deno.test("cursorOf() of the first message of a commit is that of the commit", () => {
  const position = { epoch: EPOCH, versionstamp: STAMP };
  assert.equal(cursorOf(position), `${EPOCH}-${STAMP}`);
  assert.equal(cursorOf({ ...position, index: 0 }), `${EPOCH}-${STAMP}`);
  assert.equal(cursorOf({ ...position, index: 1 }), `${EPOCH}-${STAMP}-0001`);
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
  // One message has one cursor.
  `${EPOCH}-${STAMP}-0000`,
  `${EPOCH}-${STAMP}-1`,
  `${EPOCH}-${STAMP}-00001`,
  `${EPOCH}-${STAMP}-000A`,
  `${EPOCH}-${STAMP}-0001-0001`,
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
