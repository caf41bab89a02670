/** What an operator is shown. */
import assert from "node:assert/strict";
import { commitMessage } from "../../kv/mail/accept.ts";
import { keptBytes, MAILBOX_BYTES } from "../../kv/mail/entry.ts";
import { completeHandshake } from "../../kv/mail/mailboxes.ts";
import { openStore, type Store } from "../../kv/store/store.ts";
import { type MailboxId, mailboxIdOf } from "../../lib/ids.ts";
import { DEFAULT_TARIFF } from "../../lib/money.ts";
import { Problem } from "../../lib/problem.ts";
import { DEFAULT_WORK_PRICE } from "../../lib/work/price.ts";
import {
  type Administration,
  currentPrice,
  evict,
  largestMailboxes,
  overrideQuota,
  quotaOf,
  revoke,
} from "../../relay/admin.ts";
import { newMessage, NOW } from "../kv/message_maker.ts";
import { freshKey } from "../routes/owner.ts";

const QUOTAS = {
  mailbox: { bytes: 1_000_000, messages: 10 },
  relay: { bytes: 10_000_000, messages: 20 },
};

function administrationOf(store: Store): Administration {
  return {
    store,
    quotas: QUOTAS,
    price: DEFAULT_WORK_PRICE,
    tariff: DEFAULT_TARIFF,
    now: () => NOW,
  };
}

/** A mailbox that holds messages of these sizes. */
async function fill(store: Store, ...sizes: number[]): Promise<MailboxId> {
  const publicKey = freshKey();
  const id = mailboxIdOf(publicKey);
  await completeHandshake(store, { id, expires: NOW, publicKey }, NOW);
  for (const size of sizes) {
    await commitMessage(store, newMessage(id, size), NOW);
  }
  return id;
}

Deno.test("largestMailboxes() lists the largest first, no more than asked for, and counts all", async () => {
  using store = await openStore(":memory:");
  const admin = administrationOf(store);
  const small = await fill(store, 100);
  const large = await fill(store, 500);
  const many = await fill(store, 50, 50);
  const empties = [await fill(store), await fill(store)].toSorted();
  const all = [many, large, small, ...empties];
  for (let limit = 1; limit <= 6; limit++) {
    const { mailboxes, total } = await largestMailboxes(admin, limit);
    assert.equal(total, 5);
    assert.deepEqual(mailboxes.map(({ id }) => id), all.slice(0, limit));
  }
});

Deno.test("largestMailboxes() tells fill and price by the mailbox's own quota", async () => {
  using store = await openStore(":memory:");
  const admin = administrationOf(store);
  const id = await fill(store, 100, 100, 100);
  const only = async () => (await largestMailboxes(admin, 1)).mailboxes[0];
  assert.deepEqual(await only(), {
    id,
    createdAt: NOW,
    usage: { bytes: 3 * keptBytes(100), messages: 3 },
    quota: QUOTAS.mailbox,
    fill: 0.3,
    factor: 2,
    hasOwnQuota: false,
    revokedAt: null,
  });
  assert.deepEqual(await overrideQuota(admin, id, { messages: 6 }), {
    bytes: 1_000_000,
    messages: 6,
  });
  assert.equal(await revoke(admin, id), NOW);
  const changed = await only();
  assert.deepEqual(
    [changed?.fill, changed?.factor, changed?.hasOwnQuota, changed?.revokedAt],
    [0.5, 2 ** 5, true, NOW],
  );
  assert.deepEqual(await overrideQuota(admin, id, null), QUOTAS.mailbox);
  assert.equal((await only())?.hasOwnQuota, false);
});

Deno.test("currentPrice() tells the base rates and what the relay's fill makes of them", async () => {
  using store = await openStore(":memory:");
  const admin = administrationOf(store);
  await fill(store, ...Array.from({ length: 5 }, () => 10));
  assert.deepEqual(await currentPrice(admin), {
    work: DEFAULT_WORK_PRICE,
    tariff: DEFAULT_TARIFF,
    relay: {
      // The mailbox counts as well.
      usage: { bytes: 5 * keptBytes(10) + MAILBOX_BYTES, messages: 6 },
      quota: QUOTAS.relay,
      fill: 0.3,
      factor: 2,
    },
  });
});

Deno.test("evict() refuses a mailbox that is not here", async () => {
  using store = await openStore(":memory:");
  const admin = administrationOf(store);
  await assert.rejects(
    evict(admin, mailboxIdOf(freshKey()), null),
    (error) => error instanceof Problem && error.code === "mailbox-unknown",
  );
  const id = await fill(store, 10, 20);
  assert.deepEqual(await evict(admin, id, NOW), { messages: 0, bytes: 0 });
  assert.deepEqual(await evict(admin, id, NOW + 1), {
    messages: 2,
    bytes: keptBytes(10) + keptBytes(20),
  });
});

Deno.test("quotaOf() is the mailbox's own, if it has one", () => {
  const own = { bytes: 1, messages: 1 };
  assert.equal(quotaOf({ quota: own }, QUOTAS), own);
  assert.equal(quotaOf({}, QUOTAS), QUOTAS.mailbox);
  assert.equal(quotaOf(null, QUOTAS), QUOTAS.mailbox);
});

Deno.test("evict() of everything empties a mailbox", async () => {
  using store = await openStore(":memory:");
  const admin = administrationOf(store);
  const id = await fill(store, 10, 20);
  assert.deepEqual(await evict(admin, id, null), {
    messages: 2,
    bytes: keptBytes(10) + keptBytes(20),
  });
  const { mailboxes: [emptied] } = await largestMailboxes(admin, 1);
  assert.deepEqual(emptied?.usage, { bytes: 0, messages: 0 });
});
