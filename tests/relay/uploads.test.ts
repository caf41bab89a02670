import assert from "node:assert/strict";
import { Problem } from "../../lib/problem.ts";
import { DEFAULT_CAPS } from "../../relay/caps.ts";
import { Uploads } from "../../relay/uploads.ts";
import { ManualClock } from "../manual_clock.ts";

function uploadsWith(caps: Partial<typeof DEFAULT_CAPS>) {
  const clock = new ManualClock();
  const uploads = new Uploads(clock, { ...DEFAULT_CAPS, ...caps });
  return { clock, uploads };
}

Deno.test("an upload that stands still, trickles or never ends is given up", async (t) => {
  const caps = { uploadRate: 100, uploadSeconds: 60 };
  const table: [string, (second: number) => number, number, string][] = [
    ["stands still", () => 0, 6, "comes too slowly"],
    ["a byte a second", () => 1, 6, "comes too slowly"],
    ["stands still later", (s) => s < 10 ? 100 : 0, 16, "comes too slowly"],
    ["at the least rate, for ever", () => 100, 60, "takes too long"],
  ];
  for (const [name, bytesAt, seconds, why] of table) {
    await t.step(name, () => {
      const { clock, uploads } = uploadsWith(caps);
      const given: [number, string][] = [];
      const began = clock.monotonic();
      using upload = uploads.begin((why) =>
        given.push([(clock.monotonic() - began) / 1_000, why])
      );
      for (let second = 0; second < 200; second++) {
        if (given.length === 0) upload.take(bytesAt(second));
        clock.advance(1_000);
      }
      assert.deepEqual(given, [[seconds, why]]);
      assert.equal(uploads.dropped, 1);
      assert.equal(clock.timers, 0);
    });
  }
});

Deno.test("an upload that is complete may be worked on for long", () => {
  const { clock, uploads } = uploadsWith({});
  using upload = uploads.begin(() => assert.fail());
  upload.take(1);
  upload.complete();
  clock.advance(1e9);
  assert.equal(uploads.bytes, 1);
});

Deno.test("300 uploads at once find no more room than there is", () => {
  const { uploads, clock } = uploadsWith({ uploadBytes: 1_000 });
  const first = uploads.begin(() => {});
  const second = uploads.begin(() => {});
  first.take(600);
  second.take(400);
  assert.throws(
    () => second.take(1),
    (error) =>
      error instanceof Problem && error.code === "busy" &&
      error.members["retryAfter"] === 2,
  );
  assert.deepEqual([uploads.bytes, uploads.size, uploads.refused], [
    1_000,
    2,
    1,
  ]);
  first[Symbol.dispose]();
  second.take(600);
  second[Symbol.dispose]();
  assert.deepEqual([uploads.bytes, uploads.size], [0, 0]);
  clock.advance(1_000);
  assert.equal(clock.timers, 0);
});

Deno.test("who finds no room has the one dropped that came slowest of late, and never itself", async (t) => {
  // What each takes in each second; the last asks for too much after these.
  const table: [what: string, taken: number[][], dropped: number[]][] = [
    ["the slowest", [[50, 50], [10, 10], [50, 50]], [1]],
    ["the slowest of late", [[400, 0, 0, 0], [1, 30, 30, 30], [9]], [0]],
    ["nobody, where the others had no second yet", [[], [], [50]], []],
    ["not who asks", [[30, 30], [50, 50], [1, 1]], [0]],
    ["nobody, where there is no other", [[], [], [50, 50]], []],
  ];
  for (const [what, taken, expected] of table) {
    await t.step(what, () => {
      const { clock, uploads } = uploadsWith({ uploadBytes: 1_000 });
      const dropped: number[] = [];
      const all = taken.map((_, i) => uploads.begin(() => dropped.push(i)));
      const seconds = Math.max(...taken.map(({ length }) => length));
      for (let second = 0; second < seconds; second++) {
        for (const [i, upload] of all.entries()) {
          upload.take(taken[i]?.[second] ?? 0);
        }
        clock.advance(1_000);
      }
      // One that has only just begun is none that comes slowly.
      all.push(uploads.begin(() => dropped.push(3)));
      all[3]?.take(1);
      assert.throws(() => all[2]?.take(1_000), Problem);
      assert.deepEqual(dropped, expected);
      assert.equal(uploads.dropped, expected.length);
      for (const upload of all) upload[Symbol.dispose]();
      clock.advance(1_000);
      assert.deepEqual([uploads.bytes, uploads.size, clock.timers], [0, 0, 0]);
    });
  }
});

Deno.test("uploads that begin at any time are all looked at by one timer, each by its own time", () => {
  const { clock, uploads } = uploadsWith({ uploadRate: 100 });
  const began = clock.monotonic();
  const given: [name: number, milliseconds: number][] = [];
  using held = new DisposableStack();
  for (let n = 0; n < 50; n++) {
    held.use(
      uploads.begin(() => given.push([n, clock.monotonic() - began])),
    );
    clock.advance(70);
    assert.equal(clock.timers, 1);
  }
  // Some end meanwhile, one way or another, and leave the others theirs.
  using whole = uploads.begin(() => assert.fail());
  whole.take(1);
  whole.complete();
  clock.advance(10_000);
  assert.deepEqual(
    given,
    Array.from({ length: 50 }, (_, n) => [n, 70 * n + 6_000]),
  );
  assert.equal(clock.timers, 0);
});

Deno.test("thousands of uploads that come whole set one timer a second", () => {
  const clock = new ManualClock();
  let set = 0;
  const after = clock.after;
  const counting = Object.assign(Object.create(clock), {
    after(milliseconds: number, call: () => void) {
      set++;
      return after(milliseconds, call);
    },
  });
  const counted = new Uploads(counting, DEFAULT_CAPS);
  for (let n = 0; n < 3_000; n++) {
    using upload = counted.begin(() => assert.fail());
    upload.take(1_000);
    upload.complete();
    clock.advance(1);
  }
  assert.ok(set >= 2 && set <= 4, `${set} timers in three seconds`);
  clock.advance(1_000);
  assert.equal(clock.timers, 0);
});

Deno.test("uploads that are disposed of leave no timer", () => {
  const { clock, uploads } = uploadsWith({});
  uploads.begin(() => assert.fail());
  uploads[Symbol.dispose]();
  assert.equal(clock.timers, 0);
});
