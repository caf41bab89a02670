/** A message that comes again gets the best of all that it came with. */
import assert from "node:assert/strict";
import { keys } from "../../../kv/kinds.ts";
import { commitMessage, findMessage } from "../../../kv/mail/accept.ts";
import { deleteMessage } from "../../../kv/mail/delete.ts";
import type { NewMessage } from "../../../kv/mail/entry.ts";
import { extendMessage, type Wish } from "../../../kv/mail/extend.ts";
import { findObject, readObject } from "../../../kv/mail/objects.ts";
import { readAfter } from "../../../kv/mail/read.ts";
import { sweep } from "../../../kv/mail/sweep.ts";
import { openStore, type Store } from "../../../kv/store/store.ts";
import { parseCursor } from "../../../lib/cursor.ts";
import { Problem } from "../../../lib/problem.ts";
import { HOUR } from "../../routes/clock.ts";
import { HOLD, newMailbox, newMessage, NOW } from "../message_maker.ts";
import { assertWhole } from "../recount.ts";
import { openSpied } from "../spied_database.ts";

/** 10,000 hashes buy so many seconds here, and others in proportion. */
const BOUGHT = 10 * HOLD;

function wish(hashes: number, changes: Partial<Wish> = {}): Wish {
  const paidFor = BOUGHT * hashes / 10_000;
  const hold = Math.min(changes.wanted ?? paidFor, paidFor);
  return {
    minBandwidth: 100,
    paid: { by: "work", hashes },
    price: () => ({ hold, paidFor }),
    workUntil: NOW + hashes,
    ...changes,
  };
}

/** Stores a message that was held for an hour of the ten that were paid for. */
async function store(
  into: Store,
  changes: Partial<NewMessage> = {},
  size = 100,
): Promise<NewMessage> {
  const hold = () => ({ hold: HOLD, paidFor: BOUGHT });
  const message = newMessage(newMailbox(), size, {
    hold,
    minBandwidth: 100,
    workUntil: NOW + 10_000,
    ...changes,
  });
  await commitMessage(into, message, NOW);
  return message;
}

/** What is kept of a message, in hours, bits a second and hashes. */
async function kept(store: Store, { id, mailbox, body }: NewMessage) {
  const page = await readAfter(store, {
    mailbox,
    now: NOW,
    after: null,
    limit: 10,
    bandwidth: Infinity,
  });
  const [listed] = page.messages;
  assert.ok(listed);
  const found = await findMessage(store, id);
  const object = await findObject(store, listed.object, mailbox, NOW);
  assert.ok(found && object);
  assert.equal(found.cursor, listed.cursor);
  assert.deepEqual(
    [found.holdUntil, object.holdUntil],
    [listed.holdUntil, listed.holdUntil],
  );
  assert.deepEqual(listed.body, body);
  assert.deepEqual(await readObject(store, object), body);
  await assertWhole(store);
  const hours = (listed.holdUntil - NOW) / HOUR;
  return [hours, listed.minBandwidth, found.paid.hashes];
}

Deno.test("what comes again counts where it is better, and nothing shrinks", async (t) => {
  const table: [what: string, Wish, kept: number[], extended: boolean][] = [
    ["the same", wish(10_000, { wanted: HOLD }), [1, 100, 10_000], false],
    ["less work", wish(9_999, { wanted: HOLD }), [1, 100, 10_000], false],
    [
      "less work and hold",
      wish(1_000, { wanted: 1 }),
      [1, 100, 10_000],
      false,
    ],
    [
      "a longer hold",
      wish(10_000, { wanted: 2 * HOLD }),
      [10, 100, 10_000],
      true,
    ],
    ["all that is paid for", wish(10_000), [10, 100, 10_000], true],
    ["less work, all that is paid for", wish(500), [10, 100, 10_000], true],
    ["more work", wish(20_000), [20, 100, 20_000], true],
    [
      "more work, and a hold of it",
      wish(20_000, { wanted: 15 * HOLD }),
      [15, 100, 20_000],
      true,
    ],
    [
      "more work, for a shorter hold",
      wish(20_000, { wanted: HOLD / 2 }),
      [1, 100, 20_000],
      false,
    ],
    [
      "a slower link",
      wish(10_000, { wanted: HOLD, minBandwidth: 50 }),
      [10, 50, 10_000],
      true,
    ],
    [
      "a link that is hardly slower",
      wish(10_000, { wanted: HOLD, minBandwidth: 51 }),
      [1, 100, 10_000],
      false,
    ],
    [
      "any link",
      wish(10_000, { wanted: HOLD, minBandwidth: 0 }),
      [10, 0, 10_000],
      true,
    ],
    [
      "a faster link",
      wish(20_000, { minBandwidth: 1_000 }),
      [20, 100, 20_000],
      true,
    ],
  ];
  for (const [what, wanted, expected, extended] of table) {
    for (const size of [100, 70_000]) {
      await t.step(`${what}: ${size} bytes`, async () => {
        using into = await openStore(":memory:", () => NOW);
        const message = await store(into, {}, size);
        const before = await findMessage(into, message.id);
        const result = await extendMessage(into, message.id, wanted, NOW);
        assert.equal(result?.extended, extended);
        assert.deepEqual(await kept(into, message), expected);
        const after = await findMessage(into, message.id);
        assert.deepEqual(result?.message, after);
        const { storedAt, cursor, object, root } = before ?? {};
        assert.deepEqual(
          [after?.storedAt, after?.cursor, after?.object, after?.root],
          [storedAt, cursor, object, root],
        );
      });
    }
  }
});

Deno.test("who posts first with no link's bound leaves none, whatever comes later", async () => {
  using into = await openStore(":memory:", () => NOW);
  const message = await store(into, { minBandwidth: 0 });
  await extendMessage(into, message.id, wish(20_000, { minBandwidth: 9 }), NOW);
  assert.deepEqual(await kept(into, message), [20, 0, 20_000]);
});

Deno.test("more work that is too little by now changes nothing but what was paid for before", async () => {
  using into = await openStore(":memory:", () => NOW);
  const message = await store(into);
  const refuse = () => {
    throw new Problem("work-insufficient", "dear by now");
  };
  const dear = wish(20_000, { wanted: HOLD, price: refuse });
  const result = await extendMessage(into, message.id, dear, NOW);
  assert.deepEqual(result?.message.paid, message.paid);
  assert.equal((await kept(into, message))[2], 10_000);
  const mistake = wish(20_000, {
    price: () => {
      throw new TypeError("a mistake");
    },
  });
  await assert.rejects(
    extendMessage(into, message.id, mistake, NOW),
    TypeError,
  );
});

Deno.test("more work is marked for as long as any of it could be sent again", async () => {
  using into = await openStore(":memory:", () => NOW);
  const message = await store(into);
  const workUntil = async () =>
    (await into.get(keys.seen(message.id))).value?.workUntil;
  const late = { ...wish(20_000), workUntil: NOW + 50_000 };
  await extendMessage(into, message.id, late, NOW);
  assert.equal(await workUntil(), NOW + 50_000);
  const early = { ...wish(30_000), workUntil: NOW + 1 };
  await extendMessage(into, message.id, early, NOW);
  assert.equal(await workUntil(), NOW + 50_000);
  const { cursor } = await findMessage(into, message.id) ?? {};
  const position = parseCursor(cursor ?? "");
  await deleteMessage(into, message.mailbox, position, NOW + 49_999);
  assert.equal(await workUntil(), NOW + 50_000, "the entry knows as well");
  await assertWhole(into);
});

Deno.test("reposts that race leave the best of all of them", async () => {
  for (let round = 0; round < 5; round++) {
    using into = await openStore(":memory:", () => NOW);
    const message = await store(into);
    const hashes = [20_000, 50_000, 30_000, 40_000, 10_000];
    await Promise.all(
      hashes.flatMap((one, i) => [
        extendMessage(into, message.id, wish(one), NOW),
        extendMessage(into, message.id, {
          ...wish(10_000),
          minBandwidth: 80 >> i,
        }, NOW),
      ]),
    );
    const [hours, minBandwidth, paid] = await kept(into, message);
    assert.deepEqual([hours, paid], [50, 50_000]);
    assert.ok((minBandwidth ?? 0) <= 10, `${minBandwidth}`);
  }
});

Deno.test("what is gone does not come back: deleted, expired, swept, or never there", async (t) => {
  const end = NOW + 1_000 * HOLD;
  const ways: Record<
    string,
    (into: Store, message: NewMessage) => Promise<number>
  > = {
    async deleted(into, { id, mailbox }) {
      const { cursor } = await findMessage(into, id) ?? {};
      await deleteMessage(into, mailbox, parseCursor(cursor ?? ""), NOW);
      return NOW;
    },
    expired: () => Promise.resolve(end),
    async swept(into) {
      await sweep(into, { now: () => end + HOUR });
      return end + HOUR;
    },
  };
  for (const [way, end] of Object.entries(ways)) {
    await t.step(way, async () => {
      using into = await openStore(":memory:", () => NOW);
      const message = await store(into);
      const now = await end(into, message);
      const before = await into.list({ prefix: [] });
      const stored = await findMessage(into, message.id);
      const result = await extendMessage(into, message.id, wish(90_000), now);
      assert.deepEqual(result, { message: stored, extended: false });
      assert.deepEqual(await into.list({ prefix: [] }), before);
    });
  }
  await t.step("never there", async () => {
    using into = await openStore(":memory:", () => NOW);
    const { id } = newMessage(newMailbox());
    assert.equal(await extendMessage(into, id, wish(9), NOW), null);
  });
  await t.step("held to its last millisecond", async () => {
    using into = await openStore(":memory:", () => NOW);
    const { id } = await store(into);
    const result = await extendMessage(into, id, wish(20_000), end - 1);
    assert.equal(result?.extended, true);
  });
});

Deno.test("more work is priced by what there is when it is counted, whoever else fills the mailbox", async () => {
  using spied = await openSpied(":memory:", { now: () => NOW });
  const { store: into, spy } = spied;
  const message = await store(into);
  const seen: (number | undefined)[] = [];
  spy.onCommit = async (_, commit) => {
    spy.onCommit = (_, commit) => commit();
    const row = await into.get(keys.usage(message.mailbox));
    assert.ok(row.value);
    const full = { ...row.value, messages: 9 };
    await into.commit((operation) => operation.set(row.key, full));
    return await commit();
  };
  await extendMessage(
    into,
    message.id,
    wish(20_000, {
      price({ mailbox }) {
        seen.push(mailbox?.messages);
        return { hold: BOUGHT, paidFor: BOUGHT };
      },
    }),
    NOW,
  );
  assert.deepEqual(seen, [1, 9]);
});

Deno.test("each second more of a hold does not cost a row of what falls due", async () => {
  using into = await openStore(":memory:", () => NOW);
  const message = await store(into);
  for (let n = 1; n <= 50; n++) {
    const more = wish(10_000 + n, { wanted: HOLD + n });
    await extendMessage(into, message.id, more, NOW);
  }
  const due = await into.list({ prefix: keys.dues() });
  assert.ok(due.length <= 2, `${due.length} rows`);
  await assertWhole(into);
});

Deno.test("a message of a row of several is extended alone", async () => {
  using into = await openStore(":memory:", () => NOW);
  const mailbox = newMailbox();
  const hold = () => ({ hold: HOLD, paidFor: HOLD });
  const all = Array.from({ length: 6 }, () => newMessage(mailbox, 9, { hold }));
  await Promise.all(all.map((message) => commitMessage(into, message, NOW)));
  const [, , , chosen] = all;
  assert.ok(chosen);
  await extendMessage(into, chosen.id, wish(20_000), NOW);
  for (const { id } of all) {
    const { holdUntil = 0 } = await findMessage(into, id) ?? {};
    assert.equal((holdUntil - NOW) / HOUR, id === chosen.id ? 20 : 1);
  }
  await assertWhole(into);
  await sweep(into, { now: () => NOW + 3 * HOUR });
  const { messages } = await assertWhole(into).then(({ relay }) => relay);
  assert.equal(messages, 1);
});

Deno.test("a message whose hold ends while it is being extended stays as it ended", async () => {
  using spied = await openSpied();
  const { store: into, spy } = spied;
  const message = await store(into);
  const end = NOW + 1_000 * HOLD;
  let reads = 0;
  let ended = Promise.resolve();
  spy.onRead = () => {
    // Behind the mark: whatever is asked for after this is answered first.
    if (++reads === 2) ended = endHold();
    return reads === 2 ? ended : Promise.resolve();
  };
  const extended = await extendMessage(
    into,
    message.id,
    wish(20_000),
    end - 1,
  );
  assert.equal(extended?.extended, false);
  assert.equal((await findMessage(into, message.id))?.holdUntil, end);
  await assertWhole(into);

  async function endHold() {
    for (let turns = 0; turns < 10; turns++) {
      await new Promise((resolve) => setTimeout(resolve));
    }
    await sweep(into, { now: () => end + HOUR });
  }
});
