/** Stores of the form before, whose marks, headers and due rows are not packed. */
import assert from "node:assert/strict";
import { commitMessage } from "../../../kv/mail/accept.ts";
import { deleteThrough } from "../../../kv/mail/delete.ts";
import { extendMessage } from "../../../kv/mail/extend.ts";
import { findObject, readObject } from "../../../kv/mail/objects.ts";
import { sweep } from "../../../kv/mail/sweep.ts";
import { PACKINGS } from "../../../kv/packings.ts";
import type { Packing } from "../../../kv/store/packing.ts";
import { SCHEMA } from "../../../kv/store/record.ts";
import { openStore } from "../../../kv/store/store.ts";
import { placeOf } from "../../../lib/cursor.ts";
import { TOMBSTONE_MS } from "../../../kv/mail/entry.ts";
import { newMessage, NOW, openMailbox } from "../message_maker.ts";
import { assertWhole } from "../recount.ts";
import { TempDirectory } from "../temp_directory.ts";

/** Has everything written as the version before did. */
async function unpacked<T>(write: () => Promise<T>): Promise<T> {
  const packings = PACKINGS as Map<unknown, Packing>;
  const all = [...packings];
  packings.clear();
  try {
    return await write();
  } finally {
    for (const [kind, packing] of all) packings.set(kind, packing);
  }
}

/** Notes the form before in a store; gives how many values are not packed. */
async function ofFormBefore(file: string): Promise<number> {
  using kv = await Deno.openKv(file);
  const { value } = await kv.get<object>(["store"]);
  await kv.set(["store"], { ...value, schema: SCHEMA - 1 });
  const entries = await Array.fromAsync(kv.list({ prefix: [] }));
  return entries.filter(({ key, value }) =>
    PACKINGS.has(key[0]) && !(value instanceof Uint8Array)
  ).length;
}

Deno.test("a store of the form before is taken over: all of it is read, kept, extended and ended", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("relay.kv");
  const sizes = [100, 4_096, 5_000, 200_000];
  const made = await unpacked(async () => {
    using store = await openStore(file);
    const mailbox = await openMailbox(store);
    const messages = sizes.map((size) => newMessage(mailbox, size));
    const stored = [];
    for (const message of messages) {
      stored.push((await commitMessage(store, message, NOW)).message);
    }
    return { mailbox, messages, stored };
  });
  const count = await ofFormBefore(file);
  assert.ok(count >= 3 * sizes.length, `${count} values`);
  {
    using store = await openStore(file);
    assert.equal((await store.check())?.schema, SCHEMA);
    await assertWhole(store);
    for (const [i, message] of made.messages.entries()) {
      const again = await commitMessage(store, message, NOW);
      assert.deepEqual(again, { message: made.stored[i], created: false });
      const { object } = again.message;
      const held = await findObject(store, object, made.mailbox, NOW);
      assert.ok(held);
      assert.deepEqual(await readObject(store, held), message.body);
    }
    const [first, second] = made.messages;
    assert.ok(first && second);
    const extended = await extendMessage(store, first.id, {
      wanted: undefined,
      minBandwidth: 0,
      paid: { by: "work", hashes: 20_000 },
      price: () => ({ hold: 7_200, paidFor: 7_200 }),
      workUntil: NOW,
    }, NOW);
    assert.equal(extended?.extended, true);
    await assertWhole(store);
    const place = placeOf({ versionstamp: "f".repeat(20) });
    await sweep(store, { now: () => NOW + 7_200_000 });
    await assertWhole(store);
    await deleteThrough(store, made.mailbox, place, NOW);
    await sweep(store, { now: () => NOW + 2 * TOMBSTONE_MS });
    await assertWhole(store);
  }
  // Not while one of the version before may use it, nor for a moment after.
  await ofFormBefore(file);
  {
    using kv = await Deno.openKv(file);
    const lease = { holder: "x", until: NOW + 60_000 };
    await kv.set(["lease", "worker x"], lease);
  }
  await assert.rejects(openStore(file, () => NOW + 59_999), {
    code: "store-in-use",
  });
  {
    using store = await openStore(file, () => NOW + 60_000);
    assert.equal((await store.check())?.schema, SCHEMA);
  }
  // Two workers that start at once both take it over, or find that it is.
  await ofFormBefore(file);
  const both = await Promise.all([openStore(file), openStore(file)]);
  for (const store of both) {
    assert.equal((await store.check())?.schema, SCHEMA);
    store[Symbol.dispose]();
  }
});
