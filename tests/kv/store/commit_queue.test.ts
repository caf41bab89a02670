/** The queue of commits: order, apartness, and what becomes of failures. */
import assert from "node:assert/strict";
import { AGAIN, Batch } from "../../../kv/store/commit_part.ts";
import { DEFAULT_QUEUE } from "../../../kv/store/commit_queue.ts";
import { DatabaseError, type EntryMaybe } from "../../../kv/store/database.ts";
import { Problem } from "../../../lib/problem.ts";
import { LIMITS, spiedWith } from "../spied_database.ts";
import { batchesOf, entryOf, Gate, settled, TestPart } from "./test_part.ts";

const LOST = new DatabaseError("failed");
/** As an entry that is there never is. */
const NEVER = { key: ["never"], versionstamp: "f".repeat(20) };

const TWO = { least: 2, most: 2 };

function isBusy(error: unknown): boolean {
  return error instanceof Problem && error.code === "busy";
}

Deno.test("parts are committed in the order in which they came", async () => {
  using spied = await spiedWith({ limits: { ...LIMITS, mutations: 3 } });
  const gate = new Gate(spied.spy);
  const { commits } = spied.store;
  const names = ["a", "b", "c", "d", "e", "f", "g"];
  const all = names.map((name) => commits.add(new TestPart(name)));
  gate.open();
  assert.deepEqual(await Promise.all(all), names.map(() => "done"));
  // The first goes alone: nobody else had come.
  assert.deepEqual(batchesOf(spied.spy), [["a"], ["b", "c", "d"], [
    "e",
    "f",
    "g",
  ]]);
});

Deno.test("a part that does not fit lets others pass, but none of its own order", async () => {
  using spied = await spiedWith({ limits: { ...LIMITS, bytes: 1_000 } });
  const gate = new Gate(spied.spy);
  const { commits } = spied.store;
  const add = (name: string, order: string[], bytes: number) =>
    commits.add(new TestPart(name, { order, cost: { bytes } }));
  const all = [
    add("first", ["z"], 100),
    add("a1", ["a"], 600),
    add("a2", ["a", "b"], 600),
    add("a3", ["a"], 10),
    add("b1", ["b"], 10),
    add("c1", ["c"], 400),
    add("c2", ["c"], 1),
  ];
  gate.open();
  await Promise.all(all);
  assert.deepEqual(batchesOf(spied.spy), [
    ["first"],
    ["a1", "c1"],
    ["a2", "a3", "b1", "c2"],
  ]);
});

Deno.test("what has no room in the row of its order waits, with all that come after in that order", async () => {
  const queue = { ...DEFAULT_QUEUE, rowBytes: 100 };
  using spied = await spiedWith({ queue });
  const gate = new Gate(spied.spy);
  const { commits } = spied.store;
  const add = (name: string, order: string[], inRow?: number) =>
    commits.add(new TestPart(name, { order, ...inRow && { inRow } }));
  const all = [
    add("first", ["z"], 100),
    add("a1", ["a"], 60),
    add("a2", ["a"], 40),
    add("a3", ["a"]),
    add("a4", ["a"], 1),
    add("a5", ["a"]),
    add("b1", ["b"], 99),
    add("b2", ["b"], 2),
    add("c1", ["c"], 101),
    add("c2", ["c"], 1),
    add("d1", []),
  ];
  gate.open();
  await Promise.all(all);
  assert.deepEqual(batchesOf(spied.spy), [
    ["first"],
    ["a1", "a2", "a3", "b1", "d1"],
    ["a4", "a5", "b2"],
    // One that fits into no row goes alone.
    ["c1"],
    ["c2"],
  ]);
});

Deno.test("limits are kept to the last check, mutation and byte", async (t) => {
  const limits = { checks: 4, mutations: 6, bytes: 50 };
  const table: [cost: Partial<typeof limits>, together: number][] = [
    [{ checks: 2, mutations: 1, bytes: 1 }, 2],
    [{ checks: 1, mutations: 2, bytes: 1 }, 3],
    [{ checks: 1, mutations: 1, bytes: 25 }, 2],
    [{ checks: 1, mutations: 1, bytes: 26 }, 1],
    [{ checks: 1, mutations: 7, bytes: 1 }, 1],
  ];
  for (const [cost, together] of table) {
    await t.step(JSON.stringify(cost), async () => {
      using spied = await spiedWith({ limits });
      const gate = new Gate(spied.spy);
      const { commits } = spied.store;
      const names = ["0", "1", "2", "3", "4", "5", "6"];
      const all = names.map((name) =>
        commits.add(new TestPart(name, { cost }))
      );
      gate.open();
      await Promise.all(all);
      const [, ...sizes] = batchesOf(spied.spy).map(({ length }) => length);
      assert.deepEqual(sizes, new Array(6 / together).fill(together));
    });
  }
});

Deno.test("what the parts of one order add together is counted once for all of them", async (t) => {
  const nothing = { checks: 0, mutations: 0, bytes: 0 };
  const limits = { checks: 5, mutations: 5, bytes: 5 };
  for (const what of ["checks", "mutations", "bytes"] as const) {
    await t.step(what, async () => {
      using spied = await spiedWith({ limits });
      const gate = new Gate(spied.spy);
      const { commits } = spied.store;
      // Two that are shared and one each: three of one order, one of another.
      const add = (name: string, order: string[]) =>
        commits.add(
          new TestPart(name, {
            order,
            cost: { ...nothing, [what]: 1 },
            sharedCost: { ...nothing, [what]: 2 },
          }),
        );
      const all = [
        add("first", ["z"]),
        add("a1", ["a"]),
        add("a2", ["a"]),
        add("a3", ["a"]),
        add("a4", ["a"]),
        add("b1", ["b"]),
        add("c1", ["c"]),
      ];
      gate.open();
      await Promise.all(all);
      const [, ...rest] = batchesOf(spied.spy);
      assert.deepEqual(rest, [["a1", "a2", "a3"], ["a4"], ["b1"], ["c1"]]);
    });
  }
});

Deno.test("what the parts of an order add together is counted again for one that is of another order too", async () => {
  const limits = { checks: 5, mutations: 5, bytes: 5 };
  using spied = await spiedWith({ limits });
  const gate = new Gate(spied.spy);
  const add = (name: string, order: string[]) =>
    spied.store.commits.add(
      new TestPart(name, {
        order,
        cost: { checks: 0, mutations: 1, bytes: 0 },
        sharedCost: { checks: 0, mutations: 2, bytes: 0 },
      }),
    );
  const all = [
    add("first", ["z"]),
    add("a", ["a"]),
    add("ab", ["a", "b"]),
    add("b", ["b"]),
  ];
  gate.open();
  await Promise.all(all);
  assert.deepEqual(batchesOf(spied.spy), [["first"], ["a"], ["ab", "b"]]);
});

Deno.test("a hundred parts go together at most, however little they take", async () => {
  using spied = await spiedWith();
  const gate = new Gate(spied.spy);
  const cost = { checks: 0, mutations: 0, bytes: 0 };
  const all = Array.from(
    { length: 252 },
    (_, n) => spied.store.commits.add(new TestPart(`${n}`, { cost })),
  );
  gate.open();
  await Promise.all(all);
  const sizes = batchesOf(spied.spy).map(({ length }) => length);
  assert.deepEqual(sizes, [1, 100, 100, 51]);
});

Deno.test("parts that are to be kept apart are, and stay in their order", async () => {
  using spied = await spiedWith();
  const gate = new Gate(spied.spy);
  const { commits } = spied.store;
  const add = (name: string, apart: string[], order: string[] = []) =>
    commits.add(new TestPart(name, { apart, order }));
  const all = [
    add("first", []),
    add("a1", ["a"]),
    add("a2", ["a", "b"], ["o"]),
    add("o", [], ["o"]),
    add("b", ["b"]),
    add("c", ["c"]),
  ];
  gate.open();
  await Promise.all(all);
  assert.deepEqual(batchesOf(spied.spy), [["first"], ["a1", "b", "c"], [
    "a2",
    "o",
  ]]);
});

Deno.test("a refused batch goes back in front of those that came later", async () => {
  using spied = await spiedWith({ limits: { ...LIMITS, mutations: 2 } });
  const gate = new Gate(spied.spy);
  const { commits } = spied.store;
  let isRefused = true;
  const add = (name: string) =>
    commits.add(
      new TestPart(name, {
        order: ["one"],
        add(batch) {
          if (isRefused) batch.operation.check(NEVER);
        },
      }),
    );
  const all = ["a", "b", "c", "d"].map(add);
  await gate.arrived();
  assert.deepEqual([commits.stats.waiting, commits.stats.waitingBytes], [
    3,
    300,
  ]);
  gate.pass(); // refused
  await gate.arrived();
  isRefused = false;
  assert.deepEqual(batchesOf(spied.spy), [["a"], ["a", "b"]], "in front");
  gate.pass(); // refused as well: it was put together before
  await gate.arrived();
  gate.open();
  assert.deepEqual(await Promise.all(all), ["done", "done", "done", "done"]);
  assert.deepEqual(batchesOf(spied.spy).slice(2), [["a", "b"], ["c", "d"]]);
  assert.deepEqual(commits.stats, {
    waiting: 0,
    waitingBytes: 0,
    underWay: 0,
    window: 1,
    refused: 0,
  });
});

Deno.test("what was refused goes again by itself, and what came later not with it", async () => {
  using spied = await spiedWith();
  const { store: { commits }, spy } = spied;
  const gate = new Gate(spy);
  let isRefused = true;
  const add = (name: string, order: string) =>
    commits.add(
      new TestPart(name, {
        order: [order],
        add(batch) {
          if (isRefused && order === "b") batch.operation.check(NEVER);
        },
      }),
    );
  const all = [add("first", "z")];
  await gate.arrived();
  all.push(add("a1", "a"), add("b1", "b"), add("b2", "b"), add("c1", "c"));
  gate.pass();
  await gate.arrived();
  all.push(add("a2", "a"), add("d1", "d"), add("e1", "e"));
  gate.pass(); // refused, for what b relies on
  await gate.arrived();
  isRefused = false;
  gate.open();
  await Promise.all(all);
  assert.deepEqual(batchesOf(spy), [
    ["first"],
    ["a1", "b1", "b2", "c1"],
    ["a1", "a2"],
    ["b1", "b2"],
    ["c1"],
    ["d1", "e1"],
  ]);
});

Deno.test("disjoint batches are under way together, never two of one order", async () => {
  using spied = await spiedWith({
    limits: { ...LIMITS, mutations: 2 },
    queue: { ...DEFAULT_QUEUE, underWay: TWO },
  });
  const gate = new Gate(spied.spy);
  const { commits } = spied.store;
  const add = (name: string, order: string) =>
    commits.add(new TestPart(name, { order: [order] }));
  const all = [
    add("a1", "a"),
    add("a2", "a"),
    add("b1", "b"),
    add("a3", "a"),
    add("b2", "b"),
    add("c1", "c"),
  ];
  await gate.arrived(2);
  assert.equal(commits.stats.underWay, 2);
  assert.deepEqual(batchesOf(spied.spy), [["a1"], ["b1"]], "both at once");
  gate.pass(1); // b1: the rest of b, and c, which nobody had come for
  await gate.arrived(2);
  assert.deepEqual(batchesOf(spied.spy)[2], ["b2", "c1"]);
  gate.pass(1);
  await all[5];
  await settled();
  assert.equal(gate.waiting, 1, "of a nothing is begun while a1 is under way");
  gate.pass();
  await gate.arrived();
  gate.open();
  await Promise.all(all);
  assert.deepEqual(batchesOf(spied.spy)[3], ["a2", "a3"]);
});

Deno.test("one operation is under way at a time, if nothing else is said", async () => {
  using spied = await spiedWith();
  const gate = new Gate(spied.spy);
  const { commits } = spied.store;
  const all = ["a", "b", "c"].map((name) => commits.add(new TestPart(name)));
  await gate.arrived();
  await settled();
  assert.deepEqual(batchesOf(spied.spy), [["a"]]);
  gate.open();
  await Promise.all(all);
  assert.deepEqual(batchesOf(spied.spy), [["a"], ["b", "c"]]);
});

Deno.test("nothing is begun behind an unknown outcome, and everything once it is known", async () => {
  using spied = await spiedWith({ queue: { ...DEFAULT_QUEUE, underWay: TWO } });
  const { store: { commits }, spy } = spied;
  const gate = new Gate(spy);
  const lost = commits.add(new TestPart("a", { order: ["a"] }));
  const other = commits.add(new TestPart("b", { order: ["b"] }));
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  spy.onRead = () => {
    asked.resolve();
    return answer.promise;
  };
  await gate.arrived(2);
  gate.fail(LOST);
  await asked.promise;
  const behind = commits.add(new TestPart("c"));
  await settled();
  gate.pass(); // b, under way before
  assert.equal(await other, "done");
  await settled();
  assert.deepEqual(batchesOf(spy), [["a"], ["b"]]);
  gate.open();
  answer.resolve();
  await assert.rejects(lost, isBusy);
  assert.equal(await behind, "done");
});

Deno.test("an unknown outcome is told by what is found: done, or not", async () => {
  using spied = await spiedWith();
  const { store: { commits }, spy } = spied;
  for (const isDone of [true, false]) {
    spy.onCommit = async (_, commit) => {
      if (isDone) await commit();
      throw LOST;
    };
    const outcome = commits.add(new TestPart(`done: ${isDone}`));
    if (isDone) assert.equal(await outcome, "there");
    else await assert.rejects(outcome, isBusy);
  }
});

Deno.test("the whole queue is rejected together where an unknown outcome cannot be looked up", async () => {
  using spied = await spiedWith();
  const { store: { commits }, spy } = spied;
  const gate = new Gate(spy);
  const names = ["a", "b", "c"];
  const all = names.map((name) => commits.add(new TestPart(name)));
  const outcomes = Promise.allSettled(all);
  await gate.arrived();
  spy.onRead = () => Promise.reject(LOST);
  gate.fail(LOST);
  for (const outcome of await outcomes) {
    assert.ok(outcome.status === "rejected" && isBusy(outcome.reason));
  }
  assert.deepEqual(batchesOf(spy), [["a"]], "the others were not tried");
  assert.deepEqual([commits.stats.waiting, commits.stats.waitingBytes], [0, 0]);
  // And it lives on.
  gate.open();
  spy.onRead = () => Promise.resolve();
  assert.equal(await commits.add(new TestPart("d")), "done");
});

Deno.test("a batch whose marks cannot be read after a refusal fails alone", async () => {
  using spied = await spiedWith();
  const { store: { commits }, spy } = spied;
  const gate = new Gate(spy);
  const refused = commits.add(new TestPart("a", { checks: [NEVER] }));
  const behind = commits.add(new TestPart("b"));
  await gate.arrived();
  spy.onRead = () => Promise.reject(LOST);
  gate.open();
  await assert.rejects(refused, isBusy);
  assert.equal(await behind, "done");
});

Deno.test("a part that throws fails itself alone, and the queue lives on", async (t) => {
  const mistake = new Error("a mistake");
  const fail = (): never => {
    throw mistake;
  };
  const cases = {
    "in prepare": { prepare: fail },
    "while it prepares": { prepare: () => Promise.reject(mistake) },
    "in add": { add: fail },
    "in done": { done: fail },
    "in settle": { checks: [NEVER], settle: fail },
  };
  for (const [when, options] of Object.entries(cases)) {
    await t.step(when, async () => {
      using spied = await spiedWith();
      const { store: { commits }, spy } = spied;
      const gate = new Gate(spy);
      const all = [
        commits.add(new TestPart("first")),
        commits.add(new TestPart("a")),
        commits.add(new TestPart("bad", options)),
        commits.add(new TestPart("b", { prepare: () => Promise.resolve() })),
      ];
      const outcomes = Promise.allSettled(all);
      await gate.arrived();
      gate.open();
      const told = (await outcomes).map((outcome) =>
        outcome.status === "fulfilled" ? outcome.value : outcome.reason
      );
      assert.deepEqual(told, ["done", "done", mistake, "done"]);
      assert.equal(await commits.add(new TestPart("c")), "done");
    });
  }
});

Deno.test("a part of a batch of its own that throws leaves the queue alive", async () => {
  using spied = await spiedWith();
  const { commits } = spied.store;
  const fail = () => {
    throw new Error("a mistake");
  };
  await assert.rejects(
    commits.add(new TestPart("a", { add: fail })),
    /mistake/,
  );
  assert.deepEqual(spied.spy.operations, [], "nothing was committed for it");
  assert.equal(await commits.add(new TestPart("b")), "done");
  await settled();
  assert.equal(commits.stats.underWay, 0);
});

Deno.test("whoever is told of a commit and throws makes it none the less done", async () => {
  using spied = await spiedWith();
  const { commits } = spied.store;
  const told: string[] = [];
  const gather = (batch: Batch) => {
    batch.gather("told", () => ({
      finish: () => told.push("finish"),
      committed(versionstamp: string) {
        told.push(versionstamp);
        throw new Error("a mistake");
      },
    }));
  };
  assert.equal(await commits.add(new TestPart("a", { add: gather })), "done");
  const { versionstamp } = await spied.store.get(entryOf("a"));
  assert.deepEqual(told, ["finish", versionstamp]);
  assert.equal(await commits.add(new TestPart("b")), "done");
});

Deno.test("what gathered is told of a failure, once for each attempt", async (t) => {
  const cases = {
    refused: [NEVER],
    "of unknown outcome": [],
    "of nothing, for all that had to come was there": [],
  };
  for (const [what, checks] of Object.entries(cases)) {
    await t.step(what, async () => {
      using spied = await spiedWith();
      const { store: { commits }, spy } = spied;
      const told: string[] = [];
      if (what === "of unknown outcome") {
        spy.onCommit = () => Promise.reject(LOST);
      }
      const part = new TestPart("a", {
        checks,
        add(batch) {
          batch.gather("told", () => ({
            finish() {},
            committed: () => void told.push("committed"),
            failed: () => void told.push("failed"),
          }));
          return what.startsWith("of nothing") ? "settled" : undefined;
        },
        settle: () => "settled",
      });
      assert.equal(await commits.add(part), "settled");
      await settled();
      assert.deepEqual(told, ["failed"]);
    });
  }
});

Deno.test("a full queue is busy at once, says when to come again, and counts whom it sent away", async () => {
  using spied = await spiedWith({
    queue: { ...DEFAULT_QUEUE, parts: 3, bytes: 500 },
  });
  const { store: { commits }, spy } = spied;
  const gate = new Gate(spy);
  const add = (name: string, bytes: number) =>
    commits.add(new TestPart(name, { cost: { bytes } }));
  const isFull = (error: unknown) =>
    isBusy(error) && (error as Problem).members["retryAfter"] === 1;
  const all = [add("under way", 9_000)];
  await gate.arrived();
  // However large, one that nothing waits before is taken.
  all.push(add("large", 9_000));
  await assert.rejects(add("more", 1), isFull);
  gate.pass();
  await gate.arrived();
  all.push(add("a", 100), add("b", 400));
  await assert.rejects(add("one byte more", 1), isFull);
  all.push(add("nothing more", 0));
  await assert.rejects(add("one part more", 0), isFull);
  assert.deepEqual(commits.stats, {
    waiting: 3,
    waitingBytes: 500,
    underWay: 1,
    window: 1,
    refused: 3,
  });
  gate.open();
  await Promise.all(all);
  assert.equal(await add("again", 500), "done");
  assert.equal(commits.stats.waitingBytes, 0);
});

Deno.test("a part that is refused a hundred times is busy, and not tried for ever", async () => {
  using spied = await spiedWith();
  const { store: { commits }, spy } = spied;
  const part = new TestPart("a", { checks: [NEVER], settle: () => null });
  await assert.rejects(
    commits.add(part),
    (error) => isBusy(error) && (error as Problem).members["retryAfter"] === 1,
  );
  assert.equal(spy.operations.length, 100);
  assert.equal(await commits.add(new TestPart("b")), "done");
});

Deno.test("a part with a check of its own that fails is told so, and is not tried again", async () => {
  using spied = await spiedWith();
  const { store, spy } = spied;
  const versionstamp = await store.commit((operation) =>
    operation.set(["money"], 1)
  );
  const key = ["money"];
  const settle = ([, money]: readonly EntryMaybe[]) =>
    money?.versionstamp === versionstamp ? null : "changed";
  const part = (name: string) =>
    new TestPart(name, { checks: [{ key, versionstamp }], settle });
  assert.equal(await store.commits.add(part("a")), "done");
  await store.commit((operation) => operation.set(key, 2));
  spy.takeCounts();
  assert.equal(await store.commits.add(part("b")), "changed");
  assert.equal(spy.takeCounts().commits, 1);
  assert.equal((await store.get(entryOf("b"))).value, null);
});

Deno.test("a part that the database never takes fails as our own mistake, alone", async () => {
  using spied = await spiedWith({ limits: { ...LIMITS, bytes: 100_000 } });
  const { store: { commits }, spy } = spied;
  const gate = new Gate(spy);
  const huge = new TestPart("huge", {
    cost: { bytes: 1_000_000 },
    add({ operation }) {
      operation.set(["x"], new Uint8Array(70_000));
    },
  });
  const all = [new TestPart("a"), new TestPart("b"), huge, new TestPart("c")];
  const outcomes = Promise.allSettled(all.map((part) => commits.add(part)));
  await gate.arrived();
  gate.open();
  const told = (await outcomes).map(({ status }) => status);
  assert.deepEqual(told, ["fulfilled", "fulfilled", "rejected", "fulfilled"]);
  assert.deepEqual(batchesOf(spy), [["a"], ["b", "c"], ["huge"]]);
  await assert.rejects(commits.add(huge), TypeError);
});

Deno.test("marks of a large batch are asked for ten keys at a time, each for its own part", async () => {
  using spied = await spiedWith();
  const { store, spy } = spied;
  for (const n of [3, 17, 24]) {
    await store.commit((operation) => operation.set(entryOf(`${n}`), `${n}`));
  }
  const gate = new Gate(spy);
  const first = store.commits.add(new TestPart("first"));
  await gate.arrived();
  spy.takeCounts();
  const all = Array.from(
    { length: 25 },
    (_, n) => store.commits.add(new TestPart(`${n}`)),
  );
  gate.open();
  await first;
  const outcomes = await Promise.all(all);
  const there = outcomes.flatMap((one, n) => one === "there" ? [n] : []);
  assert.deepEqual(there, [3, 17, 24]);
  assert.deepEqual(spy.takeCounts(), { reads: 3, entries: 25, commits: 2 });
});

Deno.test("all that one part asks for is read at one moment, as far as ten keys go", async () => {
  using spied = await spiedWith();
  const { store: { commits }, spy } = spied;
  const asked: number[] = [];
  const read = spy.getMany.bind(spy);
  spy.getMany = async (keys) => {
    asked.push(keys.length);
    return await read(keys);
  };
  const gate = new Gate(spy);
  const first = commits.add(new TestPart("first"));
  await gate.arrived();
  // Of one, six and six keys: the last two are not torn apart; one has twelve.
  const all = [0, 5, 5, 11].map((more, n) => {
    const asks = Array.from({ length: more }, (_, i) => ["asked", n, i]);
    return commits.add(
      new TestPart(`${n}`, {
        asks,
        checks: n === 0 ? [NEVER] : [],
        settle(found) {
          const expected = [entryOf(`${n}`), ...n === 0 ? [NEVER.key] : []];
          assert.deepEqual(found.map(({ key }) => key), [...expected, ...asks]);
          return "asked";
        },
      }),
    );
  });
  gate.open();
  await first;
  assert.deepEqual(await Promise.all(all), all.map(() => "asked"));
  assert.deepEqual(asked, [8, 6, 10, 2]);
});

Deno.test("a part that finds in add that it was done is told so, and nothing of it is committed", async () => {
  using spied = await spiedWith();
  const { store: { commits }, spy } = spied;
  const gate = new Gate(spy);
  const all = [
    new TestPart("first"),
    new TestPart("a", { add: () => "done before" }),
    new TestPart("b"),
  ].map((part) => commits.add(part));
  await gate.arrived();
  gate.open();
  assert.deepEqual(await Promise.all(all), ["done", "done before", "done"]);
  assert.deepEqual(batchesOf(spy), [["first"], ["b"]]);
});

Deno.test("a part that has to be prepared anew comes again in front, and not for ever", async () => {
  using spied = await spiedWith();
  const { store: { commits }, spy } = spied;
  const gate = new Gate(spy);
  let prepared = 0;
  const part = new TestPart("a", {
    order: ["one"],
    prepare() {
      prepared += 1;
      return null;
    },
    add: () => prepared < 3 ? AGAIN : undefined,
  });
  const all = [
    commits.add(new TestPart("first")),
    commits.add(part),
    commits.add(new TestPart("b", { apart: ["x"] })),
    commits.add(new TestPart("c", { apart: ["x"] })),
  ];
  await gate.arrived();
  gate.open();
  assert.deepEqual(await Promise.all(all), ["done", "done", "done", "done"]);
  assert.deepEqual(batchesOf(spy), [["first"], ["b"], ["c"], ["a"]]);
  assert.equal(prepared, 3);
  const never = new TestPart("d", { add: () => AGAIN });
  await assert.rejects(commits.add(never), isBusy);
  await settled();
  const { waiting, waitingBytes, underWay } = commits.stats;
  assert.deepEqual([waiting, waitingBytes, underWay], [0, 0, 0]);
});

Deno.test("onBatch() hears how many parts each commit had, and not of those that failed", async () => {
  using spied = await spiedWith();
  const { store: { commits }, spy } = spied;
  const gate = new Gate(spy);
  const told: number[] = [];
  commits.onBatch = (parts, milliseconds) => {
    assert.ok(milliseconds >= 0);
    told.push(parts);
  };
  const all = ["a", "b", "c"].map((name) => commits.add(new TestPart(name)));
  gate.open();
  await Promise.all(all);
  // Of a batch of three one was there before, and goes into no commit.
  const again = new Gate(spy);
  const more = ["e", "f", "g", "h"].map((name) =>
    commits.add(
      new TestPart(name, { add: () => name === "g" ? "there" : undefined }),
    )
  );
  await again.arrived();
  again.open();
  await Promise.all(more);
  assert.deepEqual(told, [1, 2, 1, 2]);
  spy.onCommit = () => Promise.reject(LOST);
  await assert.rejects(commits.add(new TestPart("d")), isBusy);
  assert.deepEqual(told, [1, 2, 1, 2]);
});

Deno.test("a batch checks an entry once for all who rely on it, and refuses two views of it", () => {
  const batch = new Batch();
  const [one, same] = [1, 1].map(() => ({ key: ["a", 1], versionstamp: "1" }));
  assert.ok(one && same);
  const none = { key: ["b"], versionstamp: null };
  batch.operation.check(one, none, same, { ...none });
  assert.deepEqual(batch.finish().checks, [one, none]);
  const torn = new Batch();
  torn.operation.check(one, { ...one, versionstamp: "2" });
  assert.throws(() => torn.finish(), /saw an entry differently/);
});

Deno.test("a batch makes what is gathered under a name once", () => {
  const batch = new Batch();
  const made: number[] = [];
  const make = () => {
    made.push(made.length);
    return { finish() {} };
  };
  assert.equal(batch.gather("a", make), batch.gather("a", make));
  assert.notEqual(batch.gather("b", make), batch.gather("a", make));
  assert.deepEqual(made, [0, 1]);
});
