/** `/health` and `/health/ready`: what a monitor and a balancer are told. */
import assert from "node:assert/strict";
import { OpenAPIHono } from "@hono/zod-openapi";
import { addHealth } from "../../routes/health.ts";
import { Pulse } from "../../relay/pulse.ts";
import { ManualClock } from "../manual_clock.ts";
import { assertProblem } from "./assert_problem.ts";
import { TestRelay } from "./relay_fixture.ts";

Deno.test("GET /health writes to the store, once for many who ask", async () => {
  using relay = await TestRelay.open();
  const beats = async () =>
    (await relay.relay.store.list({ prefix: ["trial", "health"] })).length;
  assert.equal(await beats(), 0);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => relay.fetch("/health")),
  );
  for (const { status } of answers) assert.equal(status, 200);
  assert.equal(await beats(), 1);
  for (const answer of answers) await answer.body?.cancel();
});

Deno.test("GET /health fails for a store that reads but does not write", async () => {
  using relay = await TestRelay.open();
  const { store } = relay.relay;
  const { commit } = store;
  store.commit = () => Promise.resolve(null);
  await assertProblem(relay, await relay.fetch("/health"), "busy");
  await assertProblem(relay, await relay.fetch("/health/ready"), "busy");
  store.commit = commit;
});

Deno.test("GET /health/ready is true once the store took something, and stays so while it fails", async () => {
  const relay = await TestRelay.open();
  const ready = await relay.fetch("/health/ready");
  assert.equal(ready.status, 200);
  assert.equal(ready.headers.get("Cache-Control"), "no-store");
  assert.deepEqual(await ready.json(), { status: "ready" });
  relay[Symbol.dispose](); // the store is closed
  assert.deepEqual((await relay.fetch("/health/ready")).status, 200);
});

Deno.test("GET /health/ready is false as soon as the relay is about to stop", async () => {
  using relay = await TestRelay.open();
  assert.equal((await relay.fetch("/health/ready")).status, 200);
  await relay.app.drain();
  const response = await relay.fetch("/health/ready");
  assert.equal(response.headers.get("Retry-After"), "2");
  await assertProblemText(response, "busy");
});

/** A relay that stops has no page for its problems any more. */
async function assertProblemText(response: Response, code: string) {
  assert.equal(response.status, 503);
  assert.equal((await response.json()).code, code);
}

Deno.test("GET /health/ready asks the store no more once it is ready, and what stops is not", async () => {
  const relay = await TestRelay.open();
  const clock = new ManualClock();
  const app = new OpenAPIHono();
  const failures: Error[] = [];
  app.onError((error, c) => {
    failures.push(error);
    return c.body(null, 503);
  });
  let isDraining = false;
  const pulse = new Pulse(relay.relay.store, clock);
  addHealth(app, { pulse, isDraining: () => isDraining });
  const statusOf = async (path: string) => (await app.request(path)).status;
  assert.equal(await statusOf("/health/ready"), 200);
  relay[Symbol.dispose](); // the store is gone
  clock.advance(60_000);
  assert.equal(await statusOf("/health"), 503);
  assert.equal(await statusOf("/health/ready"), 200);
  isDraining = true;
  assert.equal(await statusOf("/health/ready"), 503);
  assert.match(String(failures.at(-1)), /about to stop/);
});
