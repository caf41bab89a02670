/** Marks of messages that are gone: to the end of the window of their work. */
import assert from "node:assert/strict";
import { commitMessage, findMessage } from "../../../kv/mail/accept.ts";
import { deleteMessage } from "../../../kv/mail/delete.ts";
import { dropMark } from "../../../kv/mail/marks.ts";
import { openStore } from "../../../kv/store/store.ts";
import { parseCursor } from "../../../lib/cursor.ts";
import { newMailbox, newMessage, NOW } from "../message_maker.ts";
import { assertWhole } from "../recount.ts";

Deno.test("dropMark() drops a mark when its work can be sent no more, once, and not a millisecond before", async () => {
  using store = await openStore(":memory:", () => NOW);
  const mailbox = newMailbox();
  const workUntil = NOW + 1_000;
  const message = newMessage(mailbox, 100, { workUntil });
  const { id } = message;
  const { message: { cursor } } = await commitMessage(store, message, NOW);
  await deleteMessage(store, mailbox, parseCursor(cursor), NOW);
  const other = newMessage(mailbox, 100, { workUntil });
  await commitMessage(store, other, NOW);
  await dropMark(store, { mailbox, id }, workUntil - 1);
  assert.notEqual(await findMessage(store, id), null);
  await Promise.all(
    [1, 2, 3].map(() => dropMark(store, { mailbox, id }, workUntil)),
  );
  assert.equal(await findMessage(store, id), null);
  await assertWhole(store);
});
