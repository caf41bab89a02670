/** Sweeping: bodies go once their hold has ended, and nothing else does. */
import assert from "node:assert/strict";
import { commitMessage } from "../../../kv/mail/accept.ts";
import { keys } from "../../../kv/kinds.ts";
import { type MessageEntry, TOMBSTONE_MS } from "../../../kv/mail/entry.ts";
import { readAfter } from "../../../kv/mail/read.ts";
import { openStore, type Store } from "../../../kv/store/store.ts";
import { sweep } from "../../../kv/mail/sweep.ts";
import type { MailboxId } from "../../../lib/ids.ts";
import { HOLD, newMailbox, newMessage, NOW } from "../message_maker.ts";

const HOUR = 3_600_000;
const END = NOW + 1_000 * HOLD;

/** Whether each log entry of a mailbox holds its body. */
async function bodiesIn(store: Store, mailbox: MailboxId): Promise<boolean[]> {
  const entries = await store.list<MessageEntry>({
    prefix: keys.messages(mailbox),
  });
  return entries.map(({ value }) => value.body !== null);
}

Deno.test("sweep() drops the bodies of messages whose hold has ended, and keeps them listed", async () => {
  using store = await openStore(":memory:", () => NOW);
  const mailbox = newMailbox();
  const other = newMailbox();
  for (const hold of [HOLD, 10 * HOLD, HOLD]) {
    await commitMessage(store, newMessage(mailbox, 100, { hold }), NOW);
  }
  await commitMessage(store, newMessage(other), NOW);
  const read = async (now: number) => {
    const options = { mailbox, after: null, limit: 10, bandwidth: Infinity };
    const { messages } = await readAfter(store, { ...options, now });
    return messages.map(({ body, expired, ...facts }) => ({
      ...facts,
      expired,
      hasBody: body !== null,
    }));
  };
  const before = await read(END + HOUR);
  assert.deepEqual(before.map(({ expired }) => expired), [true, false, true]);
  await sweep(store, END - HOUR);
  assert.deepEqual(await bodiesIn(store, mailbox), [true, true, true]);
  await sweep(store, END + HOUR);
  assert.deepEqual(await bodiesIn(store, mailbox), [false, true, false]);
  assert.deepEqual(await bodiesIn(store, other), [false]);
  assert.deepEqual(await read(END + HOUR), before);
});

Deno.test("sweep() goes through mailboxes of any length", async () => {
  using store = await openStore(":memory:", () => NOW);
  const mailbox = newMailbox();
  const count = 1_203;
  for (let i = 0; i < count; i++) {
    await commitMessage(store, newMessage(mailbox, 10), NOW);
  }
  await sweep(store, END + HOUR);
  const bodies = await bodiesIn(store, mailbox);
  assert.equal(bodies.length, count);
  assert.ok(bodies.every((isHeld) => !isHeld));
});

Deno.test("sweep() removes what is not even listed any more", async () => {
  using store = await openStore(":memory:", () => NOW);
  const mailbox = newMailbox();
  await commitMessage(store, newMessage(mailbox), NOW);
  await sweep(store, END + TOMBSTONE_MS);
  assert.deepEqual(await bodiesIn(store, mailbox), []);
});
