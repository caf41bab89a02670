/** What holds of every price: enough is enough, and more never buys less. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Problem } from "../../../lib/problem.ts";
import {
  EMPTY_FILLS,
  type Fills,
  priceHold,
  quoteWork,
} from "../../../lib/work/price.ts";
import { targetOf } from "../../../lib/work/target.ts";
import { check } from "../property.ts";
import { filled, HOUR, LARGEST, MONTH, priced } from "./prices.ts";

const size = fc.integer({ min: 1, max: LARGEST });
const seconds = fc.integer({ min: HOUR, max: MONTH });
const twentieths = fc.nat(21);
const hashes = fc.oneof(
  fc.integer({ min: 10_000, max: 1_000_000 }),
  fc.integer({ min: 10_000, max: 2 ** 50 }),
);

function isEnough(
  target: bigint,
  bytes: number,
  wanted: number,
  fills: Fills,
): boolean {
  try {
    return priceHold({ size: bytes, target, wanted }, fills) === wanted;
  } catch (error) {
    assert.ok(error instanceof Problem && error.code === "work-insufficient");
    return false;
  }
}

Deno.test("quoteWork() is enough for priceHold(), and a hash less is not", async () => {
  await check(
    fc.property(
      size,
      seconds,
      twentieths,
      twentieths,
      (bytes, wanted, mailbox, relay) => {
        const fills = filled(mailbox, relay);
        const quote = quoteWork(bytes, wanted, fills);
        assert.ok(isEnough(quote.target, bytes, wanted, fills), "enough");
        if (quote.hashes === 10_000) return;
        // Beyond 2^53 there is no number that is one less.
        if (!Number.isSafeInteger(quote.hashes)) return;
        const less = targetOf(quote.hashes - 1);
        assert.ok(!isEnough(less, bytes, wanted, fills), "one less");
      },
    ),
    500,
    // A mailbox and a relay that are full: more hashes than 2^53.
    [[200_220, 1_500_016, 20, 20]],
  );
});

Deno.test("priceHold() never keeps longer for less work, a larger size or fuller", async () => {
  await check(
    fc.property(
      size,
      size,
      hashes,
      hashes,
      twentieths,
      twentieths,
      (oneSize, otherSize, oneWork, otherWork, one, other) => {
        const hold = (bytes: number, work: number, fill: number) => {
          const paid = { size: bytes, target: targetOf(work) };
          // From nothing on, so that all holds can be compared.
          const price = priced({ holdSeconds: { min: 0, max: 10 ** 15 } });
          return priceHold(paid, filled(fill), price);
        };
        const [small, large] = [oneSize, otherSize].sort((a, b) => a - b);
        const [little, much] = [oneWork, otherWork].sort((a, b) => a - b);
        const [empty, full] = [one, other].sort((a, b) => a - b);
        assert.ok(small && large && little && much);
        assert.ok(empty !== undefined && full !== undefined);
        const best = hold(small, much, empty);
        assert.ok(hold(large, much, empty) <= best, "a larger size");
        assert.ok(hold(small, little, empty) <= best, "less work");
        assert.ok(hold(small, much, full) <= best, "fuller");
      },
    ),
    500,
  );
});

Deno.test("priceHold() is in proportion to work, in inverse proportion to size", async () => {
  const price = priced({ holdSeconds: { min: 0, max: 10 ** 16 } });
  const hold = (bytes: number, work: number) =>
    priceHold({ size: bytes, target: targetOf(work) }, EMPTY_FILLS, price);
  await check(
    fc.property(
      size,
      fc.integer({ min: 10_000, max: 2 ** 30 }),
      fc.integer({ min: 1, max: 100 }),
      (bytes, work, times) => {
        const once = hold(bytes, work);
        const more = hold(bytes, times * work);
        assert.ok(more >= times * once && more < times * (once + 1));
        const larger = hold(times * bytes, work);
        assert.ok(larger === Math.floor(once / times));
      },
    ),
    500,
  );
});
