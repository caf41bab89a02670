/** Dust on the desired magic: what it is, and that it does next to nothing. */
import assert from "node:assert/strict";
import { encode } from "../../../lib/minima/codec.ts";
import { DEFAULT_MAGIC } from "../../../lib/minima/magic.ts";
import {
  integer,
  type MiniNumber,
  miniNumber,
  miniNumberText,
} from "../../../lib/minima/mininumber.ts";
import { withDust } from "../../../lib/work/dust.ts";
import { COUNTERS, planSearch } from "../../../lib/work/search_plan.ts";
import { seededRandom } from "../randomness.ts";
import { messageDraft } from "./drafts.ts";

/** Numbers here are in units of the last decimal that arithmetic keeps. */
const ONE = 10n ** 44n;

function unitsOf({ scale, unscaled }: MiniNumber): bigint {
  return unscaled * 10n ** BigInt(44 - scale);
}

/** What a genuine node makes of a value and a desired one (spec section 3). */
function step(current: bigint, desired: bigint, least: bigint): bigint {
  const [low, high] = [current / 2n, current * 2n];
  const near = desired < low ? low : desired > high ? high : desired;
  const kept = near < least ? least : near;
  return (current * 16_383n + kept) / 16_384n;
}

/** Every desired number of a plan's units, over all that it may try. */
function desiredNumbers(): readonly MiniNumber[] {
  const plan = planSearch(messageDraft(), seededRandom("dust"));
  assert.equal(plan.way, "dust");
  return [0, 1, 2 ** 24, 2 ** 40 + 12_345, COUNTERS - 1].map((counter) =>
    plan.unitAt(counter).header.magic.desiredMaxTransactions
  );
}

Deno.test("a node steps its values by less than 10^-28 for the dust", () => {
  const least = 256n * ONE;
  for (const current of [least, 300n * ONE, 511n * ONE]) {
    for (const desired of desiredNumbers()) {
      const change = step(current, unitsOf(desired), least) -
        step(current, least, least);
      assert.ok(change >= 0n && change < 10n ** (44n - 28n), `${change}`);
    }
  }
});

Deno.test("dust is positive, below 10^-29, and keeps to all bounds of a number", () => {
  const plain = unitsOf(DEFAULT_MAGIC.desiredMaxTransactions);
  for (const [i, desired] of desiredNumbers().entries()) {
    const dust = unitsOf(desired) - plain;
    assert.ok(i === 0 ? dust >= 0n : dust > 0n);
    assert.ok(dust < 10n ** (44n - 29n), miniNumberText(desired));
    assert.equal(desired.scale, 44);
    assert.ok(desired.unscaled.toString().length <= 64);
    assert.equal(encode(miniNumber, desired).length, 2 + 20);
    assert.ok(desired.unscaled / ONE < 2n ** 64n);
  }
});

Deno.test("withDust() leaves the last bytes free, and is not below the number", () => {
  const numbers = [integer(1), integer(255), integer(65_536), {
    scale: 44,
    unscaled: 12_345n,
  }, { scale: -2, unscaled: 7n }];
  for (const number of numbers) {
    const dusty = withDust(number, 6);
    assert.equal(dusty.unscaled % 2n ** 48n, 0n);
    const added = dusty.unscaled - unitsOf(number);
    assert.ok(added >= 0n && added < 2n ** 48n);
  }
});

Deno.test("withDust() refuses what is not positive, or has too many decimals", () => {
  for (
    const number of [integer(0), integer(-1), { scale: 45, unscaled: 1n }]
  ) {
    assert.throws(() => withDust(number, 6), RangeError);
  }
});
