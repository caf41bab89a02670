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
    (error) => error instanceof Problem && error.code === "busy",
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
  assert.equal(clock.timers, 0);
});
