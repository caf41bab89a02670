/** What an operator does with a store, and that the counts stay right. */
import assert from "node:assert/strict";
import { commitMessage, findMessage } from "../../../kv/mail/accept.ts";
import {
  eachMailbox,
  evictAll,
  evictBefore,
  revokedUntil,
  revokeTokens,
  setMailboxQuota,
} from "../../../kv/mail/admin.ts";
import { keptBytes, MARK_BYTES } from "../../../kv/mail/entry.ts";
import { completeHandshake, findMailbox } from "../../../kv/mail/mailboxes.ts";
import { findObject } from "../../../kv/mail/objects.ts";
import { readAfter } from "../../../kv/mail/read.ts";
import { mailboxUsage, relayUsage } from "../../../kv/mail/usage.ts";
import { openStore, type Store } from "../../../kv/store/store.ts";
import { type MailboxId, mailboxIdOf } from "../../../lib/ids.ts";
import { Problem } from "../../../lib/problem.ts";
import { newMessage, NOW } from "../message_maker.ts";
import { freshKey } from "../../routes/owner.ts";

async function openMailbox(store: Store): Promise<MailboxId> {
  const publicKey = freshKey();
  const id = mailboxIdOf(publicKey);
  await completeHandshake(store, { id, expires: NOW, publicKey }, NOW);
  return id;
}

async function idsIn(store: Store, mailbox: MailboxId): Promise<string[]> {
  const { messages } = await readAfter(store, {
    mailbox,
    now: NOW,
    after: null,
    limit: 1_000,
    bandwidth: Infinity,
  });
  return messages.map(({ id }) => id);
}

Deno.test("eachMailbox() gives every mailbox once with what it holds, over the edge of a page", async () => {
  using store = await openStore(":memory:");
  const expected = new Map<string, number>();
  for (let i = 0; i < 205; i++) {
    const mailbox = await openMailbox(store);
    expected.set(mailbox, i % 3);
    for (let n = 0; n < i % 3; n++) {
      await commitMessage(store, newMessage(mailbox, 100), NOW);
    }
  }
  const found = await Array.fromAsync(eachMailbox(store));
  const ids = found.map(({ id }) => id);
  assert.deepEqual(ids, [...expected.keys()].toSorted());
  for (const { id, mailbox, usage } of found) {
    assert.equal(usage.messages, expected.get(id));
    assert.equal(mailbox.createdAt, NOW);
  }
  using empty = await openStore(":memory:");
  assert.deepEqual(await Array.fromAsync(eachMailbox(empty)), []);
});

Deno.test("evictBefore() deletes what is older, with all that belongs to it, and counts it out", async () => {
  using store = await openStore(":memory:");
  const [mailbox, other] = [await openMailbox(store), await openMailbox(store)];
  const post = async (mailbox: MailboxId, size: number, now: number) =>
    (await commitMessage(
      store,
      newMessage(mailbox, size, { workUntil: NOW + 60_000 }),
      now,
    )).message;
  const old = [
    await post(mailbox, 100, NOW - 2),
    await post(mailbox, 70_000, NOW - 1),
  ];
  const kept = await post(mailbox, 300, NOW);
  const others = await post(other, 400, NOW - 2);
  assert.equal(await evictBefore(store, mailbox, NOW, NOW), 2);
  assert.deepEqual(await idsIn(store, mailbox), [kept.id]);
  assert.deepEqual(await idsIn(store, other), [others.id]);
  assert.deepEqual(await mailboxUsage(store, mailbox), {
    bytes: keptBytes(300) + 2 * MARK_BYTES,
    messages: 1,
  });
  assert.equal((await relayUsage(store)).messages, 2 + 2, "and two mailboxes");
  for (const { object, id } of old) {
    assert.equal(await findObject(store, object, mailbox, NOW), null);
    assert.ok(await findMessage(store, id), "its mark stays");
  }
  const segments = await store.list({ prefix: ["segment"] });
  assert.deepEqual(segments, [], "no part of a body is left");
});

Deno.test("evictBefore() and evictAll() go over the edge of a page", async () => {
  for (const isAll of [true, false]) {
    using store = await openStore(":memory:");
    const mailbox = await openMailbox(store);
    for (let i = 0; i < 201; i++) {
      await commitMessage(store, newMessage(mailbox, 10), NOW + i);
    }
    const end = NOW + 3_000;
    const evict = () =>
      isAll
        ? evictAll(store, mailbox, end)
        : evictBefore(store, mailbox, end, end);
    assert.equal(await evict(), 201);
    assert.deepEqual(await idsIn(store, mailbox), []);
    const { bytes, messages } = await mailboxUsage(store, mailbox);
    assert.deepEqual([bytes, messages], [0, 0], "no mark is needed any more");
    assert.equal(await evict(), 0);
  }
});

Deno.test("evictBefore() takes some of the messages that one commit stored, and leaves the others", async () => {
  using store = await openStore(":memory:");
  const mailbox = await openMailbox(store);
  const committed = await Promise.all(
    [0, 1, 2, 3].map((i) =>
      commitMessage(store, newMessage(mailbox, 10), NOW + i)
    ),
  );
  assert.equal(await evictBefore(store, mailbox, NOW + 2, NOW), 2);
  const ids = committed.map(({ message }) => message.id);
  assert.deepEqual(await idsIn(store, mailbox), ids.slice(2));
});

Deno.test("setMailboxQuota() changes a part, keeps the other, and is undone", async () => {
  using store = await openStore(":memory:");
  const mailbox = await openMailbox(store);
  const relays = { bytes: 1_000, messages: 10 };
  const before = await findMailbox(store, mailbox);
  const set = (change: { bytes?: number; messages?: number } | null) =>
    setMailboxQuota(store, mailbox, change, relays);
  assert.deepEqual(await set({ bytes: 5 }), { bytes: 5, messages: 10 });
  assert.deepEqual(await set({ messages: 7 }), { bytes: 5, messages: 7 });
  const record = await findMailbox(store, mailbox);
  assert.deepEqual(record?.quota, { bytes: 5, messages: 7 });
  assert.deepEqual(record.publicKey, before?.publicKey);
  assert.equal(await set(null), null);
  assert.deepEqual(await findMailbox(store, mailbox), before);
});

Deno.test("an operator's words survive one another, and the owner's next handshake", async () => {
  using store = await openStore(":memory:");
  const publicKey = freshKey();
  const mailbox = mailboxIdOf(publicKey);
  const handshake = (id: string) =>
    completeHandshake(store, { id, expires: NOW, publicKey }, NOW);
  await handshake("1");
  await Promise.all([
    setMailboxQuota(store, mailbox, { bytes: 5 }, { bytes: 1, messages: 1 }),
    revokeTokens(store, mailbox, NOW),
    setMailboxQuota(store, mailbox, { messages: 6 }, { bytes: 1, messages: 1 }),
  ]);
  await handshake("2");
  const record = await findMailbox(store, mailbox);
  assert.deepEqual(record?.quota, { bytes: 5, messages: 6 });
  assert.equal(await revokedUntil(store, mailbox), NOW);
});

Deno.test("what an operator asks of a mailbox that is not here is refused", async () => {
  using store = await openStore(":memory:");
  const nobody = mailboxIdOf(freshKey());
  const isUnknown = (error: unknown) =>
    error instanceof Problem && error.code === "mailbox-unknown";
  const relays = { bytes: 1, messages: 1 };
  await assert.rejects(setMailboxQuota(store, nobody, {}, relays), isUnknown);
  await assert.rejects(revokeTokens(store, nobody, NOW), isUnknown);
  assert.equal(await findMailbox(store, nobody), null, "and not made");
  assert.equal(await revokedUntil(store, nobody), null);
});
