/** What is held, counted: right after storing, deleting, expiry and crashes. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { commitMessage } from "../../../kv/mail/accept.ts";
import { deleteMessage, deleteThrough } from "../../../kv/mail/delete.ts";
import { openStore } from "../../../kv/store/store.ts";
import { sweep } from "../../../kv/mail/sweep.ts";
import { mailboxUsage, relayUsage } from "../../../kv/mail/usage.ts";
import { parseCursor } from "../../../lib/cursor.ts";
import { HOLD, newMailbox, newMessage, NOW } from "../message_maker.ts";

const HOUR = 3_600_000;

Deno.test("a count is what is held, whatever was stored, deleted and stored again", async () => {
  using store = await openStore(":memory:", () => NOW);
  const steps = fc.array(
    fc.record({
      box: fc.nat(2),
      size: fc.integer({ min: 1, max: 9_000 }),
      remove: fc.nat(3),
    }),
    { minLength: 1, maxLength: 25 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const boxes = [newMailbox(), newMailbox(), newMailbox()];
      const before = await relayUsage(store, NOW);
      const held = boxes.map(() => new Map<string, number>());
      for (const { box, size, remove } of steps) {
        const mailbox = boxes[box] ?? newMailbox();
        const { message } = await commitMessage(
          store,
          newMessage(mailbox, size),
          NOW,
        );
        held[box]?.set(message.cursor, size);
        const [oldest] = held[box]?.keys() ?? [];
        if (remove > 0 || oldest === undefined) continue;
        // At once, and by both ways: it is counted out once.
        const position = parseCursor(oldest);
        await Promise.all([
          deleteMessage(store, mailbox, position),
          deleteMessage(store, mailbox, position),
          deleteThrough(store, mailbox, position.versionstamp),
        ]);
        held[box]?.delete(oldest);
      }
      let [bytes, messages] = [before.bytes, before.messages];
      for (const [i, mailbox] of boxes.entries()) {
        const sizes = [...held[i]?.values() ?? []];
        const sum = sizes.reduce((sum, size) => sum + size, 0);
        assert.deepEqual(await mailboxUsage(store, mailbox, NOW), {
          bytes: sum,
          messages: sizes.length,
        });
        bytes += sum;
        messages += sizes.length;
      }
      assert.deepEqual(await relayUsage(store, NOW), { bytes, messages });
    }),
    { numRuns: 30 },
  );
});

Deno.test("what expires falls out of the count by itself, within the hour", async () => {
  using store = await openStore(":memory:", () => NOW);
  const mailbox = newMailbox();
  await commitMessage(store, newMessage(mailbox, 500), NOW);
  await commitMessage(
    store,
    newMessage(mailbox, 700, { hold: 10 * HOLD }),
    NOW,
  );
  const end = NOW + 1_000 * HOLD;
  assert.deepEqual(await mailboxUsage(store, mailbox, end - 1), {
    bytes: 1_200,
    messages: 2,
  });
  assert.deepEqual(await mailboxUsage(store, mailbox, end + HOUR), {
    bytes: 700,
    messages: 1,
  });
  assert.equal(await sweep(store, end + HOUR), 2);
  assert.equal(await sweep(store, end + HOUR), 0);
  assert.deepEqual(await relayUsage(store, end + HOUR), {
    bytes: 700,
    messages: 1,
  });
});

Deno.test("a message that was there is counted once", async () => {
  using store = await openStore(":memory:", () => NOW);
  const message = newMessage(newMailbox(), 300);
  await Promise.all([1, 2, 3].map(() => commitMessage(store, message, NOW)));
  assert.deepEqual(await relayUsage(store, NOW), { bytes: 300, messages: 1 });
});
