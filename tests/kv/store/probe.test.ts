/** A store that cannot keep the promise is refused, and it is said why. */
import assert from "node:assert/strict";
import { keys } from "../../../kv/kinds.ts";
import {
  type Database,
  DatabaseError,
  Operation,
  STAMP,
} from "../../../kv/store/database.ts";
import { openDatabase } from "../../../kv/store/deno_kv.ts";
import {
  probeNumbering,
  probeSharing,
  probeWatch,
} from "../../../kv/store/probe.ts";
import { openStore } from "../../../kv/store/store.ts";
import { SpiedDatabase } from "../spied_database.ts";
import { TempDirectory } from "../temp_directory.ts";

const EPOCH = "0".repeat(12);
const RECORD = { epoch: EPOCH, createdAt: 0 };

/** A database with the record of a store. */
async function openSpy(): Promise<SpiedDatabase> {
  const spy = new SpiedDatabase(await openDatabase(":memory:"));
  await spy.commit(new Operation().set(keys.store(), RECORD));
  return spy;
}

/** Never. */
const NO_TIME = new Promise<void>(() => {});

const trialsIn = (database: Database) => database.list({ prefix: ["trial"] });

Deno.test("Deno's own database passes every trial, which leaves nothing behind", async () => {
  const spy = await openSpy();
  await probeSharing(spy, EPOCH);
  await probeNumbering(spy);
  assert.equal(await probeWatch(spy, spy, NO_TIME), true);
  assert.deepEqual(await trialsIn(spy), []);
  assert.deepEqual(spy.watches, { begun: 1, ended: 1 });
  spy.close();
});

Deno.test("a store is refused that another handle does not find as it is", async () => {
  const spy = await openSpy();
  const empty = await openDatabase(":memory:");
  const refused = { name: "StoreUnfitError", code: "store-unfit" };
  const message = /opened again/;
  await assert.rejects(probeSharing(empty, EPOCH), { ...refused, message });
  await assert.rejects(probeSharing(spy, "1".repeat(12)), refused);
  spy.close();
  empty.close();
});

/** A database whose keys do not end in the commit's versionstamp. */
function unnumbered(database: Database): SpiedDatabase {
  const spy = new SpiedDatabase(database);
  spy.onCommit = ({ checks, mutations }) => {
    const operation = new Operation().check(...checks);
    for (const one of mutations) {
      const isStamped = one.kind === "set" && one.key.at(-1) === STAMP;
      operation.mutations.push(
        isStamped ? { ...one, key: [...one.key.slice(0, -1), "1"] } : one,
      );
    }
    return database.commit(operation);
  };
  return spy;
}

Deno.test("a store is refused that does not number what is written to it", async () => {
  const database = unnumbered(await openDatabase(":memory:"));
  const refused = { code: "store-unfit", message: /number/ };
  await assert.rejects(probeNumbering(database), refused);
  assert.deepEqual(await trialsIn(database), []);
  database.close();
});

Deno.test("openStore() refuses a new store that is unfit, and closes its handles", async () => {
  await using directory = await TempDirectory.make();
  const opened: Database[] = [];
  const cases: [RegExp, (location: string) => Promise<Database>][] = [
    [/number/, async (location) => unnumbered(await openDatabase(location))],
    [/opened again/, () => openDatabase(":memory:")],
  ];
  for (const [n, [message, openOne]] of cases.entries()) {
    const open = async (location: string) => {
      const database = await openOne(location);
      opened.push(database);
      return database;
    };
    const file = directory.file(`${n}.kv`);
    await assert.rejects(openStore(file, { open }), { message });
  }
  assert.equal(opened.length, 4);
  for (const database of opened) {
    await assert.rejects(database.get(["a"]), DatabaseError, "closed");
  }
});

Deno.test("probeWatch() says so where a watch tells of nothing, of something else, or fails", async (t) => {
  const nothing = [{ key: [], value: null, versionstamp: null }];
  const endless = () =>
    new ReadableStream({ start: (stream) => stream.enqueue(nothing) });
  await t.step("nothing, until time is up", async () => {
    const spy = await openSpy();
    const time = Promise.withResolvers<void>();
    spy.onWatch = endless;
    const probing = probeWatch(spy, spy, time.promise);
    time.resolve();
    assert.equal(await probing, false);
    assert.deepEqual(spy.watches, { begun: 1, ended: 1 }, "it is cancelled");
    assert.deepEqual(await trialsIn(spy), []);
    spy.close();
  });
  await t.step("something else", async () => {
    const spy = await openSpy();
    spy.onWatch = () => ReadableStream.from([nothing, nothing]);
    assert.equal(await probeWatch(spy, spy, NO_TIME), false);
    spy.close();
  });
  await t.step("it ends", async () => {
    const spy = await openSpy();
    spy.onWatch = () => ReadableStream.from([]);
    assert.equal(await probeWatch(spy, spy, NO_TIME), false);
    spy.close();
  });
});
