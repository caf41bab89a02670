/** Deleting messages, one and many. */
import assert from "node:assert/strict";
import { commitMessage } from "../../../kv/mail/accept.ts";
import { deleteMessage, deleteThrough } from "../../../kv/mail/delete.ts";
import { openStore } from "../../../kv/store/store.ts";
import {
  parseCursor,
  placeOf,
  START_VERSIONSTAMP,
} from "../../../lib/cursor.ts";
import { randomBytes } from "../../routes/envelopes.ts";
import { kindsIn } from "../backup/kinds_in.ts";
import { newMailbox, newMessage, NOW } from "../message_maker.ts";

Deno.test("deleteMessage() removes the entry and its object, and nothing else", async (t) => {
  for (const size of [100, 200_000]) {
    await t.step(`${size} bytes`, async () => {
      using store = await openStore(":memory:");
      const mailbox = newMailbox();
      await commitMessage(store, newMessage(mailbox), NOW);
      const { message } = await commitMessage(
        store,
        newMessage(mailbox, size),
        NOW,
      );
      const position = parseCursor(message.cursor);
      await deleteMessage(store, mailbox, { ...position, epoch: "0" }, NOW);
      await deleteMessage(store, newMailbox(), position, NOW);
      assert.equal((await kindsIn(store))["message"], 2);
      await deleteMessage(store, mailbox, position, NOW);
      await deleteMessage(store, mailbox, position, NOW);
      assert.deepEqual(await kindsIn(store), {
        doorbell: 1,
        due: 2,
        message: 1,
        object: 1,
        "relay-usage": 1,
        ring: 2,
        seen: 1,
        store: 1,
        usage: 1,
      });
    });
  }
});

Deno.test("deleteThrough() deletes as many of the largest messages as there are", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  const other = newMailbox();
  const body = randomBytes(327_687);
  let last = placeOf({ versionstamp: START_VERSIONSTAMP });
  for (let n = 0; n < 52; n++) {
    body[0] = n; // another object each
    const { message } = await commitMessage(
      store,
      newMessage(mailbox, 0, { body }),
      NOW,
    );
    last = placeOf(parseCursor(message.cursor));
  }
  await commitMessage(store, newMessage(mailbox), NOW);
  await commitMessage(store, newMessage(other), NOW);
  assert.equal(await deleteThrough(store, mailbox, last, NOW), 52);
  const { message = 0, object = 0, segment = 0 } = await kindsIn(store);
  assert.deepEqual([message, object, segment], [2, 2, 0]);
  assert.equal(await deleteThrough(store, mailbox, last, NOW), 0);
});
