/** Committing a message: all of it or nothing, once. */
import assert from "node:assert/strict";
import { keys, shardOf } from "../../../kv/kinds.ts";
import { commitMessage, findMessage } from "../../../kv/mail/accept.ts";
import { deleteMessage } from "../../../kv/mail/delete.ts";
import {
  chunksBytes,
  INLINE_BYTES,
  SEGMENT_BYTES,
} from "../../../kv/mail/objects.ts";
import { decodeRow, ENTRY_BYTES } from "../../../kv/mail/row.ts";
import { sweep } from "../../../kv/mail/sweep.ts";
import type { Key } from "../../../kv/store/database.ts";
import { openStore } from "../../../kv/store/store.ts";
import { parseCursor } from "../../../lib/cursor.ts";
import { blake3_256 } from "../../../lib/hash.ts";
import { Problem } from "../../../lib/problem.ts";
import { randomBytes } from "../../routes/envelopes.ts";
import { dump } from "../../routes/relay_fixture.ts";
import { kindsIn } from "../backup/kinds_in.ts";
import { HOLD, newMailbox, newMessage, NOW } from "../message_maker.ts";
import { TempDirectory } from "../temp_directory.ts";

Deno.test("commitMessage() writes log entry, mark, object and doorbell under one versionstamp", async (t) => {
  for (const size of [100, 70_000]) {
    await t.step(`${size} bytes`, async () => {
      using store = await openStore(":memory:");
      const mailbox = newMailbox();
      const message = newMessage(mailbox, size);
      const { message: stored, created } = await commitMessage(
        store,
        message,
        NOW,
      );
      assert.equal(created, true);
      const object = blake3_256(message.body).toHex();
      assert.deepEqual(stored, {
        id: message.id,
        mailbox,
        object,
        size,
        storedAt: NOW,
        holdUntil: NOW + 1_000 * HOLD,
        paid: message.paid,
        cursor: stored.cursor,
      });
      const { epoch, versionstamp } = parseCursor(stored.cursor);
      assert.equal(epoch, store.epoch);
      const written: Key[] = [
        keys.message(mailbox, versionstamp),
        keys.seen(message.id),
        keys.object(stored.object),
        keys.doorbell(shardOf(mailbox)),
        keys.ring(shardOf(mailbox), versionstamp),
      ];
      for (const key of written) {
        const entry = await store.get(key);
        assert.notEqual(entry.value, null, String(key[0]));
        assert.equal(entry.versionstamp, versionstamp, String(key[0]));
      }
    });
  }
});

Deno.test("commitMessage() keeps small bodies in the log, and others in segments of at most 60 KiB", async (t) => {
  const table: [size: number, segments: number][] = [
    [1, 0],
    [INLINE_BYTES, 0],
    [INLINE_BYTES + 1, 1],
    [SEGMENT_BYTES, 1],
    [SEGMENT_BYTES + 1, 2],
    [2 * SEGMENT_BYTES, 2],
    [2 * SEGMENT_BYTES + 1, 3],
    [327_687, 6],
  ];
  assert.deepEqual([INLINE_BYTES, SEGMENT_BYTES], [4_096, 61_440]);
  for (const [size, segments] of table) {
    await t.step(`${size} bytes: ${segments}`, async () => {
      using store = await openStore(":memory:");
      const mailbox = newMailbox();
      const message = newMessage(mailbox, size);
      const { message: { object } } = await commitMessage(store, message, NOW);
      const parts = await store.list<Uint8Array>({
        prefix: keys.segments(object),
      });
      assert.equal(parts.length, segments);
      if (segments > 0) {
        assert.deepEqual(
          new Uint8Array(parts.flatMap(({ value }) => [...value])),
          message.body,
        );
      }
      for (const { value } of parts.slice(0, -1)) {
        assert.equal(value.length, SEGMENT_BYTES);
      }
      const [row] = await store.list({ prefix: keys.messages(mailbox) });
      assert.ok(row);
      const [entry] = decodeRow(row.value);
      assert.deepEqual(
        [entry?.place, entry?.body],
        segments === 0 ? ["entry", message.body] : ["segments", null],
      );
    });
  }
});

Deno.test("commitMessage() keeps a body, and nothing of the buffer that it stands in", async (t) => {
  for (const size of [100, INLINE_BYTES, 5_000, 70_000]) {
    await t.step(`${size} bytes`, async () => {
      using store = await openStore(":memory:");
      const buffer = randomBytes(2 * size);
      const body = buffer.subarray(7, 7 + size);
      await commitMessage(
        store,
        newMessage(newMailbox(), 0, { body }),
        NOW,
      );
      const kept = (await dump(store)).flatMap(({ value }) =>
        value instanceof Uint8Array
          ? [value]
          : Object.values(value as object).filter((member) =>
            member instanceof Uint8Array
          )
      );
      const bytes = kept.map((part) => part.buffer.byteLength);
      // Of several chunks, their hashes and the root over them are kept too.
      const total = bytes.reduce((sum, part) => sum + part, 0);
      assert.equal(total, 1 + ENTRY_BYTES + size + chunksBytes(size));
    });
  }
});

Deno.test("commitMessage() of a message that is there changes nothing, whatever else came with it", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  const message = newMessage(mailbox, 5_000);
  const first = await commitMessage(store, message, NOW);
  const before = await dump(store);
  const changes = [
    {},
    { body: randomBytes(70_000) },
    { hold: 9_999, minBandwidth: 5, priority: "lazy" as const },
    { mailbox: newMailbox() },
  ];
  for (const change of changes) {
    const again = await commitMessage(
      store,
      { ...message, ...change },
      NOW + 60_000,
    );
    assert.deepEqual(again, { message: first.message, created: false });
    assert.deepEqual(await dump(store), before);
  }
});

Deno.test("commitMessage() at once with itself stores once", async () => {
  using store = await openStore(":memory:");
  const message = newMessage(newMailbox(), 70_000);
  const all = await Promise.all(
    Array.from({ length: 25 }, () => commitMessage(store, message, NOW)),
  );
  assert.equal(all.filter(({ created }) => created).length, 1);
  for (const { message } of all) assert.deepEqual(message, all[0]?.message);
  assert.deepEqual(await kindsIn(store), {
    doorbell: 1,
    due: 1,
    message: 1,
    object: 1,
    "relay-usage": 1,
    ring: 1,
    seen: 1,
    segment: 2,
    store: 1,
    usage: 1,
  });
});

Deno.test("commitMessage() that the store does not answer leaves nothing behind", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  const message = newMessage(newMailbox(), 70_000);
  let before;
  {
    const store = await openStore(file);
    before = await dump(store);
    store[Symbol.dispose]();
    await assert.rejects(
      commitMessage(store, message, NOW),
      (error) => error instanceof Problem && error.code === "busy",
    );
  }
  using store = await openStore(file);
  assert.deepEqual(await dump(store), before);
  const { created } = await commitMessage(store, message, NOW);
  assert.equal(created, true);
});

Deno.test("commitMessage() stores a message anew once its mark is gone", async () => {
  using store = await openStore(":memory:");
  const message = newMessage(newMailbox());
  const first = await commitMessage(store, message, NOW);
  await store.commit((operation) => operation.delete(keys.seen(message.id)));
  assert.equal(await findMessage(store, message.id), null);
  const second = await commitMessage(store, message, NOW);
  assert.equal(second.created, true);
  assert.ok(second.message.cursor > first.message.cursor);
});

Deno.test("commitMessage() sets the doorbell of its mailbox's shard and no other", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  for (const now of [NOW, NOW + 5]) {
    const { message } = await commitMessage(store, newMessage(mailbox), now);
    const bells = await store.list({ prefix: ["doorbell"] });
    assert.deepEqual(bells, [{
      key: keys.doorbell(shardOf(mailbox)),
      value: true,
      versionstamp: parseCursor(message.cursor).versionstamp,
    }]);
  }
});

Deno.test("findMessage() gives what commitMessage() gave, also after the message was deleted, while its work is good", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  const message = newMessage(mailbox, 100, { workUntil: NOW + 1 });
  assert.equal(await findMessage(store, message.id), null);
  const { message: stored } = await commitMessage(store, message, NOW);
  assert.deepEqual(await findMessage(store, message.id), stored);
  await deleteMessage(store, mailbox, parseCursor(stored.cursor), NOW);
  assert.deepEqual(await findMessage(store, message.id), stored);
  await sweep(store, { now: () => NOW + 3_600_000 });
  assert.equal(await findMessage(store, message.id), null);
});
