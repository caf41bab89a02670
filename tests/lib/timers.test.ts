import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../lib/timers.ts";
import { ManualClock } from "../manual_clock.ts";

/** A signal that says how many listen to it. */
class CountedSignal {
  readonly #controller = new AbortController();
  listeners = 0;

  get signal(): AbortSignal {
    const { signal } = this.#controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      this.listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      this.listeners--;
      remove(...args);
    };
    return signal;
  }

  abort(): void {
    this.#controller.abort();
  }
}

Deno.test("systemClock tells the time of the machine", () => {
  const before = Date.now();
  const now = systemClock.now();
  assert.ok(before <= now && now <= Date.now());
  const began = performance.now();
  const passed = systemClock.monotonic();
  assert.ok(began <= passed && passed <= performance.now());
});

Deno.test("systemClock.after() calls once, and not once called off", async () => {
  const calls: string[] = [];
  const callOff = systemClock.after(0, () => calls.push("called off"));
  systemClock.after(0, () => calls.push("once"));
  callOff();
  await systemClock.sleep(2);
  assert.deepEqual(calls, ["once"]);
});

Deno.test("systemClock.every() calls again until it is ended", async () => {
  const thrice = Promise.withResolvers<void>();
  let calls = 0;
  const end = systemClock.every(1, () => {
    if (++calls < 3) return;
    end();
    thrice.resolve();
  });
  await thrice.promise;
  assert.equal(calls, 3);
});

for (
  const [name, clock] of Object.entries(
    {
      systemClock,
      ManualClock: new ManualClock(),
    } satisfies Record<string, Clock>,
  )
) {
  Deno.test(`${name}.sleep() ends with its signal and leaves nothing behind`, async () => {
    const counted = new CountedSignal();
    const asleep = clock.sleep(1e9, counted.signal);
    assert.equal(counted.listeners, 1);
    counted.abort();
    await asleep; // a timer left behind is found by the sanitiser
    assert.equal(counted.listeners, 0);
    await clock.sleep(1e9, AbortSignal.abort());
    if (clock instanceof ManualClock) assert.equal(clock.timers, 0);
  });
}

Deno.test("ManualClock.advance() calls what gets due, in order and at its time", () => {
  const clock = new ManualClock(1_000);
  const calls: [string, number][] = [];
  const note = (name: string) => () => calls.push([name, clock.now()]);
  clock.after(30, note("late"));
  clock.after(10, note("early"));
  clock.after(10, () => clock.after(5, note("of another")));
  const end = clock.every(12, note("again"));
  clock.after(40, note("not yet"));
  clock.advance(39);
  end();
  assert.deepEqual(calls, [
    ["early", 1_010],
    ["again", 1_012],
    ["of another", 1_015],
    ["again", 1_024],
    ["late", 1_030],
    ["again", 1_036],
  ]);
  assert.equal(clock.now(), 1_039);
  assert.equal(clock.monotonic(), 39);
  assert.equal(clock.timers, 1);
});

Deno.test("ManualClock.waitedFor() ends once somebody waits", async () => {
  const clock = new ManualClock();
  let isOver = false;
  const work = (async () => {
    await Promise.resolve();
    await clock.sleep(1_000);
    isOver = true;
  })();
  await clock.waitedFor();
  clock.advance(999);
  assert.equal(isOver, false);
  clock.advance(1);
  await work;
  assert.ok(isOver);
});
