/** What one atomic operation may hold, on the stores there are. */
import assert from "node:assert/strict";
import { keys } from "../../../kv/kinds.ts";
import { findLimits } from "../../../kv/store/limits.ts";
import { DenoKvServer } from "../denokv_server.ts";

/** A handle on a store that has its own record, and nothing else. */
async function openWithRecord(location: string): Promise<Deno.Kv> {
  const kv = await Deno.openKv(location);
  await kv.set(keys.store(), true);
  return kv;
}

async function keysOf(kv: Deno.Kv): Promise<Deno.KvKey[]> {
  const entries = await Array.fromAsync(kv.list({ prefix: [] }));
  return entries.map(({ key }) => key);
}

Deno.test("findLimits() finds Deno's own, and writes nothing", async () => {
  using kv = await openWithRecord(":memory:");
  const before = await kv.get(keys.store());
  const found = await findLimits(kv);
  assert.deepEqual(found, { checks: 100, mutations: 1_000, bytes: 780_000 });
  assert.deepEqual(await kv.get(keys.store()), before);
  assert.deepEqual(await keysOf(kv), [keys.store()]);
});

Deno.test("findLimits() finds those of a denokv, which takes fewer checks", async () => {
  await using server = await DenoKvServer.start();
  if (server === null) {
    console.error("NOT TESTED: the limits of a denokv, for want of one");
    return;
  }
  using kv = await openWithRecord(server.url);
  const found = await findLimits(kv);
  assert.deepEqual(found, { checks: 10, mutations: 1_000, bytes: 780_000 });
  assert.deepEqual(await keysOf(kv), [keys.store()]);
});
