/** Opening a store, its epoch, and its failures. */
import assert from "node:assert/strict";
import { keys } from "../../../kv/kinds.ts";
import {
  DatabaseError,
  type Key,
  Operation,
  STAMP,
} from "../../../kv/store/database.ts";
import { openDatabase } from "../../../kv/store/deno_kv.ts";
import {
  changeRecord,
  ensureRecord,
  SCHEMA,
  type StoreRecord,
} from "../../../kv/store/record.ts";
import { openStore, type Store } from "../../../kv/store/store.ts";
import { Problem } from "../../../lib/problem.ts";
import { around } from "../../fuzz/failures.ts";
import { dump } from "../../routes/relay_fixture.ts";
import { LIMITS, openSpied, spiedWith } from "../spied_database.ts";
import { ManualClock } from "../../manual_clock.ts";
import { TempDirectory } from "../temp_directory.ts";
import { settled, TestPart } from "./test_part.ts";

async function modeOf(path: string): Promise<string> {
  return (((await Deno.stat(path)).mode ?? 0) & 0o777).toString(8);
}

Deno.test("openStore() makes the file and its directories, for the owner alone", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("some", "where", "store.kv");
  using store = await openStore(file);
  await store.commit((operation) => operation.set(["key"], "value"));
  assert.equal(await modeOf(directory.file("some")), "700");
  assert.equal(await modeOf(directory.file("some", "where")), "700");
  const files = await Array.fromAsync(
    Deno.readDir(directory.file("some", "where")),
  );
  for (const { name } of files) {
    const mode = await modeOf(directory.file("some", "where", name));
    assert.equal(mode, "600", name);
  }
});

Deno.test("openStore() notes when the store was made, and reads it again later", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  let epoch = "";
  for (const now of [1_000, 2_000]) {
    using store = await openStore(file, () => now);
    epoch ||= store.epoch;
    assert.match(store.epoch, /^[0-9a-f]{12}$/);
    assert.equal(store.epoch, epoch);
    assert.deepEqual(await store.check(), {
      schema: SCHEMA,
      epoch,
      createdAt: 1_000,
      limits: LIMITS,
    });
    assert.deepEqual(store.limits, LIMITS);
  }
});

Deno.test("openStore() gives every new store another epoch", async () => {
  const epochs = new Set<string>();
  for (let i = 0; i < 5; i++) {
    using store = await openStore(":memory:");
    epochs.add(store.epoch);
  }
  assert.equal(epochs.size, 5);
});

Deno.test("openStore() gives one epoch to all who open a new file at once", async () => {
  await using directory = await TempDirectory.make();
  for (let round = 0; round < 5; round++) {
    const file = directory.file(`${round}.kv`);
    const opened = await Promise.allSettled(
      Array.from({ length: 8 }, () => openStore(file)),
    );
    const stores = opened.flatMap((result) =>
      result.status === "fulfilled" ? [result.value] : []
    );
    const epochs = new Set(stores.map(({ epoch }) => epoch));
    for (const store of stores) store[Symbol.dispose]();
    const failures = opened.flatMap((result) =>
      result.status === "rejected" ? [String(result.reason)] : []
    );
    assert.deepEqual([failures, epochs.size], [[], 1]);
  }
});

Deno.test("openStore() has one operation under way with a file, and eight with a server", async (t) => {
  await using directory = await TempDirectory.make();
  const table: [location: string, underWay: number][] = [
    [":memory:", 1],
    [directory.file("store.kv"), 1],
    [directory.file("http:"), 1],
    ["http://kv.test", 8],
    ["https://kv.test", 8],
    ["platform", 8],
  ];
  for (const [location, underWay] of table) {
    await t.step(location.replace(directory.path, "a file"), async () => {
      const database = await openDatabase(":memory:");
      // All its handles are of one database.
      const open = () => Promise.resolve(around(database, { close() {} }));
      {
        using store = await openStore(location, { open });
        const all = Array.from(
          { length: 20 },
          (_, n) => store.commits.add(new TestPart(`${n}`)),
        );
        assert.equal(store.commits.stats.underWay, underWay);
        await Promise.all(all);
      }
      database.close();
    });
  }
});

Deno.test("openStore() says what cannot be opened, and leaves nothing open", async () => {
  await using directory = await TempDirectory.make();
  await Deno.writeTextFile(
    directory.file("text"),
    "not a database ".repeat(99),
  );
  await assert.rejects(openStore(directory.file("text")));
  await assert.rejects(openStore(directory.file("text", "store.kv")));
  await assert.rejects(openStore(directory.path));
});

/** Everything that can be asked of a store. */
const OPERATIONS: Readonly<Record<string, (store: Store) => Promise<unknown>>> =
  {
    get: (store) => store.get(["key"]),
    getMany: (store) => store.getMany([["key"], ["other"]]),
    list: (store) => store.list({ prefix: [] }),
    commit: (store) =>
      store.commit((operation) => operation.set(["key"], "value")),
    check: (store) => store.check(),
  };

Deno.test("a store whose database fails is busy, and says when to try again", async (t) => {
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    await t.step(name, async () => {
      const store = await openStore(":memory:");
      await operation(store);
      store[Symbol.dispose]();
      await assert.rejects(operation(store), (error) => {
        assert.ok(error instanceof Problem, `${error} is a problem`);
        assert.equal(error.code, "busy");
        assert.equal(error.members["retryAfter"], 2);
        assert.ok(error.cause instanceof Error, "with its cause");
        return true;
      });
    });
  }
});

Deno.test("whatever is asked of a database that never answers is busy after fifteen seconds", async (t) => {
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    await t.step(name, async () => {
      const clock = new ManualClock();
      using spied = await spiedWith({ clock });
      const { store, spy } = spied;
      await operation(store);
      const answer = Promise.withResolvers<never>();
      spy.onRead = () => answer.promise;
      spy.onCommit = () => answer.promise;
      let isTold = false;
      const told = assert.rejects(operation(store), { code: "busy" })
        .then(() => isTold = true);
      clock.advance(14_999);
      await settled();
      assert.equal(isTold, false);
      clock.advance(1);
      await told;
      // Of what comes too late nobody hears any more.
      answer.reject(new DatabaseError("failed"));
      await settled();
    });
  }
});

Deno.test("commit() of what the database never takes fails as our own mistake, and does nothing", async () => {
  using store = await openStore(":memory:");
  const before = await dump(store);
  const tooLarge = "x".repeat(70_000);
  await assert.rejects(
    store.commit((operation) => operation.set(["a"], 1).set(["b"], tooLarge)),
    (error) => !(error instanceof Problem) && error instanceof TypeError,
  );
  assert.deepEqual(await dump(store), before);
});

Deno.test("two handles on one file that write at once succeed, fail their checks, or are busy", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  using one = await openStore(file);
  using two = await openStore(file);
  for (let round = 0; round < 10; round++) {
    const key = ["round", round];
    const results = await Promise.allSettled(
      Array.from(
        { length: 20 },
        (_, i) =>
          (i % 2 === 0 ? one : two).commit((operation) =>
            operation.check({ key, versionstamp: null }).set(key, i)
          ),
      ),
    );
    const done = results.filter(({ status }) => status === "fulfilled")
      .flatMap((result) =>
        "value" in result && result.value !== null ? [result.value] : []
      );
    assert.equal(done.length, 1, "one is first");
    const failures = results.flatMap((result) =>
      "reason" in result && !(result.reason instanceof Problem)
        ? [String(result.reason)]
        : []
    );
    assert.deepEqual(failures, []);
  }
});

Deno.test("commit() does all of it or, where a check fails, nothing", async () => {
  using store = await openStore(":memory:");
  const first = await store.commit((operation) =>
    operation.set(["a"], 1).set(["b"], 2)
  );
  assert.match(first ?? "", /^[0-9a-f]{20}$/);
  const before = await dump(store);
  const second = await store.commit((operation) =>
    operation
      .set(["c"], 3)
      .delete(["a"])
      .set(["d", STAMP], 4)
      .check({ key: ["b"], versionstamp: null })
  );
  assert.equal(second, null);
  assert.deepEqual(await dump(store), before);
  const third = await store.commit((operation) =>
    operation.set(["d", STAMP], 4)
  );
  const [entry] = await store.list({ prefix: ["d"] });
  assert.deepEqual(entry?.key, ["d", third]);
});

Deno.test("list() gives a range in order, and no more of it than was asked for", async () => {
  using store = await openStore(":memory:");
  await store.commit((operation) => {
    for (let n = 0; n < 700; n++) operation.set(["n", n], n);
    operation.set(["o"], "another");
  });
  const all = await store.list<number>({ prefix: ["n"] });
  assert.deepEqual(
    all.map(({ value }) => value),
    Array.from({ length: 700 }, (_, n) => n),
  );
  for (const limit of [1, 100, 501, 1_000]) {
    const some = await store.list({ prefix: ["n"] }, limit);
    assert.equal(some.length, Math.min(limit, 700));
  }
  const range = { start: ["n", 5], end: ["n", 8] };
  assert.deepEqual(
    (await store.list(range)).map(({ value }) => value),
    [5, 6, 7],
  );
});

Deno.test("openStore() asks a store that is there at most three times before it listens", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  {
    using _ = await openStore(file);
  }
  using spied = await openSpied(file);
  const one = spied.spy.takeCounts();
  const other = spied.watching.takeCounts();
  assert.notEqual(spied.spy, spied.watching);
  const asked = one.reads + one.commits + other.reads + other.commits;
  assert.ok(asked <= 3, `${asked} times`);
  assert.equal(one.commits + other.commits, 0, "and writes nothing");
});

/** A file with a store's record in it. */
async function fileWith(
  directory: TempDirectory,
  record: Partial<StoreRecord>,
): Promise<string> {
  const file = directory.file(`${crypto.randomUUID()}.kv`);
  const database = await openDatabase(file);
  const whole = { epoch: "0".repeat(12), createdAt: 0, ...record };
  await database.commit(new Operation().set(keys.store(), whole));
  database.close();
  return file;
}

Deno.test("openStore() refuses a store of another form, and says what to do", async (t) => {
  await using directory = await TempDirectory.make();
  const table: [what: string, Partial<StoreRecord>, code: string, RegExp][] = [
    ["the first form", {}, "store-form", /older version.*`restante backup`/],
    ["an older form", { schema: SCHEMA - 2 }, "store-form", /older version/],
    ["a newer form", { schema: SCHEMA + 1 }, "store-form", /newer version/],
    [
      "half restored",
      { schema: SCHEMA, isRestoring: true },
      "store-half-restored",
      /restore into this store has not ended/,
    ],
    [
      "half restored, of an older form",
      { isRestoring: true },
      "store-half-restored",
      /has not ended/,
    ],
  ];
  for (const [what, record, code, message] of table) {
    await t.step(what, async () => {
      const file = await fileWith(directory, record);
      await assert.rejects(openStore(file), { code, message });
      // Nothing was written to it.
      const database = await openDatabase(file);
      const { value } = await database.get(keys.store());
      assert.equal(value?.limits, undefined);
      database.close();
    });
  }
});

Deno.test("openStore() refuses what another process made of a new store meanwhile as it does any other", async (t) => {
  await using directory = await TempDirectory.make();
  const table: [Partial<StoreRecord>, code: string | null][] = [
    [{ schema: SCHEMA }, null],
    [{ schema: SCHEMA + 1 }, "store-form"],
    [{ schema: SCHEMA, isRestoring: true }, "store-half-restored"],
  ];
  for (const [made, code] of table) {
    await t.step(JSON.stringify(made), async () => {
      const file = directory.file(`${crypto.randomUUID()}.kv`);
      const database = await openDatabase(file);
      const record = { epoch: "0".repeat(12), createdAt: 7, ...made };
      // It found nothing, and is about to make a record of its own.
      const late = around(database, {
        async commit(operation) {
          const isMade = operation.mutations.some(({ key: [kind] }) =>
            kind === "store"
          );
          if (isMade) {
            const other = new Operation().set(keys.store(), record);
            await database.commit(other);
          }
          return await database.commit(operation);
        },
      });
      const found = ensureRecord(late, 1);
      if (code !== null) await assert.rejects(found, { code });
      else {
        assert.deepEqual(await found, {
          record: { ...record, limits: LIMITS },
          isNew: false,
        });
      }
      assert.deepEqual((await database.get(keys.store())).value, record);
      database.close();
    });
  }
});

Deno.test("openStore() finds the limits of a store whose record does not say them", async () => {
  await using directory = await TempDirectory.make();
  const file = await fileWith(directory, { schema: SCHEMA });
  using store = await openStore(file);
  assert.deepEqual(store.limits, LIMITS);
});

Deno.test("openStore() of a store that keeps nothing is refused", async () => {
  const database = await openDatabase(":memory:");
  const forgetful = {
    get: <T>(key: Key<T>) =>
      Promise.resolve({ key, value: null, versionstamp: null } as const),
    getMany: database.getMany.bind(database),
    list: database.list.bind(database),
    commit: database.commit.bind(database),
    watch: database.watch.bind(database),
    close: database.close.bind(database),
  };
  await assert.rejects(ensureRecord(forgetful, 0), { code: "store-form" });
  database.close();
});

Deno.test("changeRecord() loses no change, whoever else makes one", async () => {
  using store = await openStore(":memory:", () => 5);
  const epochs = ["a", "b", "c", "d", "e"];
  await Promise.all(
    epochs.map((epoch) =>
      changeRecord(store, (record) => ({
        ...record,
        former: [...record.former ?? [], { epoch, through: epoch }],
      }))
    ),
  );
  const { former = [] } = await store.check() ?? {};
  assert.deepEqual(former.map(({ epoch }) => epoch).toSorted(), epochs);
  const before = await store.get(keys.store());
  await changeRecord(store, (record) => record);
  assert.deepEqual(
    await store.get(keys.store()),
    before,
    "no change, no write",
  );
  await store.commit((operation) => operation.delete(keys.store()));
  await assert.rejects(changeRecord(store, (record) => record), {
    code: "store-form",
  });
});

Deno.test("epochOf() is the epoch that a commit was made in", async () => {
  const former = [
    { epoch: "a".repeat(12), through: "03" },
    { epoch: "b".repeat(12), through: "05" },
  ];
  const epoch = "c".repeat(12);
  using spied = await spiedWith({ record: { epoch, former, createdAt: 0 } });
  const table = { "01": "a", "03": "a", "04": "b", "05": "b", "06": "c" };
  for (const [stamp, letter] of Object.entries(table)) {
    assert.equal(spied.store.epochOf(stamp), letter.repeat(12), stamp);
  }
});

Deno.test("DatabaseError says whether another process holds the file, by its code alone", async () => {
  await using directory = await TempDirectory.make();
  const database = await openDatabase(directory.file("store.kv"));
  database.close();
  const failure = await database.get(["a"]).then(() => null, (error) => error);
  assert.ok(failure instanceof DatabaseError);
  assert.equal(failure.code, "failed");
  assert.ok(failure.cause instanceof Error);
  assert.ok(failure.message.includes(failure.cause.message));
  database.close(); // closed before: nothing happens
});

Deno.test("an operation that another process kept from the file comes again, and no other does", async (t) => {
  const cases = { locked: 3, failed: 1 } as const;
  for (const [code, attempts] of Object.entries(cases)) {
    await t.step(code, async () => {
      using spied = await spiedWith();
      const { store, spy } = spied;
      let count = 0;
      spy.onCommit = async (_, commit) => {
        count += 1;
        if (count < 3) throw new DatabaseError(code as keyof typeof cases);
        return await commit();
      };
      const outcome = store.commit((operation) => operation.set(["a"], 1));
      if (code === "locked") assert.ok(await outcome);
      else await assert.rejects(outcome, { code: "busy" });
      assert.equal(count, attempts);
    });
  }
});

Deno.test("a file that stays locked is busy in the end", async () => {
  using spied = await spiedWith();
  let count = 0;
  spied.spy.onCommit = () => {
    count += 1;
    return Promise.reject(new DatabaseError("locked"));
  };
  const outcome = spied.store.commit((operation) => operation.set(["a"], 1));
  await assert.rejects(outcome, { code: "busy" });
  assert.equal(count, 8);
});

Deno.test("what Deno KV never takes is a TypeError, and what may pass a DatabaseError", async (t) => {
  const database = await openDatabase(":memory:");
  const set = (key: readonly string[], value: unknown) =>
    database.commit(new Operation().set(key, value));
  const never: Record<string, () => Promise<unknown>> = {
    "a value over 64 KiB": () => set(["a"], new Uint8Array(70_000)),
    "a key over 2 KiB": () => set(["a".repeat(3_000)], 1),
    "a function": () => set(["a"], () => {}),
    "an end before it begins": () =>
      database.commit(new Operation().set(["a"], 1, { expireIn: -1 })),
    "an end between two milliseconds": () =>
      database.commit(new Operation().set(["a"], 1, { expireIn: 1.5 })),
    "eleven keys at once": () =>
      database.getMany<unknown[]>(Array.from({ length: 11 }, (_, n) => [n])),
  };
  for (const [what, operation] of Object.entries(never)) {
    await t.step(what, async () => {
      await assert.rejects(operation(), TypeError);
    });
  }
  database.close();
  await t.step("a database that is closed", async () => {
    await assert.rejects(set(["a"], 1), DatabaseError);
  });
});

Deno.test("onAnswer() hears of every read and commit, also of those that fail", async () => {
  using spied = await spiedWith();
  const { store, spy } = spied;
  const told: string[] = [];
  store.onAnswer = (operation, took) => {
    assert.ok(took >= 0);
    told.push(operation);
  };
  await store.get(["a"]);
  await store.getMany([["a"]]);
  await store.list({ prefix: ["a"] });
  await store.commit((operation) => operation.set(["a"], 1));
  spy.onRead = () => Promise.reject(new DatabaseError("failed"));
  await assert.rejects(store.get(["a"]));
  assert.deepEqual(told, ["read", "read", "read", "commit", "read"]);
});

Deno.test("Deno KV is told when what is set may be dropped, and of nothing else that it may", async () => {
  using kv = await Deno.openKv(":memory:");
  const prototype = Object.getPrototypeOf(kv.atomic()) as Deno.AtomicOperation;
  const { set } = prototype;
  const told: unknown[] = [];
  prototype.set = function (key, value, options) {
    told.push([key[0], options?.expireIn]);
    return set.call(this, key, value, options);
  };
  try {
    using store = await openStore(":memory:");
    told.length = 0;
    await store.commit((operation) =>
      operation.set(["a"], 1, { expireIn: 60_000 })
        .set(["b"], 1, { expireIn: 1 })
        .set(["c"], 1, {})
        .set(["d"], 1)
    );
  } finally {
    prototype.set = set;
  }
  assert.deepEqual(told, [["a", 60_000], ["b", 1], ["c", undefined], [
    "d",
    undefined,
  ]]);
});

Deno.test("sums are read as numbers, and wrap", async () => {
  using store = await openStore(":memory:");
  const add = (by: bigint) =>
    store.commit((operation) => operation.sum(["n"], by));
  await add(7n);
  await add(-3n);
  assert.equal((await store.get<bigint>(["n"])).value, 4n);
  await add(-5n);
  assert.equal((await store.get<bigint>(["n"])).value, 2n ** 64n - 1n);
});
