import assert from "node:assert/strict";
import { SeenLog } from "../../relay/seen_log.ts";

Deno.test("SeenLog.note() knows a name to the end of its time, and not after it", () => {
  const seen = new SeenLog(100);
  assert.equal(seen.note("a", 0), true);
  assert.equal(seen.note("b", 50), true);
  assert.equal(seen.note("a", 100), false);
  assert.equal(seen.note("a", 101), true, "its time is over");
  assert.equal(seen.note("b", 150), false, "and no other's");
  assert.equal(seen.note("a", 201), false, "it was noted anew");
});

Deno.test("SeenLog.forget() forgets that name alone", () => {
  const seen = new SeenLog(100);
  for (const name of ["a", "b"]) seen.note(name, 0);
  seen.forget("a");
  seen.forget("c");
  assert.deepEqual(["a", "b"].map((name) => seen.note(name, 1)), [true, false]);
});

Deno.test("SeenLog remembers a hundred thousand names, those that came last", () => {
  const seen = new SeenLog(1e9);
  for (let n = 0; n <= 100_000; n++) assert.equal(seen.note(`${n}`, n), true);
  assert.equal(seen.note("100000", 100_001), false);
  assert.equal(seen.note("2", 100_001), false);
  assert.equal(seen.note("0", 100_001), true, "the first of all had to go");
});
