/** Objects: found by whom they belong to, and read in part. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { keys } from "../../../kv/kinds.ts";
import { commitMessage } from "../../../kv/mail/accept.ts";
import {
  findObject,
  readObject,
  SEGMENT_BYTES,
  segmentCount,
} from "../../../kv/mail/objects.ts";
import { openStore } from "../../../kv/store/store.ts";
import { objectHashOf } from "../../../lib/ids.ts";
import { HOLD, newMailbox, newMessage, NOW } from "../message_maker.ts";

Deno.test("segmentCount() is one for every 60 KiB begun", () => {
  const table: [size: number, count: number][] = [
    [0, 0],
    [1, 1],
    [61_440, 1],
    [61_441, 2],
    [122_880, 2],
    [122_881, 3],
  ];
  for (const [size, count] of table) assert.equal(segmentCount(size), count);
});

Deno.test("findObject() finds an object in its mailbox, to the end of its hold", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  const { message } = await commitMessage(
    store,
    newMessage(mailbox, 5_000),
    NOW,
  );
  const { object, holdUntil } = message;
  assert.equal(holdUntil, NOW + 1_000 * HOLD);
  const found = await findObject(store, object, mailbox, holdUntil - 1);
  assert.deepEqual(
    [found?.hash, found?.size, found?.mailbox, found?.holdUntil],
    [object, 5_000, mailbox, holdUntil],
  );
  assert.equal(await findObject(store, object, mailbox, holdUntil), null);
  assert.equal(await findObject(store, object, newMailbox(), NOW), null);
  const unknown = objectHashOf(new Uint8Array(32));
  assert.equal(await findObject(store, unknown, mailbox, NOW), null);
});

Deno.test("readObject() gives any part of any object", async (t) => {
  const sizes = [
    1,
    4_096,
    4_097,
    SEGMENT_BYTES,
    SEGMENT_BYTES + 1,
    2 * SEGMENT_BYTES,
    150_000,
  ];
  for (const size of sizes) {
    await t.step(`${size} bytes`, async () => {
      using store = await openStore(":memory:");
      const mailbox = newMailbox();
      const message = newMessage(mailbox, size);
      const { message: { object } } = await commitMessage(store, message, NOW);
      const found = await findObject(store, object, mailbox, NOW);
      assert.ok(found);
      assert.deepEqual(await readObject(store, found), message.body);
      // Near the ends and the seams, where parts begin and end badly.
      const seams = [0, SEGMENT_BYTES, 2 * SEGMENT_BYTES, size];
      const offset = fc.oneof(
        fc.nat({ max: size }),
        fc.tuple(fc.constantFrom(...seams), fc.integer({ min: -2, max: 2 }))
          .map(([seam, by]) => Math.min(Math.max(seam + by, 0), size)),
      );
      await fc.assert(
        fc.asyncProperty(offset, offset, async (a, b) => {
          const [start, end] = [Math.min(a, b), Math.max(a, b)];
          fc.pre(start < end);
          assert.deepEqual(
            await readObject(store, found, start, end),
            message.body.slice(start, end),
          );
        }),
        { numRuns: 40 },
      );
    });
  }
});

Deno.test("readObject() gives nothing where any part was deleted meanwhile", async (t) => {
  for (const size of [100, 5_000, 150_000]) {
    await t.step(`${size} bytes`, async () => {
      using store = await openStore(":memory:");
      const mailbox = newMailbox();
      const message = newMessage(mailbox, size);
      const { message: { object } } = await commitMessage(store, message, NOW);
      const found = await findObject(store, object, mailbox, NOW);
      assert.ok(found);
      const gone = size <= 4_096
        ? keys.message(mailbox, found.stamp)
        : keys.segment(object, segmentCount(size) - 1);
      await store.commit((operation) => operation.delete(gone));
      assert.equal(await readObject(store, found), null);
      assert.equal(await readObject(store, found, size - 1, size), null);
    });
  }
});
