/** What happens again and again: said once in a while, and counted meanwhile. */
import assert from "node:assert/strict";
import { Repeats } from "../../lib/repeats.ts";

const MINUTE = 60_000;
/** Names that are remembered. */
const MOST = 256;

Deno.test("Repeats.note() says a thing once in its time, with how often it was kept back", () => {
  const repeats = new Repeats(MINUTE);
  const table: [name: string, now: number, said: number | null][] = [
    ["a", 0, 0],
    ["a", 1, null],
    ["b", 1, 0],
    ["a", MINUTE - 1, null],
    ["a", MINUTE, 2],
    ["a", MINUTE + 1, null],
    ["b", MINUTE, null],
    ["b", MINUTE + 1, 1],
    ["a", 3 * MINUTE, 1],
    ["a", 5 * MINUTE, 0],
  ];
  for (const [name, now, said] of table) {
    assert.equal(repeats.note(name, now), said, `${name} at ${now}`);
  }
});

Deno.test("Repeats.note() keeps nothing back for long where the clock was set back", () => {
  const repeats = new Repeats(MINUTE);
  assert.equal(repeats.note("a", 9 * MINUTE), 0);
  assert.equal(repeats.note("a", 8 * MINUTE + 1), null);
  assert.equal(repeats.note("a", 8 * MINUTE), 1);
  assert.equal(repeats.note("a", 8 * MINUTE + 1), null);
});

Deno.test("Repeats remembers 256 things, and forgets the one that was said longest ago", () => {
  const repeats = new Repeats(MINUTE);
  for (let i = 0; i < MOST; i++) repeats.note(`${i}`, i);
  // Said again, so that it is the last.
  assert.equal(repeats.note("0", MINUTE), 0);
  assert.equal(repeats.note("another", MINUTE), 0);
  assert.equal(repeats.note("0", MINUTE), null);
  assert.equal(repeats.note("2", MINUTE), null);
  assert.equal(repeats.note("1", MINUTE), 0, "it was forgotten");
});

Deno.test("Repeats forgets nothing where a thing that it remembers is said again", () => {
  const repeats = new Repeats(MINUTE);
  for (let i = 0; i < MOST; i++) repeats.note(`${i}`, i);
  assert.equal(repeats.note("0", MOST), null);
  assert.equal(repeats.note("5", 5 + MINUTE), 0);
  assert.equal(repeats.note("0", 6 + MINUTE), 1);
});

Deno.test("Repeats.take() gives what was kept back and not said since, once", () => {
  const repeats = new Repeats(MINUTE);
  for (const name of ["a", "b", "b", "c", "c", "c"]) repeats.note(name, 0);
  repeats.note("b", MINUTE);
  assert.deepEqual(repeats.take(), [["c", 2]]);
  assert.deepEqual(repeats.take(), []);
  assert.equal(repeats.note("c", 0), 0);
});
