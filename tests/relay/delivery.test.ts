/** What a link is sent unasked. */
import assert from "node:assert/strict";
import {
  type Delivery,
  deliveryOf,
  maxBodyOf,
  requirePushable,
} from "../../relay/delivery.ts";

/** By the bits a second of a link: what it is sent, and up to which size. */
const LINKS: readonly (readonly [number, Delivery, number])[] = [
  [Infinity, "push", 4_096],
  [1_000_001, "push", 4_096],
  [1_000_000, "digest", 0],
  [10_001, "digest", 0],
  [10_000, "hint", 0],
  [0, "hint", 0],
];

Deno.test("deliveryOf() and maxBodyOf() go by the link, where that is asked for", async (t) => {
  for (const [bandwidth, delivery, maxBody] of LINKS) {
    await t.step(`${bandwidth} bit/s`, () => {
      assert.equal(deliveryOf("link", bandwidth), delivery);
      assert.equal(maxBodyOf(delivery), maxBody);
      assert.equal(deliveryOf("full", bandwidth), "full");
    });
  }
  assert.equal(maxBodyOf("full"), Infinity);
});

Deno.test("requirePushable() refuses the links that are polled alone", () => {
  for (const delivery of ["full", "push", "digest"] as const) {
    requirePushable(delivery);
  }
  assert.throws(() => requirePushable("hint"), { code: "malformed" });
});
