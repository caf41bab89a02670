/** How long a relay's word on itself may be kept, and how it is asked again. */
import assert from "node:assert/strict";
import { TestRelay } from "./relay_fixture.ts";

const PATH = "/.well-known/restante";

Deno.test("the descriptor may be kept for a minute by anybody, and is asked for by its tag", async (t) => {
  using relay = await TestRelay.open();
  const first = await relay.fetch(PATH);
  assert.equal(first.headers.get("Cache-Control"), "public, max-age=60");
  const tag = first.headers.get("ETag") ?? "";
  assert.match(tag, /^W\/"[0-9a-f]{32}"$/);
  await first.body?.cancel();
  relay.clock.advance(1);
  const conditions: Readonly<Record<string, number>> = {
    [tag]: 304,
    [tag.slice(2)]: 304,
    [`"other", ${tag}`]: 304,
    "*": 304,
    '"other"': 200,
    "": 200,
  };
  for (const [condition, status] of Object.entries(conditions)) {
    await t.step(`If-None-Match: ${condition}`, async () => {
      const headers = { "If-None-Match": condition };
      const answer = await relay.fetch(PATH, { headers });
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get("ETag"), tag);
      assert.equal((await answer.text()) === "", status === 304);
    });
  }
});
