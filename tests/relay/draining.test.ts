import assert from "node:assert/strict";
import { Draining } from "../../relay/draining.ts";

Deno.test("Draining.isStuck() once what waits has not become less for as long as patience lasts", () => {
  const draining = new Draining(1_000, 0);
  assert.equal(draining.isStuck(0, 5_000), false, "nothing waits");
  draining.sent(100, 10_000);
  assert.equal(draining.isStuck(100, 10_999), false);
  draining.sent(150, 10_999); // more is not less
  assert.equal(draining.isStuck(150, 11_000), true);
  assert.equal(draining.isStuck(149, 11_500), false, "it takes something");
  assert.equal(draining.isStuck(149, 12_499), false);
  assert.equal(draining.isStuck(149, 12_500), true);
  assert.equal(draining.isStuck(0, 12_500), false);
});
