/** Work pays once, up to the last millisecond in which it is taken. */
import assert from "node:assert/strict";
import { sweep } from "../../kv/mail/sweep.ts";
import { DEFAULT_WINDOW } from "../../lib/work/check.ts";
import type { RelayWindow } from "../../relay/relay.ts";
import { HOUR, MINUTE } from "../routes/clock.ts";
import { Owner, postEnvelope } from "../routes/owner.ts";
import { TestRelay } from "../routes/relay_fixture.ts";

Deno.test("work that is deleted in its last millisecond, also by a clock ahead, does not pay twice", async () => {
  // What is deleted by the clock of one worker may be sent to another's.
  for (const ahead of [0, MINUTE / 2]) {
    using relay = await TestRelay.open();
    const owner = await Owner.open(relay);
    const envelope = owner.envelope();
    const { time } = relay.clock;
    const { cursor } = await owner.receive(envelope);
    relay.clock.time = time + DEFAULT_WINDOW.back + ahead;
    assert.equal((await owner.delete(cursor)).status, 204);
    relay.clock.time -= ahead;
    const again = await postEnvelope(relay, envelope);
    assert.equal(again.status, 200, `${ahead} ms ahead`);
    await again.body?.cancel();
  }
});

Deno.test("a mark ends once its work is too old for every worker's clock", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const envelope = owner.envelope();
  const { cursor } = await owner.receive(envelope);
  await owner.delete(cursor);
  relay.clock.advance(DEFAULT_WINDOW.back + 2 * HOUR);
  await sweep(relay.relay.store, relay.clock);
  const marks = await relay.relay.store.list({ prefix: ["seen"] });
  assert.deepEqual(marks, []);
  const again = await postEnvelope(relay, envelope);
  assert.equal((await again.json()).code, "work-stale");
});

Deno.test("a mark stands for as long as the widest window that the store ever had, whatever the worker's own is", async () => {
  const markedFor = 3 * DEFAULT_WINDOW.back;
  using relay = await TestRelay.open({
    window: { ...DEFAULT_WINDOW, markedFor } as RelayWindow,
  });
  const owner = await Owner.open(relay);
  const envelope = owner.envelope();
  const { cursor } = await owner.receive(envelope);
  await owner.delete(cursor);
  const { store } = relay.relay;
  const marks = () => store.list({ prefix: ["seen"] });
  const { time } = relay.clock;
  for (const [later, count] of [[markedFor, 1], [markedFor + 2 * HOUR, 0]]) {
    relay.clock.time = time + (later ?? 0);
    await sweep(store, relay.clock);
    assert.equal((await marks()).length, count, `after ${later} ms`);
  }
});
