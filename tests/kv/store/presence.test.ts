/** Workers that say that they use a store. */
import assert from "node:assert/strict";
import { endEpoch, StoreInUseError } from "../../../kv/store/end_epoch.ts";
import type { Lease } from "../../../kv/store/lease.ts";
import { keepPresence } from "../../../kv/store/presence.ts";
import { openStore } from "../../../kv/store/store.ts";
import { ManualClock } from "../../manual_clock.ts";

Deno.test("keepPresence() keeps the epoch until it ends, however long that is", async () => {
  const clock = new ManualClock();
  using store = await openStore(":memory:", clock.now);
  const leases = async () =>
    (await store.list<Lease>({ prefix: ["lease"] }))
      .map(({ value }) => value.until - clock.now());
  const { promise, resolve } = Promise.withResolvers<void>();
  store.onAnswer = (operation) => operation === "commit" && resolve();
  const leave = keepPresence(store, clock);
  await promise;
  assert.deepEqual(await leases(), [60_000]);
  for (let minute = 0; minute < 3; minute++) {
    for (let third = 0; third < 3; third++) {
      const said = Promise.withResolvers<void>();
      store.onAnswer = (operation) => operation === "commit" && said.resolve();
      clock.advance(20_000);
      await said.promise;
    }
    await assert.rejects(endEpoch(store, clock.now()), StoreInUseError);
    assert.deepEqual(await leases(), [60_000]);
  }
  await leave();
  assert.deepEqual([await leases(), clock.timers], [[], 0]);
  await endEpoch(store, clock.now());
});

Deno.test("keepPresence() of one worker leaves that of another", async () => {
  const clock = new ManualClock();
  using store = await openStore(":memory:", clock.now);
  const [leave, other] = [1, 2].map(() => keepPresence(store, clock));
  await leave?.();
  await assert.rejects(endEpoch(store, clock.now()), StoreInUseError);
  await other?.();
  await endEpoch(store, clock.now());
});
