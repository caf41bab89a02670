/** Reading a page of a mailbox. */
import assert from "node:assert/strict";
import { keys } from "../../../kv/kinds.ts";
import { commitMessage } from "../../../kv/mail/accept.ts";
import { readAfter } from "../../../kv/mail/read.ts";
import { openStore } from "../../../kv/store/store.ts";
import { HOLD, newMailbox, newMessage, NOW } from "../message_maker.ts";

Deno.test("readAfter() lists no more bodies than make a mebibyte, but at least one", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  // Of 300,000 bytes three fit, of 1,000 many.
  const sizes = [
    300_000,
    300_000,
    300_000,
    300_000,
    1_000,
    300_000,
    300_000,
    1_000,
  ];
  for (const size of sizes) {
    await commitMessage(store, newMessage(mailbox, size), NOW);
  }
  const pages: number[][] = [];
  for (let after: string | null = null, more = true; more;) {
    const page = await readAfter(store, {
      mailbox,
      now: NOW,
      after,
      limit: 100,
      bandwidth: Infinity,
    });
    pages.push(page.messages.map(({ size }) => size));
    ({ next: after, more } = page);
  }
  assert.deepEqual(pages, [
    [300_000, 300_000, 300_000],
    [300_000, 1_000, 300_000, 300_000, 1_000],
  ]);
});

Deno.test("readAfter() does not count bodies that it does not list", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  for (let n = 0; n < 6; n++) {
    const message = newMessage(mailbox, 300_000, { minBandwidth: 10 });
    await commitMessage(store, message, NOW);
  }
  const options = { mailbox, after: null, limit: 100 };
  const slow = await readAfter(store, { ...options, now: NOW, bandwidth: 9 });
  const late = await readAfter(store, {
    ...options,
    now: NOW + 1_000 * HOLD,
    bandwidth: 10,
  });
  for (const page of [slow, late]) {
    assert.deepEqual(page.messages.map(({ body }) => body), [
      ...new Array(6).fill(null),
    ]);
    assert.equal(page.more, false);
  }
  assert.deepEqual(
    [slow, late].map(({ messages: [first] }) => first?.expired),
    [false, true],
  );
});

Deno.test("readAfter() passes over a message whose body was deleted meanwhile", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  const all = [];
  for (const size of [100, 70_000, 100]) {
    const { message } = await commitMessage(
      store,
      newMessage(mailbox, size),
      NOW,
    );
    all.push(message);
  }
  // As a reader sees it that listed before a deletion and reads after it.
  const [first, gone, last] = all;
  assert.ok(first && gone && last);
  await store.commit((operation) =>
    operation.delete(keys.segment(gone.object, 1))
  );
  const page = await readAfter(store, {
    mailbox,
    now: NOW,
    after: null,
    limit: 100,
    bandwidth: Infinity,
  });
  assert.deepEqual(
    page.messages.map(({ cursor }) => cursor),
    [first.cursor, last.cursor],
  );
  assert.deepEqual([page.next, page.more], [last.cursor, false]);
});
