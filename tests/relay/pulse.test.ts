/** The pulse of the store: a write and a read, once a second whoever asks. */
import assert from "node:assert/strict";
import { openStore, type Store } from "../../kv/store/store.ts";
import { Problem } from "../../lib/problem.ts";
import { Pulse } from "../../relay/pulse.ts";
import { spiedWith } from "../kv/spied_database.ts";
import { ManualClock } from "../manual_clock.ts";

const isBusy = (error: unknown) =>
  error instanceof Problem && error.code === "busy";

/** What a pulse has written, by the keys of the workers. */
async function beatsIn(store: Store): Promise<unknown[]> {
  const entries = await store.list({ prefix: ["trial", "health"] });
  return entries.map(({ value }) => value);
}

Deno.test("Pulse.feel() writes and reads once a second, whoever asks", async () => {
  using store = await openStore(":memory:");
  const clock = new ManualClock();
  const pulse = new Pulse(store, clock);
  assert.equal(pulse.isProven, false);
  await Promise.all(Array.from({ length: 50 }, () => pulse.feel()));
  assert.equal(pulse.isProven, true);
  assert.deepEqual(await beatsIn(store), [1]);
  clock.advance(999);
  await pulse.feel();
  assert.deepEqual(await beatsIn(store), [1]);
  clock.advance(1);
  await pulse.feel();
  assert.deepEqual(await beatsIn(store), [2]);
  assert.equal(clock.timers, 0, "nothing waits any more");
});

Deno.test("what Pulse.feel() writes may be dropped a minute later", async () => {
  using spied = await spiedWith();
  await new Pulse(spied.store, new ManualClock()).feel();
  const kept = spied.spy.operations.flatMap(({ mutations }) =>
    mutations.map((one) => one.kind === "set" ? one.expireIn : null)
  );
  assert.deepEqual(kept, [60_000]);
});

Deno.test("Pulse.feel() of two workers is of two keys", async () => {
  using store = await openStore(":memory:");
  const pulses = [new Pulse(store), new Pulse(store)];
  await Promise.all(pulses.map((pulse) => pulse.feel()));
  assert.deepEqual(await beatsIn(store), [1, 1]);
});

Deno.test("Pulse.feel() fails with the store, and is well again with it", async () => {
  using store = await openStore(":memory:");
  const clock = new ManualClock();
  let isAway = true;
  const commit: Store["commit"] = (build) =>
    isAway ? Promise.reject(new Problem("busy", "away")) : store.commit(build);
  const pulse = new Pulse(standIn(store, { commit }), clock);
  await assert.rejects(pulse.feel(), isBusy);
  isAway = false;
  await assert.rejects(pulse.feel(), isBusy, "for a second it is taken so");
  assert.equal(pulse.isProven, false);
  clock.advance(1_000);
  await pulse.feel();
  isAway = true;
  clock.advance(1_000);
  await assert.rejects(pulse.feel(), isBusy);
  assert.equal(pulse.isProven, true, "it was, once");
});

Deno.test("a store that takes everything and keeps nothing has no pulse", async () => {
  using store = await openStore(":memory:");
  const commit = () => Promise.resolve("0".repeat(20));
  const pulse = new Pulse(standIn(store, { commit }), new ManualClock());
  await assert.rejects(pulse.feel(), isBusy);
  assert.equal(pulse.isProven, false);
});

Deno.test("a store that keeps what it had and takes nothing new has no pulse", async () => {
  using store = await openStore(":memory:");
  const clock = new ManualClock();
  let isFull = false;
  const commit: Store["commit"] = (build) =>
    isFull ? Promise.resolve("0".repeat(20)) : store.commit(build);
  const pulse = new Pulse(standIn(store, { commit }), clock);
  await pulse.feel();
  isFull = true;
  clock.advance(1_000);
  await assert.rejects(pulse.feel(), isBusy);
});

Deno.test("a store that never answers is given up in time, and asked by one at a time", async () => {
  using store = await openStore(":memory:");
  const clock = new ManualClock();
  let asked = 0;
  const commit = () => {
    asked += 1;
    return new Promise<never>(() => {});
  };
  const pulse = new Pulse(standIn(store, { commit }), clock);
  const first = assert.rejects(pulse.feel(), isBusy);
  clock.advance(4_999);
  const second = assert.rejects(pulse.feel(), isBusy);
  assert.equal(asked, 1);
  clock.advance(1);
  await Promise.all([first, second]);
  const third = assert.rejects(pulse.feel(), isBusy);
  assert.equal(asked, 2);
  clock.advance(5_000);
  await third;
});

/** A store of which some members are others. */
function standIn(store: Store, members: Partial<Store>): Store {
  return new Proxy(store, {
    get(store, name) {
      const member = Reflect.get(members, name) ?? Reflect.get(store, name);
      return typeof member === "function" ? member.bind(store) : member;
    },
  });
}
