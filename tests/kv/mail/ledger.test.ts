/** What a worker knows of what is kept, whatever becomes of its commits. */
import assert from "node:assert/strict";
import { keys } from "../../../kv/kinds.ts";
import { commitMessage, readBefore } from "../../../kv/mail/accept.ts";
import { deleteMessage } from "../../../kv/mail/delete.ts";
import { ledgerOf } from "../../../kv/mail/ledger.ts";
import { openedRow, relayUsage } from "../../../kv/mail/usage.ts";
import { DatabaseError } from "../../../kv/store/database.ts";
import { openStore } from "../../../kv/store/store.ts";
import { parseCursor } from "../../../lib/cursor.ts";
import { type MailboxId, messageIdOf } from "../../../lib/ids.ts";
import type { Quota } from "../../../lib/quota.ts";
import { Problem } from "../../../lib/problem.ts";
import { newMailbox, newMessage, NOW } from "../message_maker.ts";
import { TempDirectory } from "../temp_directory.ts";
import { type SpiedStore, spiedWith } from "../spied_database.ts";

/** What becomes of a message that is posted, one way after another. */
const FATES: Readonly<
  Record<string, (spied: SpiedStore, mailbox: MailboxId) => Promise<unknown>>
> = {
  "it is stored": ({ store }, mailbox) =>
    commitMessage(store, newMessage(mailbox), NOW),
  "its price refuses it": async ({ store }, mailbox) => {
    const hold = () => {
      throw new Problem("mailbox-full", "no room");
    };
    const message = newMessage(mailbox, 100, { hold });
    await assert.rejects(commitMessage(store, message, NOW), Problem);
  },
  "the database fails": async ({ store, spy }, mailbox) => {
    spy.onCommit = () => Promise.reject(new DatabaseError("failed"));
    const message = newMessage(mailbox);
    await assert.rejects(commitMessage(store, message, NOW), Problem);
  },
  "another worker is first": async ({ store, spy }, mailbox) => {
    const { value } = await store.get(keys.usage(mailbox));
    assert.ok(value);
    spy.onCommit = async (_, commit) => {
      spy.onCommit = (_, commit) => commit();
      await store.commit((operation) =>
        operation.set(keys.usage(mailbox), value)
      );
      return await commit();
    };
    await commitMessage(store, newMessage(mailbox), NOW);
  },
  "it is deleted": async ({ store }, mailbox) => {
    const { message } = await commitMessage(store, newMessage(mailbox), NOW);
    const position = parseCursor(message.cursor);
    await deleteMessage(store, mailbox, position, NOW);
  },
};

for (const [fate, meet] of Object.entries(FATES)) {
  Deno.test(`a worker's own count of the relay is right after a message of which ${fate}`, async () => {
    using spied = await spiedWith();
    const { store, spy } = spied;
    const mailbox = newMailbox();
    await commitMessage(store, newMessage(mailbox), NOW);
    for (let n = 0; n < 3; n++) {
      await meet(spied, mailbox);
      spy.onCommit = (_, commit) => commit();
      assert.deepEqual(ledgerOf(store).relay, await relayUsage(store));
    }
    // And no mailbox is kept at hand that nobody's commit relies on.
    const row = await store.get(keys.usage(mailbox));
    assert.equal(ledgerOf(store).learn(mailbox, row), null);
  });
}

Deno.test("what all hold is counted anew before each commit where bytes or messages are nearly used up, and is known elsewhere", async (t) => {
  const much = { bytes: 2 ** 40, messages: 1e9 };
  const table: [what: string, quota: Quota | null, isKnown: boolean][] = [
    ["no quota", null, true],
    ["room for all", much, true],
    ["few bytes", { ...much, bytes: 2 ** 26 }, false],
    ["few messages", { ...much, messages: 10_000 }, false],
  ];
  for (const [what, quota, isKnown] of table) {
    await t.step(what, async () => {
      using spied = await spiedWith();
      const ledger = ledgerOf(spied.store);
      ledger.quota = quota;
      await ledger.countRelay();
      assert.equal(ledger.prepareRelay(), null, "nothing was added since");
      await commitMessage(spied.store, newMessage(newMailbox()), NOW);
      const counting = ledger.prepareRelay();
      assert.equal(counting === null, isKnown);
      await counting;
      assert.equal(ledger.prepareRelay(), null);
    });
  }
});

Deno.test("near the relay's quota a message is priced by what other workers have stored by now", async (t) => {
  await using directory = await TempDirectory.make();
  for (const isLookedFor of [true, false]) {
    await t.step(isLookedFor ? "looked for before" : "not known", async () => {
      const file = directory.file(`${isLookedFor}.kv`);
      using own = await openStore(file);
      using other = await openStore(file);
      ledgerOf(own).quota = { bytes: 2 ** 40, messages: 10_000 };
      const mailbox = newMailbox();
      const seen: number[] = [];
      for (let n = 0; n < 3; n++) {
        const message = newMessage(mailbox, 100, {
          hold({ relay }) {
            seen.push(relay.messages);
            return { hold: 3_600, paidFor: 3_600 };
          },
        });
        const before = await readBefore(own, message.id, mailbox);
        const known = isLookedFor ? before : undefined;
        await commitMessage(own, message, NOW, known);
        for (let i = 0; i < 2; i++) {
          await commitMessage(other, newMessage(newMailbox()), NOW);
        }
      }
      assert.deepEqual(seen, [0, 3, 6]);
    });
  }
});

Deno.test("what is added while the relay is counted is not lost with the count", async () => {
  using spied = await spiedWith();
  const { store, spy } = spied;
  const ledger = ledgerOf(store);
  await ledger.countRelay();
  const change = { bytes: 7, messages: 1 };
  const add = () => {
    ledger.beginAdding(change);
    ledger.endAdding(change, true);
  };
  add(); // of which the count knows by then
  const answer = Promise.withResolvers<void>();
  spy.onRead = () => answer.promise;
  const counting = ledger.countRelay();
  add();
  answer.resolve();
  await counting;
  assert.deepEqual(ledger.relay, change);
});

Deno.test("a count of the relay that fails is made again", async () => {
  using spied = await spiedWith();
  const { store, spy } = spied;
  const ledger = ledgerOf(store);
  spy.onRead = () => Promise.reject(new DatabaseError("failed"));
  await assert.rejects(ledger.countRelay(), { code: "busy" });
  spy.onRead = () => Promise.resolve();
  await ledger.countRelay();
  assert.deepEqual(ledger.relay, { bytes: 0, messages: 0 });
});

Deno.test("what was stored since a row was read is remembered of ten thousand messages, and then looked for", () => {
  const idOf = (n: number) => {
    const bytes = new Uint8Array(32);
    new DataView(bytes.buffer).setUint32(0, n);
    return messageIdOf(bytes);
  };
  const mailbox = newMailbox();
  const key = keys.usage(mailbox);
  const rowAt = (n: number) => ({
    key,
    value: openedRow(NOW),
    versionstamp: n.toString(16).padStart(20, "0"),
  });
  // The store itself is not asked.
  const ledger = ledgerOf({} as SpiedStore["store"]);
  ledger.hold(mailbox);
  const absence = ledger.learn(mailbox, rowAt(1));
  const absent = idOf(99_999);
  for (let n = 0; n < 10_000; n++) ledger.advance(mailbox, rowAt(n), [idOf(n)]);
  assert.equal(ledger.isAbsent(mailbox, idOf(0), absence), false);
  assert.equal(ledger.isAbsent(mailbox, absent, absence), true);
  ledger.advance(mailbox, rowAt(10_000), [idOf(10_000)]);
  assert.equal(ledger.isAbsent(mailbox, idOf(0), absence), false);
  assert.equal(ledger.isAbsent(mailbox, absent, absence), false);
  const anew = ledger.learn(mailbox, rowAt(10_000));
  assert.equal(ledger.isAbsent(mailbox, absent, anew), true);
  // What was not there when the row was read anew may be stored again.
  assert.equal(ledger.isAbsent(mailbox, idOf(0), anew), true);
});
