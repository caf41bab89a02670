/** Messages that are stored by what a worker remembers of their mailbox. */
import assert from "node:assert/strict";
import {
  commitMessage,
  readBefore,
  recallMailbox,
} from "../../../kv/mail/accept.ts";
import { keys } from "../../../kv/kinds.ts";
import { setMailboxQuota } from "../../../kv/mail/admin.ts";
import { deleteMessage } from "../../../kv/mail/delete.ts";
import type { NewMessage, Room } from "../../../kv/mail/entry.ts";
import { ledgerOf } from "../../../kv/mail/ledger.ts";
import { closeMailbox } from "../../../kv/mail/mailboxes.ts";
import { openStore, type Store } from "../../../kv/store/store.ts";
import { parseCursor } from "../../../lib/cursor.ts";
import type { MailboxId } from "../../../lib/ids.ts";
import { DEFAULT_QUOTAS } from "../../../lib/quota.ts";
import { assertWhole } from "../recount.ts";
import { newMessage, NOW, openMailbox } from "../message_maker.ts";
import { Gate } from "../store/test_part.ts";
import { LIMITS, openSpied, spiedWith } from "../spied_database.ts";
import { TempDirectory } from "../temp_directory.ts";

/** Stores a message by what is read for it. */
async function storeRead(store: Store, message: NewMessage) {
  const before = await readBefore(store, message.id, message.mailbox);
  return await commitMessage(store, message, NOW, before);
}

/** Stores a message by what is remembered, which is to be enough. */
async function storeRemembered(store: Store, message: NewMessage) {
  const recalled = recallMailbox(store, message.mailbox);
  assert.ok(recalled, "the mailbox is remembered");
  return await commitMessage(store, message, NOW, recalled);
}

/** A mailbox that got a message, and is remembered since. */
async function usedMailbox(store: Store): Promise<MailboxId> {
  const mailbox = await openMailbox(store);
  assert.equal(recallMailbox(store, mailbox), null, "nothing is known of it");
  await storeRead(store, newMessage(mailbox));
  return mailbox;
}

/** Two workers on one file. */
async function twoWorkers() {
  await using held = new AsyncDisposableStack();
  const directory = held.use(await TempDirectory.make());
  const file = directory.file("relay.kv");
  const own = held.use(await openSpied(file));
  const other = held.use(await openStore(file));
  const rest = held.move();
  return {
    own: own.store,
    spy: own.spy,
    other,
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

/** Runs with a monotonic clock that can be put forward, by milliseconds. */
async function withClock(
  run: (pass: (milliseconds: number) => void) => Promise<void>,
): Promise<void> {
  const { performance } = globalThis;
  const real = performance.now;
  let passed = 0;
  performance.now = () => real.call(performance) + passed;
  try {
    await run((milliseconds) => passed += milliseconds);
  } finally {
    performance.now = real;
  }
}

Deno.test("a message to a mailbox that is remembered is stored without a read", async () => {
  using spied = await spiedWith();
  const { store, spy } = spied;
  const mailbox = await usedMailbox(store);
  spy.takeCounts();
  for (let n = 0; n < 3; n++) {
    const { created } = await storeRemembered(store, newMessage(mailbox));
    assert.equal(created, true);
    assert.deepEqual(spy.takeCounts(), { reads: 0, entries: 0, commits: 1 });
  }
  await assertWhole(store);
});

Deno.test("a message that is there is found by the commit, and those beside it are stored", async () => {
  using spied = await spiedWith();
  const { store, spy } = spied;
  const mailbox = await usedMailbox(store);
  const other = await usedMailbox(store);
  const message = newMessage(mailbox);
  const first = await storeRemembered(store, message);
  spy.takeCounts();
  const outcomes = await Promise.all([
    storeRemembered(store, newMessage(mailbox)),
    storeRemembered(store, { ...message, body: newMessage(mailbox).body }),
    storeRemembered(store, newMessage(other)),
  ]);
  assert.deepEqual(outcomes.map(({ created }) => created), [true, false, true]);
  assert.deepEqual(outcomes[1].message, first.message);
  assert.equal(recallMailbox(store, mailbox), null, "read first from now on");
  assert.ok(recallMailbox(store, other), "which was not at fault");
  await assertWhole(store);
});

Deno.test("the same message at once is stored once, though nobody has read anything", async () => {
  using spied = await spiedWith();
  const { store } = spied;
  const mailbox = await usedMailbox(store);
  const message = newMessage(mailbox);
  const outcomes = await Promise.all(
    Array.from({ length: 5 }, () => storeRemembered(store, message)),
  );
  const created = outcomes.map((one) => one.created);
  assert.deepEqual(created, [true, false, false, false, false]);
  for (const one of outcomes) {
    assert.deepEqual(one.message, outcomes[0]?.message);
  }
  await assertWhole(store);
});

Deno.test("what another worker has stored meanwhile is found, and counted", async () => {
  await using workers = await twoWorkers();
  const { own, other } = workers;
  const mailbox = await usedMailbox(own);
  const message = newMessage(mailbox);
  const first = await storeRead(other, message);
  const seen: number[] = [];
  const priced = newMessage(mailbox, 100, {
    hold({ mailbox }) {
      seen.push(mailbox?.messages ?? 0);
      return { hold: 3_600, paidFor: 3_600 };
    },
  });
  const [again, stored] = await Promise.all([
    storeRemembered(own, message),
    storeRemembered(own, priced),
  ]);
  assert.deepEqual([again.created, stored.created], [false, true]);
  assert.deepEqual(again.message, first.message);
  assert.equal(
    seen.at(-1),
    2,
    "its price is that of the commit that stored it",
  );
  await assertWhole(own);
});

Deno.test("a mailbox that another worker has closed takes nothing", async () => {
  await using workers = await twoWorkers();
  const { own, other } = workers;
  const mailbox = await usedMailbox(own);
  await closeMailbox(other, mailbox, NOW);
  const open: (boolean | undefined)[] = [];
  const message = newMessage(mailbox, 100, {
    hold({ mailbox }) {
      open.push(mailbox?.isOpen);
      if (mailbox?.isOpen !== true) throw new Error("it is closed");
      return { hold: 3_600, paidFor: 3_600 };
    },
  });
  await assert.rejects(storeRemembered(own, message), /it is closed/);
  assert.deepEqual(open, [true, undefined], "first by what was remembered");
  await assertWhole(own);
});

Deno.test("a mailbox of which another worker has left nothing takes nothing, whatever is remembered of it", async () => {
  await using workers = await twoWorkers();
  const { own, other } = workers;
  const mailbox = await usedMailbox(own);
  await closeMailbox(other, mailbox, NOW);
  assert.equal((await own.get(keys.usage(mailbox))).value, null);
  const message = newMessage(mailbox, 100, {
    hold({ mailbox }) {
      if (mailbox?.isOpen !== true) throw new Error("it is closed");
      return { hold: 3_600, paidFor: 3_600 };
    },
  });
  // By what is read before, and by what the commit itself reads.
  await assert.rejects(storeRead(own, message), /it is closed/);
  await assert.rejects(commitMessage(own, message, NOW), /it is closed/);
});

Deno.test("a row that is gone while others rely on it is read anew", async () => {
  using spied = await spiedWith();
  const { store } = spied;
  const ledger = ledgerOf(store);
  const mailbox = await usedMailbox(store);
  const message = newMessage(mailbox);
  const entry = await store.get(keys.usage(mailbox));
  ledger.hold(mailbox);
  assert.ok(ledger.learn(mailbox, entry));
  const none = { key: entry.key, value: null, versionstamp: null };
  // It may have been read before there was one.
  assert.equal(ledger.learn(mailbox, none), null);
  assert.deepEqual(ledger.rowOf(mailbox), entry, "for whoever relies on it");
  const looking = ledger.prepare(mailbox);
  assert.ok(looking, "and whoever comes looks");
  await looking;
  assert.equal(ledger.learn(mailbox, none), null);
  const absence = ledger.learn(mailbox, none);
  assert.equal(ledger.isAbsent(mailbox, message.id, absence), true);
  ledger.release(mailbox);
});

Deno.test("what one worker closes it does not find full of what was there", async () => {
  await using workers = await twoWorkers();
  const { own, other } = workers;
  const mailbox = await usedMailbox(own);
  const remembered = await openMailbox(own);
  await storeRead(own, newMessage(remembered));
  await closeMailbox(other, mailbox, NOW);
  // By what is remembered there is mail in it yet, for ever.
  assert.equal(await closeMailbox(own, mailbox, NOW), false);
  assert.equal(await closeMailbox(own, remembered, NOW), true);
});

Deno.test("once a commit has relied on memory in vain, all is read first for a second", async () => {
  using spied = await spiedWith();
  const { store, spy } = spied;
  await withClock(async (pass) => {
    const mailbox = await usedMailbox(store);
    const message = newMessage(mailbox);
    await storeRemembered(store, message);
    await storeRemembered(store, message);
    spy.takeCounts();
    await storeRead(store, newMessage(mailbox));
    assert.equal(recallMailbox(store, mailbox), null);
    pass(1_001);
    await storeRead(store, newMessage(mailbox));
    assert.ok(recallMailbox(store, mailbox), "then it is remembered again");
    assert.deepEqual(spy.takeCounts().commits, 2);
  });
});

Deno.test("where memory is relied on in vain again and again, all is read first", async () => {
  using spied = await spiedWith();
  const { store } = spied;
  const other = await usedMailbox(store);
  for (let n = 1; n <= 4; n++) {
    assert.ok(recallMailbox(store, other), `${n}`);
    const mailbox = await usedMailbox(store);
    const message = newMessage(mailbox);
    await storeRemembered(store, message);
    await storeRemembered(store, message);
  }
  assert.equal(recallMailbox(store, other), null);
});

Deno.test("a post and a deletion of one mailbox, of which another worker leaves nothing between their reads, are told so", async () => {
  await using workers = await twoWorkers();
  const { own, spy, other } = workers;
  const mailbox = await usedMailbox(own);
  const { message: stored } = await storeRead(own, newMessage(mailbox));
  const position = parseCursor(stored.cursor);
  const hold = ({ mailbox }: Room) => {
    if (mailbox?.isOpen !== true) throw new Error("it is closed");
    return { hold: 3_600, paidFor: 3_600 };
  };
  const late = newMessage(mailbox, 100, { hold });
  const before = await readBefore(own, late.id, mailbox);
  let reads = 0;
  spy.onRead = async () => {
    reads += 1;
    if (reads === 2) await closeMailbox(other, mailbox, NOW);
  };
  const [post, deletion] = await Promise.allSettled([
    commitMessage(own, late, NOW, before),
    deleteMessage(own, mailbox, position, NOW),
  ]);
  for (const one of [post, deletion]) {
    if (one.status === "fulfilled") continue;
    assert.doesNotMatch(String(one.reason), /not read/);
  }
  await assertWhole(other);
});

Deno.test("a quota is remembered for five seconds, and not at all where it was changed", async () => {
  using spied = await spiedWith();
  const { store } = spied;
  await withClock(async (pass) => {
    const mailbox = await usedMailbox(store);
    assert.deepEqual(recallMailbox(store, mailbox), { quota: undefined });
    const { mailbox: relays } = DEFAULT_QUOTAS;
    const quota = await setMailboxQuota(store, mailbox, {}, relays);
    assert.equal(recallMailbox(store, mailbox), null);
    await storeRead(store, newMessage(mailbox));
    assert.deepEqual(recallMailbox(store, mailbox), { quota });
    pass(4_000);
    await storeRemembered(store, newMessage(mailbox));
    assert.ok(recallMailbox(store, mailbox));
    pass(2_000);
    assert.equal(
      recallMailbox(store, mailbox),
      null,
      "however much it is used",
    );
  });
});

Deno.test("a quota that was read before it was changed here is not remembered", async () => {
  using spied = await spiedWith();
  const { store } = spied;
  const mailbox = await usedMailbox(store);
  const message = newMessage(mailbox);
  const before = await readBefore(store, message.id, mailbox);
  const { mailbox: relays } = DEFAULT_QUOTAS;
  const quota = await setMailboxQuota(store, mailbox, {}, relays);
  await commitMessage(store, message, NOW, before);
  assert.equal(recallMailbox(store, mailbox), null);
  await storeRead(store, newMessage(mailbox));
  assert.deepEqual(recallMailbox(store, mailbox), { quota });
});

Deno.test("a thousand mailboxes are remembered, those that were used last", async () => {
  using spied = await spiedWith();
  const { store } = spied;
  const ledger = ledgerOf(store);
  const first = await usedMailbox(store);
  const second = await usedMailbox(store);
  await storeRemembered(store, newMessage(first));
  for (let n = 2; n <= 1_000; n++) await usedMailbox(store);
  assert.equal(ledger.recall(second), null);
  assert.ok(ledger.recall(first));
});

Deno.test("a store that takes few checks is read first by who has to wait for others of the mailbox", async () => {
  using spied = await spiedWith({ limits: { ...LIMITS, checks: 10 } });
  const { store } = spied;
  const mailbox = await usedMailbox(store);
  assert.ok(recallMailbox(store, mailbox), "it would be the only one");
  const gate = new Gate(spied.spy);
  const stored = storeRemembered(store, newMessage(mailbox));
  await gate.arrived();
  assert.equal(recallMailbox(store, mailbox), null);
  gate.open();
  assert.ok((await stored).created);
  assert.ok(recallMailbox(store, mailbox));
});

Deno.test("a hundred messages to as many mailboxes that are remembered find room in operations", async () => {
  using spied = await spiedWith();
  const { store, spy } = spied;
  const mailboxes: MailboxId[] = [];
  while (mailboxes.length < 100) mailboxes.push(await usedMailbox(store));
  spy.operations.length = 0;
  const stored = await Promise.all(
    mailboxes.map((mailbox) => storeRemembered(store, newMessage(mailbox))),
  );
  assert.ok(stored.every(({ created }) => created));
  for (const { checks } of spy.operations) assert.ok(checks.length <= 100);
  assert.ok(spy.operations.length <= 4, `${spy.operations.length} operations`);
  await assertWhole(store);
});

Deno.test("what was read is not taken for new where it is there", async () => {
  using spied = await spiedWith();
  const { store } = spied;
  const mailbox = await usedMailbox(store);
  const message = newMessage(mailbox);
  const { message: stored } = await storeRemembered(store, message);
  const before = await readBefore(store, message.id, mailbox);
  assert.deepEqual(before.message, stored);
});
