/** The vectors themselves: whole, and none can be dropped in silence. */
import assert from "node:assert/strict";
import {
  countKinds,
  OWN_COPY,
  runnerOf,
  type VectorFileName,
  vectors,
} from "../../vectors/mod.ts";
import { PINNED } from "../../vectors/pinned.ts";

const FILES = Object.keys(PINNED) as VectorFileName[];

Deno.test("vectors() of the copy give the pinned number of cases a kind", () => {
  const counts = FILES.map((file) => [
    file,
    countKinds(vectors(file, OWN_COPY).cases),
  ]);
  assert.deepEqual(Object.fromEntries(counts), PINNED);
});

Deno.test("vectors() of the copy leave no file of cases out", () => {
  const found = [...Deno.readDirSync(OWN_COPY)]
    .map(({ name }) => name)
    .filter((name) => name.endsWith(".json"));
  assert.deepEqual(found.sort(), FILES.map((file) => `${file}.json`).sort());
});

Deno.test("vectors() give each case an id of its own", () => {
  const ids = FILES.flatMap((file) => vectors(file).cases.map(({ id }) => id));
  assert.ok(ids.length > 0);
  assert.equal(new Set(ids).size, ids.length);
});

Deno.test("runnerOf() refuses a kind that has no runner", () => {
  const runners = { parse: () => {} };
  assert.equal(runnerOf(runners, "parse"), runners.parse);
  for (const kind of ["reject", "", "toString", "constructor"]) {
    assert.throws(() => runnerOf(runners, kind), /no runner/);
  }
});
