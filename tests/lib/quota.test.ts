/** How much may be held, to the byte and the message. */
import assert from "node:assert/strict";
import { fillOf, hasRoom } from "../../lib/quota.ts";

const QUOTA = { bytes: 1_000, messages: 10 };

/** Bytes and messages used, the size of one more, and whether it has room. */
const ROOM: readonly (readonly [number, number, number, boolean])[] = [
  [0, 0, 1_000, true],
  [0, 0, 1_001, false],
  [900, 9, 100, true],
  [900, 9, 101, false],
  [900, 10, 1, false],
  [0, 10, 0, false],
  [1_000, 9, 0, true],
  [1_001, 9, 0, false],
];

for (const [bytes, messages, size, isRoom] of ROOM) {
  const used = `${bytes} bytes in ${messages} messages`;
  Deno.test(`hasRoom() for ${size} bytes beside ${used}: ${isRoom}`, () => {
    assert.equal(hasRoom({ bytes, messages }, QUOTA, size), isRoom);
  });
}

Deno.test("fillOf() goes by what is fuller, bytes or messages", () => {
  const table = [
    [500, 4, 500, 1_000],
    [500, 6, 6, 10],
    [500, 5, 500, 1_000],
    [0, 1, 1, 10],
    [2_000, 10, 2_000, 1_000],
  ] as const;
  for (const [bytes, messages, used, quota] of table) {
    assert.deepEqual(fillOf({ bytes, messages }, QUOTA), { used, quota });
  }
});
