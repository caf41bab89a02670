/** Opening a store, its epoch, and its failures. */
import assert from "node:assert/strict";
import { keys } from "../../../kv/kinds.ts";
import { openStore, type Store } from "../../../kv/store/store.ts";
import { Problem } from "../../../lib/problem.ts";
import { dump } from "../../routes/relay_fixture.ts";
import { TempDirectory } from "../temp_directory.ts";

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
    const { value } = await store.get(keys.store());
    assert.deepEqual(value, { epoch, createdAt: 1_000 });
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
      .set(["d", store.commitVersionstamp()], 4)
      .check({ key: ["b"], versionstamp: null })
  );
  assert.equal(second, null);
  assert.deepEqual(await dump(store), before);
  const third = await store.commit((operation) =>
    operation.set(["d", store.commitVersionstamp()], 4)
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
