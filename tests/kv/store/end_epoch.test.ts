/** A store's file, copied and put back: with a new epoch it hides nothing. */
import assert from "node:assert/strict";
import { commitMessage, findMessage } from "../../../kv/mail/accept.ts";
import { deleteMessage } from "../../../kv/mail/delete.ts";
import type { StoredMessage } from "../../../kv/mail/entry.ts";
import { extendMessage } from "../../../kv/mail/extend.ts";
import { readAfter } from "../../../kv/mail/read.ts";
import { acknowledge } from "../../../kv/mail/readers.ts";
import { endEpoch } from "../../../kv/store/end_epoch.ts";
import { StoreInUseError } from "../../../kv/store/in_use.ts";
import { takeLease } from "../../../kv/store/lease.ts";
import { openStore, type Store } from "../../../kv/store/store.ts";
import type { MailboxId } from "../../../lib/ids.ts";
import { parseCursor } from "../../../lib/cursor.ts";
import { MINUTE } from "../../routes/clock.ts";
import { dump } from "../../routes/relay_fixture.ts";
import { newMailbox, newMessage, NOW } from "../message_maker.ts";
import { assertWhole } from "../recount.ts";
import { TempDirectory } from "../temp_directory.ts";

async function post(store: Store, mailbox: MailboxId): Promise<StoredMessage> {
  const draft = newMessage(mailbox, 100);
  return (await commitMessage(store, draft, NOW)).message;
}

async function read(store: Store, mailbox: MailboxId, after: string | null) {
  return await readAfter(store, {
    mailbox,
    after,
    now: NOW,
    limit: 100,
    bandwidth: Infinity,
  });
}

/** Two messages, a copy of the file, and two more that are lost with it. */
async function lostAndPutBack(directory: TempDirectory) {
  const [file, copy] = [directory.file("a.kv"), directory.file("copy.kv")];
  const mailbox = newMailbox();
  const kept: StoredMessage[] = [];
  {
    using store = await openStore(file);
    for (let n = 0; n < 2; n++) kept.push(await post(store, mailbox));
  }
  await Deno.copyFile(file, copy);
  let newest: string;
  {
    using store = await openStore(file);
    for (let n = 0; n < 2; n++) await post(store, mailbox);
    newest = (await read(store, mailbox, null)).next;
  }
  return { copy, mailbox, kept, newest };
}

Deno.test("a copied file hides mail from newer cursors, and with endEpoch() it does not", async () => {
  await using directory = await TempDirectory.make();
  const { copy, mailbox, kept, newest } = await lostAndPutBack(directory);
  {
    using store = await openStore(copy);
    const former = store.epoch;
    const ended = await endEpoch(store, NOW);
    assert.equal(ended.former, former);
    assert.notEqual(ended.epoch, former);
    assert.ok((await dump(store)).every(({ key }) => key[0] !== "trial"));
  }
  using store = await openStore(copy);
  const fresh = await post(store, mailbox);
  assert.ok(fresh.cursor.startsWith(store.epoch), "of the new epoch");
  const page = await read(store, mailbox, newest);
  assert.equal(page.reset, true);
  assert.deepEqual(
    page.messages.map(({ id }) => id),
    [...kept, fresh].map(({ id }) => id),
  );
  const cursors = page.messages.map(({ cursor }) => cursor);
  assert.deepEqual(cursors, cursors.toSorted());
  const [, second] = cursors;
  const on = await read(store, mailbox, second ?? "");
  assert.equal(on.reset, false);
  assert.deepEqual(on.messages.map(({ id }) => id), [fresh.id]);
  // What receipts are made of is as it was, even if it is extended.
  for (const message of kept) {
    assert.deepEqual(await findMessage(store, message.id), message);
  }
  const [one] = kept;
  assert.ok(one);
  const better = await extendMessage(store, one.id, {
    minBandwidth: 0,
    paid: { by: "work", hashes: 20_000 },
    price: () => ({ hold: 7_200, paidFor: 7_200 }),
    workUntil: NOW,
  }, NOW);
  assert.equal(better?.message.cursor, one.cursor);
  await assertWhole(store);
});

Deno.test("mail of a former epoch is deleted by its listed cursor, by its receipt's, and by none that was lost", async () => {
  await using directory = await TempDirectory.make();
  const { copy, mailbox, kept, newest } = await lostAndPutBack(directory);
  {
    using store = await openStore(copy);
    await endEpoch(store, NOW);
    await endEpoch(store, NOW); // again, for former epochs are a list
  }
  using store = await openStore(copy);
  for (let n = 0; n < 3; n++) await post(store, mailbox);
  const idsNow = async () =>
    (await read(store, mailbox, null)).messages.map(({ id }) => id);
  const before = await idsNow();
  await deleteMessage(store, mailbox, parseCursor(newest), NOW);
  // The place of mail that was lost, where there is other mail by now.
  const { messages } = await read(store, mailbox, null);
  const { versionstamp } = parseCursor(messages.at(-1)?.cursor ?? "");
  const lost = { epoch: parseCursor(newest).epoch, versionstamp };
  await deleteMessage(store, mailbox, lost, NOW);
  assert.deepEqual(await idsNow(), before);
  await deleteMessage(store, mailbox, parseCursor(kept[0]?.cursor ?? ""), NOW);
  const listed = messages.find(({ id }) => id === kept[1]?.id);
  await deleteMessage(store, mailbox, parseCursor(listed?.cursor ?? ""), NOW);
  assert.deepEqual(await idsNow(), before.slice(2));
  const { next } = await read(store, mailbox, null);
  const left = await acknowledge(
    store,
    mailbox,
    "phone",
    parseCursor(next),
    NOW,
  );
  assert.equal(left, 3);
});

Deno.test("endEpoch() refuses a store of which a worker has a lease", async () => {
  using store = await openStore(":memory:");
  const { epoch } = await store.check() ?? {};
  const lease = { holder: "worker", until: NOW + MINUTE };
  await takeLease(store, "sweep", lease, NOW);
  await assert.rejects(endEpoch(store, NOW + MINUTE - 1), StoreInUseError);
  assert.equal((await store.check())?.epoch, epoch);
  await endEpoch(store, NOW + MINUTE);
  assert.notEqual((await store.check())?.epoch, epoch);
});
