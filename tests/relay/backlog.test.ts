import assert from "node:assert/strict";
import { Problem } from "../../lib/problem.ts";
import { Backlog } from "../../relay/backlog.ts";
import { ManualClock } from "../manual_clock.ts";

function backlogOf(bufferedBytes: number) {
  const clock = new ManualClock();
  return {
    clock,
    backlog: new Backlog(clock, { bufferedBytes, drainSeconds: 30 }),
  };
}

function isBusy(error: unknown): boolean {
  return error instanceof Problem && error.code === "busy" &&
    error.members["retryAfter"] === 1;
}

Deno.test("Backlog.begin() refuses what has no room, and gives room back once", () => {
  const { clock, backlog } = backlogOf(100);
  const large = backlog.begin(1_000, () => {});
  assert.equal(backlog.bytes, 1_000, "one goes alone, however large it is");
  assert.throws(() => backlog.begin(1, () => {}), isBusy);
  assert.equal(backlog.refused, 1);
  large.end();
  large.end();
  assert.equal(backlog.bytes, 0);
  const parcels = [60, 40].map((bytes) => backlog.begin(bytes, () => {}));
  assert.throws(() => backlog.begin(1, () => {}), isBusy);
  for (const parcel of parcels) parcel.end();
  parcels[0]?.handOn(); // it has ended
  assert.deepEqual([backlog.bytes, backlog.dropped, clock.timers], [0, 0, 0]);
});

Deno.test("Backlog counts streams and answers together", () => {
  const { backlog } = backlogOf(100);
  backlog.add(70);
  assert.ok(backlog.hasRoomFor(30));
  assert.ok(!backlog.hasRoomFor(31));
  assert.ok(backlog.hasRoomFor(500, 70), "nothing waits for others");
  assert.throws(() => backlog.begin(31, () => {}), isBusy);
  backlog.begin(30, () => {});
  assert.equal(backlog.bytes, 100);
  assert.ok(!backlog.hasRoomFor(1, 70));
  backlog.add(-70);
  assert.equal(backlog.bytes, 30);
});

Deno.test("a parcel is dropped when a part is not taken within its patience", () => {
  const { clock, backlog } = backlogOf(100);
  let drops = 0;
  const parcel = backlog.begin(10, () => drops++);
  clock.advance(29_999);
  parcel.handOn();
  clock.advance(29_999);
  parcel.handOn(5);
  clock.advance(149_999);
  assert.deepEqual([drops, backlog.bytes], [0, 10]);
  clock.advance(1);
  assert.deepEqual([drops, backlog.bytes, backlog.dropped], [1, 0, 1]);
  parcel.end();
  assert.deepEqual([backlog.bytes, clock.timers], [0, 0]);
  backlog.begin(10, () => drops++);
  clock.advance(30_000);
  assert.equal(drops, 2, "one of which nothing is ever taken");
});

Deno.test("answers that have stood still for a second give way, the stillest first", () => {
  const { clock, backlog } = backlogOf(100);
  const drops: string[] = [];
  const [a] = ["a", "b", "c"].map((name) =>
    backlog.begin(30, () => drops.push(name))
  );
  clock.advance(500);
  a?.handOn();
  clock.advance(499);
  assert.throws(() => backlog.begin(30, () => {}), isBusy);
  assert.ok(!backlog.hasRoomFor(30), "for a stream neither");
  clock.advance(1);
  const begin = (bytes: number) => backlog.begin(bytes, () => {});
  begin(10); // there is room
  assert.deepEqual(drops, []);
  begin(20);
  assert.deepEqual(drops, ["b"], "and no more than is needed");
  assert.throws(() => begin(60), isBusy, "as the others move");
  assert.deepEqual(drops, ["b", "c"]);
  assert.deepEqual([backlog.bytes, backlog.dropped], [60, 2]);
});

Deno.test("a parcel that moves again and again has one timer, and its patience from the last time on", () => {
  const { clock, backlog } = backlogOf(100);
  let drops = 0;
  const parcel = backlog.begin(10, () => drops++);
  for (let n = 0; n < 50; n++) {
    clock.advance(1_000);
    parcel.handOn();
    assert.equal(clock.timers, 1);
  }
  clock.advance(29_999);
  assert.deepEqual([drops, clock.timers], [0, 1]);
  clock.advance(1);
  assert.deepEqual([drops, backlog.dropped, clock.timers], [1, 1, 0]);
  const patient = backlog.begin(10, () => drops++);
  patient.handOn(5);
  patient.handOn(); // less than was granted before
  clock.advance(29_999);
  assert.equal(drops, 1);
  clock.advance(1);
  assert.deepEqual([drops, clock.timers], [2, 0]);
  const ended = backlog.begin(10, () => drops++);
  ended.handOn(5);
  ended.end();
  assert.equal(clock.timers, 0);
});
