/** Workers that say that they use a store. */
import assert from "node:assert/strict";
import { DatabaseError } from "../../../kv/store/database.ts";
import { endEpoch } from "../../../kv/store/end_epoch.ts";
import { StoreInUseError } from "../../../kv/store/in_use.ts";
import { endLease, type Lease, takeLease } from "../../../kv/store/lease.ts";
import { keepPresence } from "../../../kv/store/presence.ts";
import { openStore } from "../../../kv/store/store.ts";
import { ManualClock } from "../../manual_clock.ts";
import { spiedWith } from "../spied_database.ts";
import { Gate } from "./test_part.ts";

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
  const said = Promise.withResolvers<void>();
  let commits = 0;
  store.onAnswer = (operation) => {
    if (operation === "commit" && ++commits === 2) said.resolve();
  };
  const [leave, other] = [1, 2].map(() => keepPresence(store, clock));
  await said.promise; // both have said so
  await leave?.();
  await assert.rejects(endEpoch(store, clock.now()), StoreInUseError);
  await other?.();
  await endEpoch(store, clock.now());
});

Deno.test("keepPresence() that ends while it is being said leaves nothing", async () => {
  const clock = new ManualClock();
  using spied = await spiedWith();
  const { store, spy } = spied;
  const gate = new Gate(spy);
  const leave = keepPresence(store, clock);
  await gate.arrived();
  const left = leave();
  gate.open();
  await left;
  assert.deepEqual(await store.list({ prefix: ["lease"] }), []);
});

Deno.test("endLease() leaves a lease that another took meanwhile", async () => {
  using spied = await spiedWith();
  const { store, spy } = spied;
  const now = 1_000;
  await takeLease(store, "x", { holder: "a", until: now + 10 }, now);
  spy.onCommit = async (_, commit) => {
    spy.onCommit = (_, commit) => commit();
    const until = now + 30;
    await takeLease(store, "x", { holder: "b", until }, now + 10);
    return await commit();
  };
  await endLease(store, "x", "a");
  const [lease] = await store.list<Lease>({ prefix: ["lease"] });
  assert.equal(lease?.value.holder, "b");
});

Deno.test("keepPresence() goes on, and ends, though the store does not answer", async () => {
  const clock = new ManualClock();
  using spied = await spiedWith();
  const { store, spy } = spied;
  spy.onCommit = () => Promise.reject(new DatabaseError("failed"));
  const leave = keepPresence(store, clock);
  clock.advance(40_000);
  spy.onRead = () => Promise.reject(new DatabaseError("failed"));
  clock.advance(20_000);
  await leave();
  assert.equal(clock.timers, 0);
});

Deno.test("takeLease() of a time that is over is taken, and is anybody's at once", async () => {
  using store = await openStore(":memory:");
  for (const until of [1_000, 999, 0]) {
    const lease = { holder: `${until}`, until };
    assert.equal(await takeLease(store, "x", lease, 1_000), true);
  }
});
