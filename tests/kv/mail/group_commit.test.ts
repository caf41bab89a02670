/** Messages that wait together: one commit, and each for itself all the same. */
import assert from "node:assert/strict";
import { keys } from "../../../kv/kinds.ts";
import {
  commitMessage,
  findMessage,
  readBefore,
} from "../../../kv/mail/accept.ts";
import { deleteMessage, deleteThrough } from "../../../kv/mail/delete.ts";
import { extendMessage } from "../../../kv/mail/extend.ts";
import {
  closeMailbox,
  completeHandshake,
  findMailbox,
} from "../../../kv/mail/mailboxes.ts";
import { readAfter } from "../../../kv/mail/read.ts";
import type { StoredMessage } from "../../../kv/mail/entry.ts";
import { sweep } from "../../../kv/mail/sweep.ts";
import { ROW_BODIES } from "../../../kv/mail/log.ts";
import { decodeRow, ROW_BYTES } from "../../../kv/mail/row.ts";
import { DEFAULT_QUEUE } from "../../../kv/store/commit_queue.ts";
import { DatabaseError } from "../../../kv/store/database.ts";
import type { CommitLimits } from "../../../kv/store/limits.ts";
import { openStore, type Store } from "../../../kv/store/store.ts";
import { type Cursor, parseCursor, placeOf } from "../../../lib/cursor.ts";
import { type MailboxId, mailboxIdOf } from "../../../lib/ids.ts";
import { Problem } from "../../../lib/problem.ts";
import { randomBytes } from "../../routes/envelopes.ts";
import { DAY, HOUR } from "../../routes/clock.ts";
import { newMailbox, newMessage, NOW, openMailbox } from "../message_maker.ts";
import { assertWhole } from "../recount.ts";
import {
  LIMITS,
  openSpied,
  type SpiedStore,
  spiedWith,
} from "../spied_database.ts";
import { Gate } from "../store/test_part.ts";
import { TempDirectory } from "../temp_directory.ts";

/** How many messages each commit stored. */
function sizes(cursors: readonly string[]): number[] {
  const byStamp = Object.groupBy(
    cursors,
    (cursor) => parseCursor(cursor).versionstamp,
  );
  return Object.values(byStamp).map((group = []) => group.length);
}

async function read(store: Store, mailbox: MailboxId, after: Cursor | null) {
  const options = { mailbox, now: NOW, bandwidth: Infinity, limit: 1_000 };
  return await readAfter(store, { ...options, after });
}

/** Has messages of these sizes stored for one mailbox by one commit. */
async function storeTogether(
  { store, spy }: SpiedStore,
  mailbox: MailboxId,
  bodies: readonly number[],
): Promise<{ stored: StoredMessage[]; bodies: Uint8Array[] }> {
  const gate = new Gate(spy);
  const other = commitMessage(store, newMessage(newMailbox()), NOW);
  await gate.arrived();
  const messages = bodies.map((size) => newMessage(mailbox, size));
  const all = messages.map((message) => commitMessage(store, message, NOW));
  gate.open();
  await other;
  const stored = (await Promise.all(all)).map(({ message }) => message);
  return { stored, bodies: messages.map(({ body }) => body) };
}

Deno.test("messages that wait together are committed together, within the limits", async (t) => {
  const cases: [string, Partial<CommitLimits>, number, number][] = [
    ["the checks of KV Connect", { checks: 10 }, 100, 10],
    ["the mutations", { mutations: 50 }, 100, 10],
    ["the bytes", { bytes: 100_000 }, 20_000, 4],
  ];
  for (const [what, limits, size, most] of cases) {
    await t.step(what, async () => {
      using spied = await spiedWith({ limits: { ...LIMITS, ...limits } });
      const all = await Promise.all(
        Array.from(
          { length: 80 },
          () => commitMessage(spied.store, newMessage(newMailbox(), size), NOW),
        ),
      );
      assert.ok(all.every(({ created }) => created));
      const commits = sizes(all.map(({ message }) => message.cursor));
      assert.ok(Math.max(...commits) <= most, `${commits}`);
      // The first goes alone: it did not know of the others.
      assert.ok(commits.length <= 2 + Math.ceil(80 / (most / 2)), `${commits}`);
    });
  }
});

Deno.test("what a commit takes is never more than the parts of it said", async (t) => {
  const table = {
    "many small ones of one mailbox": new Array(60).fill(10),
    "small and large ones": [10, 327_687, 4_096, 4_097, 61_441, 100, 300_000],
  };
  for (const [what, bodies] of Object.entries(table)) {
    await t.step(what, async () => {
      using spied = await spiedWith();
      const { spy } = spied;
      await storeTogether(spied, newMailbox(), bodies);
      for (const { checks, mutations } of spy.operations) {
        assert.ok(checks.length <= LIMITS.checks);
        assert.ok(mutations.length <= LIMITS.mutations);
      }
    });
  }
});

Deno.test("what ends together is within the limits of an operation, by whichever way it ends", async (t) => {
  const limits = { ...LIMITS, mutations: 40 };
  const later = NOW + 2 * HOUR;
  const ways: Record<
    string,
    (store: Store, stored: readonly StoredMessage[]) => Promise<unknown>
  > = {
    "each is deleted": (store, stored) =>
      Promise.all(
        stored.map(({ mailbox, cursor }) =>
          deleteMessage(store, mailbox, parseCursor(cursor), NOW)
        ),
      ),
    "each mailbox is closed": (store, stored) =>
      Promise.all(
        stored.map(({ mailbox }) => closeMailbox(store, mailbox, NOW)),
      ),
    "each hold ends": (store) => sweep(store, { now: () => later }),
    "each is over": (store) => sweep(store, { now: () => NOW + 40 * DAY }),
  };
  for (const [way, end] of Object.entries(ways)) {
    await t.step(way, async () => {
      using spied = await spiedWith({ limits });
      const { store } = spied;
      const workUntil = NOW + HOUR;
      // Of six segments each.
      const stored = await Promise.all(
        Array.from({ length: 12 }, async () => {
          const mailbox = await openMailbox(store);
          const message = newMessage(mailbox, 320_000, { workUntil });
          return (await commitMessage(store, message, NOW)).message;
        }),
      );
      await end(store, stored);
      await assertWhole(store);
      assert.deepEqual(await store.list({ prefix: ["segment"] }), []);
    });
  }
});

Deno.test("rows that are written anew together are within the bytes of an operation", async () => {
  using spied = await spiedWith();
  const { store } = spied;
  const workUntil = NOW + HOUR;
  const firsts: StoredMessage[] = [];
  // A row of 50 KB each, of which one message goes.
  for (let n = 0; n < 20; n++) {
    const mailbox = await openMailbox(store);
    const [first] = await Promise.all(
      [9, ...new Array(12).fill(4_096)].map(async (size) =>
        (await commitMessage(
          store,
          newMessage(mailbox, size, { workUntil }),
          NOW,
        )).message
      ),
    );
    assert.ok(first);
    firsts.push(first);
  }
  await Promise.all(
    firsts.map(async ({ mailbox }) => {
      const { messages: [, second] } = await read(store, mailbox, null);
      assert.ok(second);
      await deleteMessage(store, mailbox, parseCursor(second.cursor), NOW);
    }),
  );
  await assertWhole(store);
});

Deno.test("a mailbox of rows of a hundred messages each is emptied, some at a time", async () => {
  using spied = await spiedWith();
  const { store } = spied;
  const mailbox = await openMailbox(store);
  await Promise.all(
    Array.from(
      { length: 800 },
      () => commitMessage(store, newMessage(mailbox, 9), NOW),
    ),
  );
  const rows = await store.list({ prefix: keys.messages(mailbox) });
  assert.ok(rows.length < 12, "a hundred come together");
  assert.equal(await closeMailbox(store, mailbox, NOW), true);
  await assertWhole(store);
});

Deno.test("a hot mailbox gets many messages from one commit, in the order of the calls", async () => {
  using spied = await spiedWith();
  const { store } = spied;
  const mailbox = newMailbox();
  const lengths = Array.from(
    { length: 40 },
    (_, i) => i % 9 === 0 ? 5_000 + i : 10 * i + 1,
  );
  const { stored, bodies } = await storeTogether(spied, mailbox, lengths);
  const cursors = stored.map(({ cursor }) => cursor);
  assert.deepEqual(sizes(cursors), [40], "one commit");
  assert.deepEqual(cursors, cursors.toSorted(), "in the order of their text");
  assert.equal(new Set(cursors).size, 40);
  const rows = await store.list({ prefix: keys.messages(mailbox) });
  assert.equal(rows.length, 1, "one row of the log");
  assert.equal((await store.list({ prefix: ["ring"] })).length, 2);
  const whole = await read(store, mailbox, null);
  assert.deepEqual(whole.messages.map(({ cursor }) => cursor), cursors);
  assert.deepEqual(whole.messages.map(({ body }) => body), bodies);
  await assertWhole(store);
});

Deno.test("a row is read from every cursor within it, in pages of any length", async () => {
  using spied = await spiedWith();
  const { store } = spied;
  const mailbox = newMailbox();
  const one = await storeTogether(spied, mailbox, [10, 5_000, 20, 30, 9_000]);
  const two = await storeTogether(spied, mailbox, [40, 50, 60]);
  const all = [...one.stored, ...two.stored].map(({ cursor }) => cursor);
  for (const [i, after] of all.entries()) {
    for (const limit of [1, 2, 3, 7, 8, 9]) {
      const options = { mailbox, now: NOW, bandwidth: Infinity };
      const page = await readAfter(store, { ...options, after, limit });
      const expected = all.slice(i + 1, i + 1 + limit);
      assert.deepEqual(page.messages.map(({ cursor }) => cursor), expected);
      assert.equal(page.next, expected.at(-1) ?? after);
      assert.equal(page.more, i + 1 + limit < all.length);
      assert.equal(page.reset, false);
    }
  }
});

Deno.test("messages of a row are deleted one by one, from the middle, and all at once", async (t) => {
  for (const isAtOnce of [false, true]) {
    await t.step(isAtOnce ? "at once" : "one by one", async () => {
      using spied = await spiedWith();
      const { store } = spied;
      const mailbox = newMailbox();
      const lengths = [10, 70_000, 30, 5_000, 50, 60];
      const { stored, bodies } = await storeTogether(spied, mailbox, lengths);
      const left = new Map(stored.map(({ cursor }, i) => [cursor, bodies[i]]));
      const remove = (i: number) => {
        const { cursor } = stored[i] ?? {};
        assert.ok(cursor);
        left.delete(cursor);
        return deleteMessage(store, mailbox, parseCursor(cursor), NOW);
      };
      const look = async () => {
        const { messages } = await read(store, mailbox, null);
        assert.deepEqual(
          messages.map(({ cursor, body }) => [cursor, body]),
          [...left],
        );
        await assertWhole(store);
      };
      if (isAtOnce) {
        await Promise.all([3, 1, 4, 3, 0].map(remove));
        await look();
      } else {
        for (const i of [2, 3, 5, 0, 1, 4]) {
          await remove(i);
          await look();
        }
        const rows = await store.list({ prefix: keys.messages(mailbox) });
        assert.deepEqual(rows, []);
      }
    });
  }
});

Deno.test("a row is deleted up to its middle, and what is behind stays, in every store limit", async (t) => {
  for (const checks of [10, 100]) {
    await t.step(`${checks} checks`, async () => {
      using spied = await spiedWith({ limits: { ...LIMITS, checks } });
      const { store } = spied;
      const mailbox = newMailbox();
      const stored: StoredMessage[] = [];
      for (let n = 0; n < 25; n++) {
        stored.push(...(await storeTogether(spied, mailbox, [9, 8, 7])).stored);
      }
      const through = stored[70]; // the second of the last row but one
      assert.ok(through && parseCursor(through.cursor).index === 1);
      const place = placeOf(parseCursor(through.cursor));
      assert.equal(await deleteThrough(store, mailbox, place, NOW), 71);
      const { messages } = await read(store, mailbox, null);
      assert.deepEqual(
        messages.map(({ id }) => id),
        stored.slice(71).map(({ id }) => id),
      );
      await assertWhole(store);
    });
  }
});

Deno.test("rows of several messages are the same after a restart", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  const mailbox = newMailbox();
  let before;
  {
    using store = await openStore(file);
    await Promise.all(
      Array.from(
        { length: 30 },
        (_, i) => commitMessage(store, newMessage(mailbox, 1 + 900 * i), NOW),
      ),
    );
    before = await read(store, mailbox, null);
    assert.ok(Math.max(...sizes(before.messages.map((one) => one.cursor))) > 1);
  }
  using store = await openStore(file);
  assert.deepEqual(await read(store, mailbox, null), before);
  for (const { id, cursor } of before.messages) {
    assert.equal((await findMessage(store, id))?.cursor, cursor);
  }
  await assertWhole(store);
});

Deno.test("small bodies that a row has no room for stand in segments, which are read ten at a time", async () => {
  using spied = await spiedWith({
    queue: { ...DEFAULT_QUEUE, rowBytes: Infinity },
  });
  const { store, spy } = spied;
  const mailbox = newMailbox();
  const lengths = new Array<number>(50).fill(4_096);
  const { bodies } = await storeTogether(spied, mailbox, lengths);
  const [row] = await store.list({ prefix: keys.messages(mailbox) });
  assert.ok(row);
  const places = decodeRow(row.value).map(({ place }) => place);
  assert.deepEqual([...new Set(places)], ["entry", "segments"]);
  const apart = places.filter((place) => place === "segments").length;
  spy.takeCounts();
  const { messages } = await read(store, mailbox, null);
  assert.deepEqual(messages.map(({ body }) => body), bodies);
  assert.equal(spy.takeCounts().reads, 1 + Math.ceil(apart / 10));
  await assertWhole(store);
});

Deno.test("where operations are soon done, small bodies wait for one whose row has room for them", async () => {
  using spied = await spiedWith();
  const { store } = spied;
  const mailbox = newMailbox();
  const lengths = Array.from({ length: 100 }, (_, i) => 40 + i % 10 * 450);
  lengths[70] = 5_000; // never in a row
  const { bodies, stored } = await storeTogether(spied, mailbox, lengths);
  const rows = await store.list({ prefix: keys.messages(mailbox) });
  const entries = rows.flatMap(({ value }) => decodeRow(value));
  const apart = entries.filter(({ place }) => place !== "entry");
  assert.deepEqual(apart.map(({ size }) => size), [5_000]);
  const total = lengths.reduce((sum, one) => sum + one) - 5_000;
  const { rowBytes } = DEFAULT_QUEUE;
  // A row may be left with less room than the next body needs.
  const most = Math.ceil(total / (rowBytes - 4_096));
  assert.ok(rows.length <= most, `${rows.length} rows`);
  for (const { value } of rows) assert.ok(value.length <= ROW_BYTES);
  const { messages } = await read(store, mailbox, null);
  assert.deepEqual(messages.map(({ body }) => body), bodies, "in their order");
  assert.deepEqual(
    messages.map(({ cursor }) => cursor),
    stored.map(({ cursor }) => cursor),
  );
  await assertWhole(store);
  // As much as may wait for a row fits into it, however small the bodies are.
  assert.ok(rowBytes <= ROW_BODIES);
});

Deno.test("a message that was there fails nobody else's", async () => {
  using spied = await spiedWith();
  const { store } = spied;
  const old = Array.from({ length: 5 }, () => newMessage(newMailbox()));
  const before = await Promise.all(
    old.map((message) => commitMessage(store, message, NOW)),
  );
  const fresh = Array.from({ length: 40 }, () => newMessage(newMailbox()));
  const mixed = fresh.flatMap((message, i) =>
    i % 8 === 0 ? [message, old[i / 8] ?? message] : [message]
  );
  const after = await Promise.all(
    mixed.map((message) => commitMessage(store, message, NOW + 9)),
  );
  for (const [i, { created, message }] of after.entries()) {
    const known = before.find(({ message: { id } }) => id === mixed[i]?.id);
    assert.equal(created, known === undefined);
    if (known !== undefined) assert.deepEqual(message, known.message);
  }
  await assertWhole(store);
});

Deno.test("a message that its price refuses fails nobody else's, and is not counted", async () => {
  using spied = await spiedWith();
  const { store, spy } = spied;
  const gate = new Gate(spy);
  const mailbox = newMailbox();
  const refuse = () => {
    throw new Problem("mailbox-full", "no room");
  };
  const all = [10, 20, 30].map((size) =>
    commitMessage(
      store,
      newMessage(mailbox, size, size === 20 ? { hold: refuse } : {}),
      NOW,
    )
  );
  const outcomes = Promise.allSettled(all);
  await gate.arrived();
  gate.open();
  assert.deepEqual((await outcomes).map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  const { messages } = await read(store, mailbox, null);
  assert.deepEqual(messages.map(({ size }) => size), [10, 30]);
  await assertWhole(store);
});

/** What becomes of each commit. */
type Fate = "done, and lost" | "lost" | "repeated on the way";

async function storeTwenty(fate: Fate) {
  const spied = await spiedWith();
  spied.spy.onCommit = async (_, commit) => {
    if (fate !== "lost") await commit();
    // As a client does whose first answer was lost.
    if (fate === "repeated on the way") return await commit();
    throw new DatabaseError("failed");
  };
  const mailbox = newMailbox();
  const all = await Promise.allSettled(
    Array.from(
      { length: 20 },
      (_, n) =>
        commitMessage(
          spied.store,
          newMessage(n % 3 === 0 ? mailbox : newMailbox()),
          NOW,
        ),
    ),
  );
  return { spied, all };
}

for (const fate of ["done, and lost", "repeated on the way"] as const) {
  Deno.test(`a commit that was ${fate} is found by its own mark, and counted once`, async () => {
    const { spied, all } = await storeTwenty(fate);
    using _ = spied;
    for (const one of all) {
      assert.ok(one.status === "fulfilled" && one.value.created);
      const { id, cursor } = one.value.message;
      assert.equal((await findMessage(spied.store, id))?.cursor, cursor);
    }
    await assertWhole(spied.store);
  });
}

Deno.test("a commit that was not done is busy, and nothing is stored", async () => {
  const { spied, all } = await storeTwenty("lost");
  using _ = spied;
  for (const one of all) {
    assert.ok(one.status === "rejected" && one.reason instanceof Problem);
    assert.equal(one.reason.code, "busy");
  }
  assert.deepEqual(await spied.store.list({ prefix: [] }), []);
});

Deno.test("a message, and more work for it, that wait together fail nobody else's", async () => {
  using spied = await spiedWith();
  const { store, spy } = spied;
  const message = newMessage(newMailbox());
  await commitMessage(store, message, NOW);
  const gate = new Gate(spy);
  const first = commitMessage(store, newMessage(newMailbox()), NOW);
  await gate.arrived();
  const extending = extendMessage(store, message.id, {
    minBandwidth: 0,
    paid: { by: "work", hashes: 20_000 },
    price: () => ({ hold: 9_000, paidFor: 9_000 }),
    workUntil: NOW,
  }, NOW);
  // It waits once it has read what there is.
  while (store.commits.stats.waiting === 0) {
    await store.get(keys.seen(message.id));
  }
  const again = commitMessage(store, message, NOW);
  const innocent = commitMessage(store, newMessage(newMailbox()), NOW);
  gate.open();
  await first;
  assert.equal((await innocent).created, true);
  assert.equal((await again).created, false);
  const extended = await extending;
  assert.equal(extended?.message.holdUntil, NOW + 9_000_000);
  await assertWhole(store);
});

Deno.test("a mailbox that is closed twice at once is counted out once", async () => {
  using spied = await spiedWith();
  const { store, spy } = spied;
  const publicKey = randomBytes(44);
  const mailbox = mailboxIdOf(publicKey);
  for (const key of [publicKey, randomBytes(44)]) {
    const handshake = { id: key.toHex(), expires: NOW, publicKey: key };
    await completeHandshake(store, handshake, NOW);
  }
  const gate = new Gate(spy);
  const first = commitMessage(store, newMessage(newMailbox()), NOW);
  await gate.arrived();
  const closing = [1, 2, 3].map(() => closeMailbox(store, mailbox, NOW));
  while (store.commits.stats.waiting < 3) await store.get(keys.store());
  gate.open();
  await first;
  assert.equal((await Promise.all(closing)).filter(Boolean).length, 1);
  assert.equal(await findMailbox(store, mailbox), null);
  await assertWhole(store);
});

Deno.test("a message that was not there when its posts began is stored once, by whichever worker", async (t) => {
  await using directory = await TempDirectory.make();
  for (const workers of [1, 2]) {
    await t.step(`${workers} workers`, async () => {
      const file = directory.file(`${workers}.kv`);
      using one = await openStore(file);
      using two = await openStore(file);
      const stores = workers === 1 ? [one, one] : [one, two];
      const mailbox = newMailbox();
      for (let round = 0; round < 5; round++) {
        const message = newMessage(mailbox);
        const before = await Promise.all(
          stores.map((store) => readBefore(store, message.id, mailbox)),
        );
        const posts = stores.flatMap((store, i) => [
          () => commitMessage(store, message, NOW, before[i]),
          () => commitMessage(store, newMessage(mailbox), NOW, before[i]),
          () => commitMessage(store, message, NOW, before[i]),
        ]);
        const all = await Promise.all(posts.map((post) => post()));
        const own = all.filter((one) => one.message.id === message.id);
        assert.equal(own.filter(({ created }) => created).length, 1);
        assert.equal(new Set(own.map((one) => one.message.cursor)).size, 1);
      }
      const { messages } = (await assertWhole(one)).relay;
      assert.equal(messages, 5 * 3);
    });
  }
});

Deno.test("a message that another worker stored since it was looked for is not stored again beside one that looks anew", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  using spied = await openSpied(file);
  using other = await openStore(file);
  const { store, spy } = spied;
  const mailbox = newMailbox();
  await commitMessage(other, newMessage(mailbox), NOW);
  const message = newMessage(mailbox);
  const before = await readBefore(store, message.id, mailbox);
  await commitMessage(other, message, NOW);
  const gate = new Gate(spy);
  const first = commitMessage(store, newMessage(newMailbox()), NOW);
  await gate.arrived();
  // The second reads the row as it is by now, and both rely on it.
  const together = [
    commitMessage(store, message, NOW, before),
    commitMessage(store, newMessage(mailbox), NOW),
  ];
  gate.open();
  await first;
  const created = (await Promise.all(together)).map(({ created }) => created);
  assert.deepEqual(created, [false, true]);
  const { messages } = await read(store, mailbox, null);
  assert.equal(messages.filter(({ id }) => id === message.id).length, 1);
  await assertWhole(store);
});
