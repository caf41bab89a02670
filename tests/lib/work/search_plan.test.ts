/** What is varied, what a try costs, and what units come of it. */
import assert from "node:assert/strict";
import { sha3_256 } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import { decode, encode } from "../../../lib/minima/codec.ts";
import { DEFAULT_MAGIC, magic } from "../../../lib/minima/magic.ts";
import { integer, miniNumber } from "../../../lib/minima/mininumber.ts";
import { txBody, txPow } from "../../../lib/minima/txpow.ts";
import { txHeader } from "../../../lib/minima/txheader.ts";
import { openEngine } from "../../../lib/work/engine.ts";
import { blocksOf } from "../../../lib/work/keccak.ts";
import { hashAt, permutationsOf } from "../../../lib/work/puzzle.ts";
import {
  cheapestLayout,
  COUNTERS,
  type Draft,
  planSearch,
  type SearchPlan,
  type Way,
} from "../../../lib/work/search_plan.ts";
import { targetBytes, targetOf } from "../../../lib/work/target.ts";
import { check } from "../property.ts";
import { seededRandom } from "../randomness.ts";
import { contentsOf, draftOf, messageDraft } from "./drafts.ts";

const COUNTS = [0, 1, 255, 256, 123_456_789, 2 ** 32, COUNTERS - 1];

/** A plan is right: its units are canonical, and hash as its puzzle says. */
function assertPlan(plan: SearchPlan, draft: Draft, counter: number): void {
  const unit = plan.unitAt(counter);
  const bytes = encode(txPow, unit);
  assert.deepEqual(decode(txPow, bytes), unit);
  const header = encode(txHeader, unit.header);
  assert.ok(unit.body !== null);
  const body = encode(txBody, unit.body);
  assert.deepEqual(unit.header.bodyHash, sha3_256(body));
  assert.deepEqual(hashAt(plan.puzzle, counter), sha3_256(header));
  assert.equal(permutationsOf(plan.puzzle), plan.permutations);
  // Nothing is changed but what may be.
  const { nonce: _, bodyHash: __, magic: ours, ...rest } = unit.header;
  const { magic: given, ...drafted } = draft.header;
  assert.deepEqual(rest, drafted);
  const { prng, ...contents } = unit.body;
  assert.deepEqual(contents, draft.body);
  assert.equal(prng.length, 32);
  if (plan.way === "dust") {
    const desiredMaxTransactions = given.desiredMaxTransactions;
    assert.deepEqual({ ...ours, desiredMaxTransactions }, given);
  } else {
    assert.deepEqual(encode(magic, ours), encode(magic, given));
  }
}

/** The way and the cost of a draft. */
function costOf(draft: Draft): readonly [Way, number] {
  const { way, permutations } = cheapestLayout(draft);
  return [way, permutations];
}

Deno.test("cheapestLayout() takes one permutation for a message's work", () => {
  const layout = cheapestLayout(messageDraft());
  assert.deepEqual(layout, { way: "dust", nonceBytes: 26, permutations: 1 });
});

Deno.test("cheapestLayout() leaves the magic alone on a tip, at two permutations", () => {
  for (let parents = 0; parents <= 32; parents++) {
    const [way, permutations] = costOf(draftOf(parents));
    assert.equal(way, "prng");
    // Rarely does no length of the nonce keep the tail within one block.
    assert.ok(permutations <= 3, `${permutations} with ${parents} parents`);
  }
});

Deno.test("cheapestLayout() keeps the tail within a block, at nearly every length", () => {
  let beyond = 0;
  for (let bytes = 0; bytes < 136; bytes++) {
    // A chain's difficulty of that many bytes: any length of header.
    const blockDifficulty = new Uint8Array(bytes);
    const draft = draftOf(3, 0, { blockDifficulty });
    const { permutations } = cheapestLayout(draft, ["prng"]);
    if (permutations > 2) beyond += 1;
    assert.ok(permutations <= 3);
  }
  assert.ok(beyond <= 14, `${beyond} lengths of 136 take three`);
});

Deno.test("cheapestLayout() tries nonces where the body is longer than the header", () => {
  const rows: readonly (readonly [number, number, Way, number])[] = [
    [0, 0, "prng", 2],
    [0, 1, "prng", 3],
    [0, 256, "nonce", 3],
    [12, 1, "prng", 3],
    [12, 256, "nonce", 6],
  ];
  for (const [parents, ids, way, permutations] of rows) {
    const draft = draftOf(parents, ids);
    assert.deepEqual(costOf(draft), [way, permutations], `${parents} ${ids}`);
  }
});

Deno.test("cheapestLayout() varies the body where dust would not fit", () => {
  // With so short a time, no nonce is long enough to move the magic there.
  const draft = messageDraft({ time: integer(0) });
  assert.deepEqual(costOf(draft), ["prng", 2]);
});

Deno.test("cheapestLayout() refuses ways that a draft does not have", () => {
  assert.throws(() => cheapestLayout(draftOf(0), ["dust"]), RangeError);
});

Deno.test("planSearch() lays out units that hash as its puzzle, every way", () => {
  const random = seededRandom("plans");
  for (const draft of [messageDraft(), draftOf(2), draftOf(9, 3)]) {
    for (const way of ["prng", "dust", "nonce"] as const) {
      if (way === "dust" && !draft.mayDust) continue;
      const plan = planSearch(draft, random, cheapestLayout(draft, [way]));
      assert.equal(plan.way, way);
      for (const counter of COUNTS) assertPlan(plan, draft, counter);
    }
  }
});

Deno.test("planSearch() gives other units for other counters, and no block's nonce", () => {
  const plan = planSearch(messageDraft(), seededRandom("units"));
  const headers = COUNTS.map((counter) =>
    encode(txHeader, plan.unitAt(counter).header).toHex()
  );
  assert.equal(new Set(headers).size, COUNTS.length);
  const { nonce } = plan.unitAt(1).header;
  const bytes = encode(miniNumber, nonce);
  assert.deepEqual([...bytes.subarray(0, 3)], [44, 26, 0x01]);
  // As large as a number may be that is made and not read, and no larger.
  assert.ok(nonce.unscaled.toString().length <= 64);
  assert.ok(nonce.unscaled / 10n ** 44n < 2n ** 64n);
});

Deno.test("planSearch() is right for any header and body", async () => {
  const engine = await openEngine();
  const draft = fc.record({
    parents: fc.integer({ min: 0, max: 32 }),
    ids: fc.constantFrom(0, 0, 1, 2, 5, 40),
    time: fc.integer({ min: 0, max: 2 ** 47 }),
    difficulty: fc.integer({ min: 0, max: 140 }),
    root: fc.integer({ min: 0, max: 64 }),
    mayDust: fc.boolean(),
    seed: fc.string(),
    counter: fc.integer({ min: 0, max: COUNTERS - 40 }),
  });
  const property = fc.property(draft, (given) => {
    const random = seededRandom(given.seed);
    const draft = draftOf(given.parents, given.ids, {
      time: integer(given.time),
      blockDifficulty: random(given.difficulty),
      mmrRoot: random(given.root),
    }, given.mayDust);
    const plan = planSearch(draft, random);
    assertPlan(plan, draft, given.counter);
    const hit = engine.search(plan.puzzle, given.counter, 40);
    if (hit === null) return;
    const { header } = plan.unitAt(hit);
    const id = BigInt(`0x${sha3_256(encode(txHeader, header)).toHex()}`);
    assert.ok(id < targetOf(64));
  });
  await check(property, 150);
});

Deno.test("planSearch() fits bodies of any target", () => {
  for (const hashes of [1n, 2n, 256n, 10_000n, 2n ** 200n]) {
    const txnDifficulty = targetBytes(targetOf(hashes));
    const draft = { ...draftOf(1), body: { ...contentsOf(0), txnDifficulty } };
    const plan = planSearch(draft, seededRandom("targets"));
    assert.equal(plan.puzzle.target, targetOf(hashes));
    assert.deepEqual([plan.way, plan.permutations], ["prng", 2]);
  }
});

Deno.test("a message's header takes two blocks, and its body one", () => {
  const { header, body } = planSearch(messageDraft(), seededRandom("size"))
    .unitAt(1);
  assert.ok(body !== null);
  assert.equal(encode(txHeader, header).length, 249);
  assert.equal(blocksOf(249), 2);
  assert.equal(blocksOf(encode(txBody, body).length), 1);
  assert.deepEqual({
    ...header.magic,
    desiredMaxTransactions: DEFAULT_MAGIC.desiredMaxTransactions,
  }, DEFAULT_MAGIC);
});
