/** Stopping: who is let in, who is waited for, and for how long. */
import assert from "node:assert/strict";
import { TestRelay } from "./relay_fixture.ts";

/** A quote whose body comes when it is told to. */
async function beginQuote(relay: TestRelay) {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const answer = relay.fetch("/v1/quotes", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: readable,
  });
  await relay.clock.waitedFor(); // how fast it comes is looked at
  return {
    answer,
    async complete() {
      const body = '{"bytes":1500,"seconds":3600}';
      await writer.write(new TextEncoder().encode(body));
      await writer.close();
    },
  };
}

Deno.test("Drain.finish() waits for a request under way, though there were none before it, and lets no more in", async () => {
  using relay = await TestRelay.open();
  const { drain } = relay.app.use;
  await (await relay.fetch("/health")).body?.cancel();
  assert.equal(drain.size, 0);
  const quote = await beginQuote(relay);
  assert.deepEqual([drain.size, drain.isDraining], [1, false]);
  let hasDrained: boolean | null = null;
  const draining = relay.app.drain().then((has) => hasDrained = has);
  const refused = await relay.fetch("/health");
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("Retry-After"), "2");
  await refused.body?.cancel();
  assert.deepEqual([drain.size, hasDrained], [1, null]);
  await quote.complete();
  assert.equal((await quote.answer).status, 200);
  assert.equal(await draining, true);
  assert.deepEqual([drain.size, relay.clock.timers], [0, 0]);
});

Deno.test("Drain.finish() waits for three and a half seconds, and says that not all has ended", async () => {
  using relay = await TestRelay.open();
  const quote = await beginQuote(relay);
  let hasDrained: boolean | null = null;
  const draining = relay.app.drain().then((has) => hasDrained = has);
  relay.clock.advance(3_499);
  await (await relay.fetch("/health")).body?.cancel(); // asked later, answered
  assert.equal(hasDrained, null);
  relay.clock.advance(1);
  assert.equal(await draining, false);
  await quote.complete();
  await quote.answer;
  assert.equal(await relay.app.drain(), true, "and then that it has");
  assert.equal(relay.clock.timers, 0);
});

Deno.test("Drain counts a request that fails as one that has ended", async () => {
  using relay = await TestRelay.open();
  const { drain } = relay.app.use;
  relay.relay.store[Symbol.dispose]();
  for (const path of ["/missing", "/v1/mailboxes/0", "/health"]) {
    await (await relay.fetch(path)).body?.cancel();
    assert.equal(drain.size, 0, path);
  }
  assert.equal(await relay.app.drain(), true);
});
