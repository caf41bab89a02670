import assert from "node:assert/strict";
import { Buckets } from "../../relay/buckets.ts";

Deno.test("Buckets.take() lets a minute's quota through at once, and then as it fills", () => {
  const buckets = new Buckets(60);
  for (let i = 59; i >= 0; i--) {
    const { isAllowed, remaining } = buckets.take("a", 0);
    assert.deepEqual([isAllowed, remaining], [true, i]);
  }
  assert.deepEqual(buckets.take("a", 0), {
    isAllowed: false,
    remaining: 0,
    seconds: 1,
  });
  assert.equal(buckets.take("a", 999).isAllowed, false);
  assert.equal(buckets.refused, 2);
  assert.equal(buckets.take("a", 1_000).isAllowed, true);
  assert.equal(buckets.take("a", 1_000).isAllowed, false);
  assert.equal(
    buckets.take("b", 1_000).isAllowed,
    true,
    "another's is its own",
  );
  // It fills no further than its quota.
  for (let i = 0; i < 60; i++) assert.ok(buckets.take("a", 1e9).isAllowed);
  assert.equal(buckets.take("a", 1e9).isAllowed, false);
});

Deno.test("Buckets.take() says how long the next one takes", () => {
  const buckets = new Buckets(2);
  buckets.take("a", 0);
  assert.deepEqual(buckets.take("a", 0), {
    isAllowed: true,
    remaining: 0,
    seconds: 60,
  });
  assert.equal(buckets.take("a", 0).seconds, 30);
  assert.equal(buckets.take("a", 20_000).seconds, 10);
});

Deno.test("Buckets of a quota of 0 let everything through and remember nobody", () => {
  const buckets = new Buckets(0);
  for (let i = 0; i < 9; i++) assert.ok(buckets.take("a", 0).isAllowed);
  assert.equal(buckets.askers, 0);
});

Deno.test("a million addresses do not fill the memory of Buckets", () => {
  const buckets = new Buckets(1);
  buckets.take("first", 0);
  for (let i = 0; i < 19_999; i++) buckets.take(`${i}`, 0);
  assert.equal(buckets.take("first", 0).isAllowed, false, "still known");
  for (let i = 0; i < 40_000; i++) buckets.take(`more ${i}`, 0);
  assert.equal(buckets.askers, 20_000);
  assert.equal(buckets.take("more 39999", 0).isAllowed, false, "the newest");
});

Deno.test("Buckets.look() says what take() would, and takes, counts and forgets nothing", () => {
  const buckets = new Buckets(3);
  for (let n = 0; n < 20_000; n++) buckets.take(`${n}`, 0);
  for (const now of [0, 19_999, 20_000, 1e9]) {
    for (let n = 0; n < 5; n++) {
      const looked = buckets.look("0", now);
      assert.deepEqual(buckets.look("0", now), looked);
      const { refused, askers } = buckets;
      assert.deepEqual(buckets.look("stranger", now), {
        isAllowed: true,
        remaining: 2,
        seconds: 20,
      });
      assert.deepEqual([buckets.refused, buckets.askers], [refused, askers]);
      assert.deepEqual(buckets.take("0", now), looked);
    }
  }
  // Nobody had to go for those who were only looked at.
  assert.equal(buckets.look("1", 0).remaining, 1);
  assert.equal(new Buckets(0).look("0", 0).remaining, Infinity);
});

Deno.test("Buckets forget whoever asked longest ago, not whoever came first", () => {
  const buckets = new Buckets(1);
  for (let n = 0; n < 20_000; n++) buckets.take(`${n}`, 0);
  buckets.take("0", 0);
  buckets.take("new", 0);
  assert.equal(buckets.look("0", 0).isAllowed, false, "it asked again");
  assert.equal(buckets.look("1", 0).isAllowed, true, "it is forgotten");
});
