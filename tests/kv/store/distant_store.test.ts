/** The queue of a store that is some way off: how much is under way to it. */
import assert from "node:assert/strict";
import { CommitQueue, DEFAULT_QUEUE } from "../../../kv/store/commit_queue.ts";
import type { UnderWay } from "../../../kv/store/commit_window.ts";
import { ManualClock } from "../../manual_clock.ts";
import { LIMITS } from "../spied_database.ts";
import { type Distance, DistantTarget, pass } from "./distant_target.ts";
import { settled, TestPart } from "./test_part.ts";

const BOUNDS: UnderWay = { least: 8, most: 64 };
/** As with denokv: ten mailboxes a commit, and some milliseconds for each. */
const LIMITS_OF_SERVER = { ...LIMITS, checks: 10 };
const NEAR: Distance = { way: 1, commit: 0.5, mutation: 0.2 };
const FAR: Distance = { ...NEAR, way: 50 };
/** Milliseconds in which a window finds its size, and in which it is looked at. */
const TO_GROW = 3_000;
const LOOK = 1_000;

/** Callers who add a part each, one after the other, and each of an order. */
class Callers {
  readonly clock = new ManualClock();
  readonly target: DistantTarget;
  readonly queue: CommitQueue;
  done = 0;
  failed = 0;
  #isOver = false;
  #names = 0;

  constructor(distance: Distance, underWay: UnderWay = BOUNDS) {
    this.target = new DistantTarget(this.clock, { ...distance });
    const bounds = { ...DEFAULT_QUEUE, underWay };
    const { target, clock } = this;
    this.queue = new CommitQueue(target, LIMITS_OF_SERVER, bounds, clock);
  }

  /** Lets so many call, with so many orders between them. */
  call(callers: number, orders: number): void {
    for (let n = 0; n < callers; n++) this.#repeat(n, `${n % orders}`);
  }

  /** Parts a second, and what each commit had, for a while. */
  async measure(): Promise<{ perSecond: number; together: number }> {
    const [before, commits] = [this.done, this.target.sizes.length];
    await pass(this.clock, LOOK);
    const parts = this.done - before;
    const many = this.target.sizes.length - commits;
    return { perSecond: 1_000 * parts / LOOK, together: parts / many };
  }

  end(): void {
    this.#isOver = true;
  }

  async #repeat(n: number, order: string): Promise<void> {
    // They do not all come at the same moment, and each takes a while to come again.
    await this.clock.sleep(n % 50);
    while (!this.#isOver) {
      const cost = { checks: 0 };
      const sharedCost = { checks: 1, mutations: 0, bytes: 0 };
      const options = { order: [order], cost, sharedCost };
      const part = new TestPart(`${this.#names++}`, options);
      await this.queue.add(part).then(() => this.done++, () => this.failed++);
      await this.clock.sleep(1 + n % 4);
    }
  }
}

Deno.test("a store that is far away has as much under way as it bears, and no more than is bounded", async (t) => {
  const table: [
    distance: Distance,
    callers: number,
    ofBare: number,
    ofEight: number,
  ][] = [
    [FAR, 1_000, 0.85, 1.3],
    [{ ...FAR, way: 20 }, 1_000, 0.85, 1.1],
    [FAR, 256, 0.7, 1.3],
  ];
  for (const [distance, callers, ofBare, ofEight] of table) {
    await t.step(`${distance.way} ms, ${callers} callers`, async () => {
      const rates = new Map<number, number>();
      for (const most of [BOUNDS.least, BOUNDS.most]) {
        const all = new Callers(distance, { ...BOUNDS, most });
        all.call(callers, callers);
        await pass(all.clock, TO_GROW);
        const { perSecond, together } = await all.measure();
        rates.set(most, perSecond);
        assert.ok(together >= 5, `${together} together`);
        assert.ok(all.target.mostUnderWay <= most);
        all.end();
      }
      // Bare batches of ten, without a pause between them, and nobody's way.
      const bare = 1_000 / (distance.commit / 10 + distance.mutation);
      const rate = rates.get(BOUNDS.most) ?? 0;
      assert.ok(rate > ofBare * bare, `${rate} of ${bare} a second`);
      const fixed = rates.get(BOUNDS.least) ?? 0;
      assert.ok(rate > ofEight * fixed, `${rate}, and ${fixed} with eight`);
    });
  }
});

Deno.test("a store that is near has as much under way as before", async () => {
  const all = new Callers(NEAR);
  all.call(1_000, 1_000);
  await pass(all.clock, TO_GROW);
  assert.ok(all.queue.stats.window <= 12, `${all.queue.stats.window}`);
  all.end();
});

Deno.test("one who comes alone is not kept waiting, near or far", async () => {
  for (const distance of [NEAR, FAR]) {
    const all = new Callers(distance);
    const { way, commit, mutation } = distance;
    const alone = way + commit + mutation;
    for (let n = 0; n < 5; n++) {
      let isDone = false;
      const part = all.queue.add(new TestPart(`${n}`));
      part.then(() => isDone = true);
      await pass(all.clock, Math.ceil(alone) + 1);
      assert.ok(isDone, `within ${alone} ms`);
    }
  }
});

Deno.test("those who come close upon one another to a store that is far away go together", async () => {
  const { clock, queue, target } = new Callers(FAR);
  const add = (name: string) => queue.add(new TestPart(name));
  const first = add("first");
  await pass(clock, 60);
  await first; // and so it is known how far it is
  const all = [add("a")];
  await pass(clock, 3);
  all.push(add("b"));
  await pass(clock, 1);
  all.push(add("c"));
  assert.deepEqual([target.underWay, queue.stats.waiting], [1, 2]);
  await pass(clock, 4); // an eighth of 50 ms is over since a was begun
  assert.deepEqual([target.underWay, queue.stats.waiting], [2, 0]);
  all.push(add("d"));
  await pass(clock, 60);
  await Promise.all(all);
  assert.deepEqual(target.sizes, [1, 1, 2, 1]);
  assert.equal(clock.timers, 0);
});

Deno.test("a store that slows down is given less at once, and never more than is bounded", async () => {
  const all = new Callers(FAR);
  all.call(1_000, 1_000);
  await pass(all.clock, TO_GROW);
  const grown = all.queue.stats.window;
  Object.assign(all.target.distance, { commit: 50, mutation: 2 });
  await pass(all.clock, 20_000);
  const { window, underWay } = all.queue.stats;
  assert.ok(window < grown && underWay <= window, `${grown}, then ${window}`);
  assert.ok(all.target.mostUnderWay <= BOUNDS.most);
  all.end();
});

Deno.test("to a store that hangs nothing more goes than may be under way, and all are told", async () => {
  const all = new Callers(FAR);
  all.call(1_000, 1_000);
  await pass(all.clock, TO_GROW);
  const { window } = all.queue.stats;
  assert.ok(window > BOUNDS.least);
  all.target.isHung = true;
  const done = all.done;
  await pass(all.clock, 1_000);
  assert.equal(all.done, done);
  const { underWay, waiting } = all.queue.stats;
  assert.equal(underWay, window);
  assert.ok(waiting > 0);
  all.end();
  all.target.giveUp(new Error("no answer"));
  await settled();
  assert.equal(all.failed, 1_000);
  assert.deepEqual(all.queue.stats, {
    waiting: 0,
    waitingBytes: 0,
    underWay: 0,
    window: BOUNDS.least,
    refused: 0,
  });
});
