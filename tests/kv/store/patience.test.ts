/** Waiting for answers: how long, by how many timers, and what is left behind. */
import assert from "node:assert/strict";
import { DatabaseError } from "../../../kv/store/database.ts";
import { Patience } from "../../../kv/store/patience.ts";
import { openStore } from "../../../kv/store/store.ts";
import { openDatabase } from "../../../kv/store/deno_kv.ts";
import type { Problem } from "../../../lib/problem.ts";
import { ManualClock } from "../../manual_clock.ts";

/** A clock that counts how many timers were made, and how many there are. */
function countingClock() {
  const clock = new ManualClock();
  const live = new Set<symbol>();
  const counts = { made: 0, live: () => live.size };
  const after = (milliseconds: number, call: () => void) => {
    const timer = Symbol();
    counts.made++;
    live.add(timer);
    const callOff = clock.after(milliseconds, () => {
      live.delete(timer);
      call();
    });
    return () => {
      live.delete(timer);
      callOff();
    };
  };
  return { clock, counts, timers: { after, monotonic: clock.monotonic } };
}

const tooLate = () => new Error("too late");
const never = () => new Promise<never>(() => {});
/** What became of a promise so far. */
async function fateOf(promise: Promise<unknown>): Promise<string> {
  const waits = Promise.resolve().then(() => {}).then(() => "waits");
  return await Promise.race([
    promise.then(() => "answered", (error) => error.message),
    waits,
  ]);
}

Deno.test("Patience.wait() gives what the operation gives, or throws what it throws", async () => {
  using patience = new Patience(new ManualClock(), 1_000);
  assert.equal(await patience.wait(Promise.resolve(5), tooLate), 5);
  const failed = patience.wait(Promise.reject(new Error("no")), tooLate);
  await assert.rejects(failed, { message: "no" });
});

Deno.test("Patience.wait() waits no negative time where giving up took longer than the next one had", async () => {
  let time = 0;
  const waits: number[] = [];
  let timeUp = () => {};
  using patience = new Patience({
    monotonic: () => time,
    after(milliseconds, call) {
      waits.push(milliseconds);
      timeUp = call;
      return () => {};
    },
  }, 1_000);
  const first = patience.wait(never(), () => {
    time += 7;
    return tooLate();
  });
  time = 5;
  const second = patience.wait(never(), tooLate);
  for (const one of [first, second]) one.catch(() => {});
  time = 1_000;
  timeUp();
  timeUp();
  assert.deepEqual(waits, [1_000, 0]);
  assert.equal(await fateOf(second), "too late");
});

Deno.test("Patience.wait() gives up on each after its own time, and not before", async () => {
  const clock = new ManualClock();
  using patience = new Patience(clock, 1_000);
  const first = patience.wait(never(), tooLate);
  clock.advance(400);
  const second = patience.wait(never(), tooLate);
  for (const one of [first, second]) one.catch(() => {});
  clock.advance(599);
  assert.equal(await fateOf(first), "waits");
  clock.advance(1);
  assert.equal(await fateOf(first), "too late");
  assert.equal(await fateOf(second), "waits");
  clock.advance(399);
  assert.equal(await fateOf(second), "waits");
  clock.advance(1);
  assert.equal(await fateOf(second), "too late");
});

Deno.test("Patience.wait() is not ended by one that was answered, and not told twice", async () => {
  const clock = new ManualClock();
  using patience = new Patience(clock, 1_000);
  const late = Promise.withResolvers<number>();
  const hangs = patience.wait(late.promise, tooLate);
  hangs.catch(() => {});
  assert.equal(await patience.wait(Promise.resolve(1), tooLate), 1);
  clock.advance(1_000);
  assert.equal(await fateOf(hangs), "too late");
  late.resolve(1); // nobody hears of it any more
  assert.equal(await fateOf(hangs), "too late");
});

Deno.test("Patience has one timer for all who wait, and none once nobody does", async () => {
  const { clock, counts, timers } = countingClock();
  using patience = new Patience(timers, 1_000);
  for (let n = 0; n < 100; n++) {
    await patience.wait(Promise.resolve(n), tooLate);
  }
  const waiting = Array.from(
    { length: 100 },
    () => patience.wait(never(), tooLate),
  );
  for (const one of waiting) one.catch(() => {});
  assert.deepEqual([counts.made, counts.live()], [1, 1]);
  clock.advance(1_000);
  for (const one of waiting) assert.equal(await fateOf(one), "too late");
  assert.deepEqual([counts.made, counts.live()], [1, 0]);
});

Deno.test("Patience that is over gives up on all at once, and leaves no timer", async () => {
  const { counts, timers } = countingClock();
  const patience = new Patience(timers, 1_000);
  const waiting = [1, 2].map(() => patience.wait(never(), tooLate));
  patience[Symbol.dispose]();
  for (const one of waiting) await assert.rejects(one, { message: "too late" });
  for (const late of [never(), Promise.reject(new Error("closed"))]) {
    const after = patience.wait(late, tooLate);
    await assert.rejects(after, { message: "too late" });
  }
  assert.equal(counts.live(), 0);
});

Deno.test("a store whose database hangs is busy after fifteen seconds", async () => {
  const clock = new ManualClock();
  let hangs = false;
  using store = await openStore(":memory:", {
    clock,
    async open(location) {
      const database = await openDatabase(location);
      const get = database.get.bind(database);
      database.get = (key) => hangs ? never() : get(key);
      return database;
    },
  });
  hangs = true;
  const asked = store.get(["key"]);
  const isBusy = assert.rejects(asked, (error: Problem) => {
    assert.equal(error.code, "busy");
    assert.equal(error.members["retryAfter"], 2);
    assert.ok(error.cause instanceof DatabaseError);
    assert.equal(error.cause.code, "failed");
    return true;
  });
  clock.advance(14_999);
  assert.equal(await fateOf(asked), "waits");
  clock.advance(1);
  await isBusy;
});
