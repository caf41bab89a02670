/** Messages that go while they are copied: whole or not at all, and not damaged. */
import assert from "node:assert/strict";
import { commitMessage, findMessage } from "../../../kv/mail/accept.ts";
import { deleteMessage } from "../../../kv/mail/delete.ts";
import type { Database } from "../../../kv/store/database.ts";
import { openDatabase } from "../../../kv/store/deno_kv.ts";
import { openStore } from "../../../kv/store/store.ts";
import { parseCursor } from "../../../lib/cursor.ts";
import { around } from "../../fuzz/failures.ts";
import { HOUR } from "../../routes/clock.ts";
import { newMailbox, newMessage, NOW } from "../message_maker.ts";
import { assertWhole } from "../recount.ts";
import { copyOf, linesIn, restoreInto } from "./backup_copy.ts";

/** A database that does something once, before a read of that kind. */
function doingBefore(kind: string) {
  const due = { act: null as (() => Promise<void>) | null };
  const now = async (first: unknown) => {
    if (first !== kind || due.act === null) return;
    const { act } = due;
    due.act = null;
    await act();
  };
  const open = async (location: string): Promise<Database> => {
    const database = await openDatabase(location);
    return around(database, {
      async get(key) {
        await now(key[0]);
        return await database.get(key);
      },
      async list(range, limit) {
        await now((range.prefix ?? range.start ?? [])[0]);
        return await database.list(range, limit);
      },
    });
  };
  return { due, open };
}

for (
  const [when, kind, size, workUntil, copied] of [
    // It was read with its row: the copy has what there was before.
    ["before its mark is read", "seen", 100, NOW + HOUR, 2],
    ["with its mark, before that is read", "seen", 100, NOW, 1],
    ["before its body is read", "segment", 70_000, NOW + HOUR, 1],
  ] as const
) {
  Deno.test(`a message deleted between listing and reading, ${when}, is whole in the copy or not in it, and not damaged`, async () => {
    const { due, open } = doingBefore(kind);
    using store = await openStore(":memory:", { open });
    const mailbox = newMailbox();
    const post = async (of: number) => {
      const draft = newMessage(mailbox, of, { workUntil });
      return (await commitMessage(store, draft, NOW)).message;
    };
    const gone = await post(size);
    const kept = await post(100);
    due.act = () =>
      deleteMessage(store, mailbox, parseCursor(gone.cursor), NOW);
    // The marks are listed before anything is read: that one does not count.
    if (kind === "seen") {
      const act = due.act;
      due.act = () => {
        due.act = act;
        return Promise.resolve();
      };
    }
    const { file, counts } = await copyOf(store);
    assert.equal(due.act, null, "it was deleted meanwhile");
    assert.deepEqual([counts.messages, counts.damaged], [copied, 0]);
    const kinds = linesIn(file).map((line) => JSON.parse(line))
      .filter(({ id }) => id === gone.id).map(({ kind }) => kind);
    assert.equal(kinds.includes("message"), copied === 2);
    using to = await openStore(":memory:");
    await restoreInto(to, file);
    await assertWhole(to);
    assert.ok(await findMessage(to, kept.id));
    // Its work cannot be sent again, for as long as that would be taken.
    const mark = await findMessage(to, gone.id);
    assert.equal(mark?.id, workUntil > NOW ? gone.id : undefined);
  });
}

Deno.test("a message that came after the marks were listed, and went before it was read, leaves its mark in the copy", async () => {
  const { due, open } = doingBefore("message");
  using store = await openStore(":memory:", { open });
  const mailbox = newMailbox();
  const draft = newMessage(mailbox, 70_000, { workUntil: NOW + HOUR });
  const late = Promise.withResolvers<string>();
  due.act = async () => {
    const { message } = await commitMessage(store, draft, NOW);
    late.resolve(message.cursor);
  };
  const list = store.list.bind(store);
  store.list = async (range, limit) => {
    const entries = await list(range, limit);
    const isBody = range.start?.[0] === "segment";
    if (isBody) return []; // it is being deleted
    if (range.prefix?.[0] === "message" && entries.length > 0) {
      await deleteMessage(store, mailbox, parseCursor(await late.promise), NOW);
    }
    return entries;
  };
  const { file, counts } = await copyOf(store);
  assert.deepEqual([counts.messages, counts.marks, counts.damaged], [0, 0, 0]);
  using to = await openStore(":memory:");
  const { marks } = await restoreInto(to, file);
  assert.equal(marks, 1);
  assert.ok(await findMessage(to, draft.id), "its work does not pay twice");
});
