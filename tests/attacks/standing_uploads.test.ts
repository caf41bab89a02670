/** Bodies that stand still do not keep the room from those that come. */
import assert from "node:assert/strict";
import { Problem } from "../../lib/problem.ts";
import { DEFAULT_CAPS } from "../../relay/caps.ts";
import { type Upload, Uploads } from "../../relay/uploads.ts";
import { ManualClock } from "../manual_clock.ts";

const SIZE = 1_000;
const PLACES = 10;

/** Takes room; gives whether there was any. */
function take(upload: Upload): boolean {
  try {
    upload.take(SIZE);
    return true;
  } catch (error) {
    assert.ok(error instanceof Problem && error.code === "busy");
    return false;
  }
}

Deno.test("uploads that fill the room and stand still give way to one that comes", () => {
  const clock = new ManualClock();
  const caps = { ...DEFAULT_CAPS, uploadBytes: PLACES * SIZE };
  const uploads = new Uploads(clock, caps);
  const given: string[] = [];
  const begin = (name: string) => {
    const upload: Upload = uploads.begin((why) => {
      given.push(`${name} ${why}`);
      upload[Symbol.dispose](); // as the request that it was of ends
    });
    return upload;
  };
  const whole = begin("whole");
  assert.ok(take(whole));
  whole.complete();
  const coming = begin("coming");
  assert.ok(take(coming));
  const standing = Array.from({ length: PLACES - 2 }, () => begin("standing"));
  for (const upload of standing) assert.ok(take(upload));
  assert.equal(take(begin("too early")), false);
  assert.equal(given.length, 0, "each has a second to begin");
  clock.advance(1_000);
  assert.equal(take(coming), false, "for once");
  assert.deepEqual(given, [
    "standing comes too slowly, and others have no room",
  ]);
  assert.ok(take(coming), "there is room now");
  clock.advance(1_000);
  const next = begin("next");
  assert.equal(take(next), false);
  assert.ok(take(next));
  assert.equal(given.length, 2);
  assert.ok(given.every((text) => text.startsWith("standing")));
  assert.equal(uploads.dropped, 2);
});
