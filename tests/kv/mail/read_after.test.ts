/** Reading a page of a mailbox. */
import assert from "node:assert/strict";
import { deleteMessage } from "../../../kv/mail/delete.ts";
import type { StoredMessage } from "../../../kv/mail/entry.ts";
import { cursorOf, parseCursor } from "../../../lib/cursor.ts";
import type { MailboxId } from "../../../lib/ids.ts";
import { openSpied } from "../spied_database.ts";
import { keys } from "../../../kv/kinds.ts";
import { commitMessage } from "../../../kv/mail/accept.ts";
import { readAfter, type ReadOptions } from "../../../kv/mail/read.ts";
import { openStore, type Store } from "../../../kv/store/store.ts";
import { HOLD, newMailbox, newMessage, NOW } from "../message_maker.ts";

async function storeOne(
  store: Store,
  mailbox: MailboxId,
  size: number,
): Promise<StoredMessage> {
  return (await commitMessage(store, newMessage(mailbox, size), NOW)).message;
}

/** One after another, so that each has a commit of its own. */
async function storeAll(
  store: Store,
  mailbox: MailboxId,
  sizes: readonly number[],
): Promise<StoredMessage[]> {
  const stored = [];
  for (const size of sizes) stored.push(await storeOne(store, mailbox, size));
  return stored;
}

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

Deno.test("readAfter() gives the same pages from the start, and behind a cursor that the store never gave out", async (t) => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  const stored = await storeAll(store, mailbox, [1, 2, 3, 4, 5]);
  const starts = {
    "the start": null,
    "another epoch": `${"0".repeat(12)}-${stored[2]?.cursor.slice(13)}`,
    "above the newest": `${store.epoch}-${"f".repeat(20)}`,
  };
  for (const [what, start] of Object.entries(starts)) {
    await t.step(what, async () => {
      for (let limit = 1; limit <= 6; limit++) {
        const found: string[] = [];
        let after: string | null = start;
        for (let n = 0, more = true; more; n++) {
          const page = await readAfter(store, {
            ...WHOLE,
            mailbox,
            after,
            limit,
          });
          assert.equal(page.reset, n === 0 && start !== null);
          found.push(...page.messages.map(({ cursor }) => cursor));
          assert.equal(page.more, found.length < stored.length, `${limit}`);
          ({ next: after, more } = page);
        }
        assert.deepEqual(found, stored.map(({ cursor }) => cursor));
      }
    });
  }
});

Deno.test("readAfter() fills a page to its last byte, and gives a body to its last", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  await storeAll(store, mailbox, [100, 100, 100, 100]);
  const sizesOf = async (options: Partial<ReadOptions>) => {
    const page = await readAfter(store, { ...WHOLE, mailbox, ...options });
    return page.messages.map(({ body }) => body?.length ?? 0);
  };
  assert.deepEqual(await sizesOf({ pageBytes: 300 }), [100, 100, 100]);
  assert.deepEqual(await sizesOf({ pageBytes: 299 }), [100, 100]);
  assert.deepEqual(await sizesOf({ pageBytes: 1 }), [100], "one at least");
  assert.deepEqual(await sizesOf({ maxBody: 100, limit: 1 }), [100]);
  assert.deepEqual(await sizesOf({ maxBody: 99, limit: 1 }), [0]);
});

Deno.test("readAfter() counts the bodies that it gives alone, and gives nothing of the rows that they stand in", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  const minBandwidth = 10;
  for (let n = 0; n < 2; n++) {
    const message = newMessage(mailbox, 300_000, { minBandwidth });
    await commitMessage(store, message, NOW);
  }
  await storeAll(store, mailbox, [300_000, 300_000, 300_000, 100, 4_096]);
  const { messages, more } = await readAfter(store, {
    ...WHOLE,
    mailbox,
    bandwidth: minBandwidth - 1,
  });
  const kept = messages.map(({ body }) => body?.buffer.byteLength ?? null);
  const given = [300_000, 300_000, 300_000, 100, 4_096];
  assert.deepEqual(kept, [null, null, ...given]);
  assert.equal(more, false);
});

const WHOLE = { now: NOW, after: null, limit: 100, bandwidth: Infinity };

Deno.test("a message whose segment is missing while its entry stands is listed without its body, and told", async (t) => {
  for (const n of [0, 1]) {
    await t.step(`segment ${n}`, async () => {
      using store = await openStore(":memory:");
      const mailbox = newMailbox();
      const stored = await storeAll(store, mailbox, [100, 70_000, 100]);
      const [first, lost, last] = stored;
      assert.ok(first && lost && last);
      await store.commit((operation) =>
        operation.delete(keys.segment(lost.object, n))
      );
      const missing: string[] = [];
      const page = await readAfter(store, {
        ...WHOLE,
        mailbox,
        onMissing: ({ id }) => missing.push(id),
      });
      assert.deepEqual(
        page.messages.map(({ cursor, body, expired }) => [
          cursor,
          body?.length ?? null,
          expired,
        ]),
        [[first.cursor, 100, false], [lost.cursor, null, false], [
          last.cursor,
          100,
          false,
        ]],
      );
      assert.deepEqual([page.next, page.more], [last.cursor, false]);
      assert.deepEqual(missing, [lost.id]);
    });
  }
});

Deno.test("a message that is deleted between listing and reading is passed over, and nothing is missing", async (t) => {
  for (const together of [false, true]) {
    await t.step(together ? "of a row of several" : "alone", async () => {
      using spied = await openSpied();
      const { store, spy } = spied;
      const mailbox = newMailbox();
      const sizes = [70_000, 70_000];
      const [gone, kept] = together
        ? await Promise.all(sizes.map((size) => storeOne(store, mailbox, size)))
        : await storeAll(store, mailbox, sizes);
      assert.ok(gone && kept);
      const missing: string[] = [];
      let reads = 0;
      spy.onRead = async () => {
        reads += 1;
        if (reads !== 2) return; // the first lists, the second reads segments
        const position = parseCursor(gone.cursor);
        await deleteMessage(store, mailbox, position, NOW);
      };
      const page = await readAfter(store, {
        ...WHOLE,
        mailbox,
        onMissing: ({ id }) => missing.push(id),
      });
      assert.deepEqual(
        page.messages.map(({ cursor, body }) => [cursor, body?.length]),
        [[kept.cursor, 70_000]],
      );
      assert.deepEqual([page.next, page.more], [kept.cursor, false]);
      assert.deepEqual(missing, []);
    });
  }
});

Deno.test("readAfter() reads no more of the log than its page may need", async () => {
  const { store, spy } = await openSpied();
  using _ = store;
  const mailbox = newMailbox();
  await storeAll(store, mailbox, Array(300).fill(2_000));
  const table: [Partial<ReadOptions>, given: number, mostRead: number][] = [
    [{ limit: 25 }, 25, 27],
    [{ limit: 1 }, 1, 3],
    [{ limit: 1_000 }, 300, 300],
    [{ limit: 100, pageBytes: 2 ** 16 }, 32, 40],
    [{ limit: 1_000, pageBytes: 2_000 }, 1, 9],
    // Bodies that are not for the reader fill no page.
    [{ limit: 1_000, pageBytes: 2_000, maxBody: 10 }, 300, 300],
  ];
  for (const [options, given, mostRead] of table) {
    spy.takeCounts();
    const page = await readAfter(store, { ...WHOLE, mailbox, ...options });
    assert.equal(page.messages.length, given, JSON.stringify(options));
    assert.equal(page.more, given < 300);
    const { entries } = spy.takeCounts();
    assert.ok(entries <= mostRead, `${JSON.stringify(options)}: ${entries}`);
  }
});

Deno.test("a page that is nearly full goes on over what its link gets no bodies of", async () => {
  using spied = await openSpied();
  const { store, spy } = spied;
  const mailbox = newMailbox();
  await storeAll(store, mailbox, new Array(4).fill(4_000));
  const far = newMailbox();
  for (const full of [16_000, 16_001, 16_010, 17_000]) {
    for (let n = 0; n < 90; n++) {
      const slow = newMessage(mailbox, 100, { minBandwidth: 2 ** 32 - 1 });
      if (full === 16_000) await commitMessage(store, slow, NOW);
    }
    spy.takeCounts();
    const { messages } = await readAfter(store, {
      mailbox,
      now: NOW,
      after: null,
      limit: 100,
      bandwidth: 1e6,
      pageBytes: full,
    });
    assert.equal(messages.length, 94);
    const { reads } = spy.takeCounts();
    assert.ok(reads <= 5, `${reads} reads`);
  }
  assert.equal(
    (await readAfter(store, { ...WHOLE, mailbox: far })).more,
    false,
  );
});

Deno.test("pages of any size give every message once, in order, and end with the last", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  // Some come together, and so in one row; some have ended, or are too large.
  const messages = Array.from(
    { length: 120 },
    (_, n) =>
      newMessage(mailbox, [90, 2_000, 4_096, 70_000][n % 4], {
        minBandwidth: n % 5 === 0 ? 10 : 0,
        hold: n % 7 === 0 ? 60 : HOLD,
      }),
  );
  for (let n = 0; n < messages.length; n += 6) {
    await Promise.all(
      messages.slice(n, n + 6).map((one) => commitMessage(store, one, NOW)),
    );
  }
  const table = [1, 2, 3, 99, 100, 119, 120, 121, 1_000].flatMap((limit) =>
    [1, 4_096, 65_536, 2 ** 20].flatMap((pageBytes) =>
      [5, Infinity].map((bandwidth) => ({ limit, pageBytes, bandwidth }))
    )
  );
  for (const options of table) {
    const ids: string[] = [];
    const now = NOW + 61_000;
    for (let after: string | null = null, more = true; more;) {
      const page = await readAfter(store, { mailbox, now, after, ...options });
      const bodies = page.messages.flatMap(({ body }) => body?.length ?? []);
      const bytes = bodies.reduce((sum, length) => sum + length, 0);
      assert.ok(bodies.length < 2 || bytes <= options.pageBytes);
      assert.ok(page.messages.length > 0, "a page that promises more has some");
      assert.notEqual(page.next, after);
      ids.push(...page.messages.map(({ id }) => id));
      ({ next: after, more } = page);
    }
    const all = messages.map(({ id }) => id);
    assert.deepEqual(ids.toSorted(), all.toSorted(), JSON.stringify(options));
  }
});

Deno.test("readAfter() looks at the doorbell only for a cursor beyond all that was read here", async () => {
  const { store, spy } = await openSpied();
  using _ = store;
  const mailbox = newMailbox();
  const stored = await storeAll(store, mailbox, [10, 10, 10]);
  const cursors = stored.map(({ cursor }) => cursor);
  const reads = async (after: string | null) => {
    spy.takeCounts();
    const options = { mailbox, now: NOW, limit: 2, bandwidth: Infinity };
    const { messages, reset } = await readAfter(store, { ...options, after });
    return [spy.takeCounts().reads, messages.length, reset];
  };
  const [first, second, third] = cursors;
  assert.ok(first && second && third);
  assert.deepEqual(await reads(first), [2, 2, false], "nothing was read yet");
  assert.deepEqual(await reads(third), [1, 0, false], "it was just read");
  const [fourth] = await storeAll(store, mailbox, [10]);
  assert.deepEqual(await reads(fourth?.cursor ?? ""), [2, 0, false]);
  assert.deepEqual(await reads(fourth?.cursor ?? ""), [1, 0, false]);
  // Above the newest of all: it is of another store, whatever was read before.
  const { epoch } = parseCursor(third);
  const above = cursorOf({ epoch, versionstamp: "f".repeat(20) });
  assert.deepEqual(await reads(above), [3, 2, true]);
  assert.deepEqual(await reads(above), [3, 2, true]);
});

Deno.test("readAfter() copies bodies unless they are for a moment alone", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  await storeOne(store, mailbox, 100);
  const options = { mailbox, now: NOW, limit: 1, bandwidth: Infinity };
  const rowBytes = async (isBrief?: boolean) => {
    const { messages: [message] } = await readAfter(store, {
      ...options,
      after: null,
      ...(isBrief !== undefined && { isBrief }),
    });
    assert.equal(message?.body?.length, 100);
    return message.body.buffer.byteLength;
  };
  assert.equal(await rowBytes(), 100);
  assert.equal(await rowBytes(false), 100);
  assert.ok(await rowBytes(true) > 100);
});
