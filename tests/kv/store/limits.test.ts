/** What one atomic operation may hold, on the stores there are. */
import assert from "node:assert/strict";
import { keys } from "../../../kv/kinds.ts";
import {
  type Database,
  DatabaseError,
  Operation,
} from "../../../kv/store/database.ts";
import { openDatabase } from "../../../kv/store/deno_kv.ts";
import { findLimits } from "../../../kv/store/limits.ts";
import { DenoKvServer } from "../denokv_server.ts";

const RECORD = { epoch: "0".repeat(12), createdAt: 0 };

/** A handle on a store that has its own record, and nothing else. */
async function openWithRecord(location: string): Promise<Database> {
  const database = await openDatabase(location);
  await database.commit(new Operation().set(keys.store(), RECORD));
  return database;
}

/** Finds the limits; nothing may be written on the way. */
async function findIn(location: string) {
  const database = await openWithRecord(location);
  try {
    const before = await database.get(keys.store());
    const found = await findLimits(database);
    assert.deepEqual(await database.list({ prefix: [] }), [before]);
    return found;
  } finally {
    database.close();
  }
}

Deno.test("findLimits() finds Deno's own, and writes nothing", async () => {
  assert.deepEqual(await findIn(":memory:"), {
    checks: 100,
    mutations: 1_000,
    bytes: 780_000,
  });
});

const hasServer = await DenoKvServer.isThere();

Deno.test({
  name: "findLimits() finds those of a denokv, which takes fewer checks",
  ignore: !hasServer,
  async fn() {
    await using server = await DenoKvServer.start();
    assert.ok(server);
    assert.deepEqual(await findIn(server.url), {
      checks: 10,
      mutations: 1_000,
      bytes: 780_000,
    });
  },
});

Deno.test("findLimits() finds the most that a database takes, of each", async (t) => {
  const limits = [
    { checks: 50, mutations: 500, bytes: 480_000 },
    { checks: 20, mutations: 200, bytes: 240_000 },
    { checks: 10, mutations: 100, bytes: 120_000 },
  ];
  for (const most of limits) {
    await t.step(JSON.stringify(most), async () => {
      const database = bounded(most);
      assert.deepEqual(await findLimits(database), most);
    });
  }
  await t.step("a database that takes none is refused", async () => {
    const database = bounded({ checks: 9, mutations: 100, bytes: 120_000 });
    await assert.rejects(findLimits(database), /too much/);
  });
});

/** A database that refuses what is over a limit. */
function bounded(
  most: { checks: number; mutations: number; bytes: number },
): Pick<Database, "commit"> {
  return {
    commit({ checks, mutations }) {
      const bytes = mutations.reduce(
        (sum, one) =>
          one.kind === "set" && one.value instanceof Uint8Array
            ? sum + one.value.length
            : sum,
        0,
      );
      const isOver = checks.length > most.checks ||
        mutations.length > most.mutations || bytes > most.bytes;
      return isOver
        ? Promise.reject(new TypeError("too much"))
        : Promise.resolve(null);
    },
  };
}

Deno.test("findLimits() takes a file that another process holds for no limit", async () => {
  const locked = () => Promise.reject(new DatabaseError("locked"));
  const holds: Pick<Database, "commit"> = {
    commit: ({ checks }) =>
      checks.length === 100 ? locked() : Promise.resolve(null),
  };
  await assert.rejects(findLimits(holds), { code: "locked" });
});
