/** Mailboxes, used handshakes, and what readers have. */
import assert from "node:assert/strict";
import { keys } from "../../../kv/kinds.ts";
import {
  closeMailbox,
  completeHandshake,
  endUnused,
  findMailbox,
  mailboxUnknown,
  noteRead,
  restoreMailbox,
  UNUSED_MS,
} from "../../../kv/mail/mailboxes.ts";
import {
  acknowledge,
  MAX_READERS,
  READER_KEPT,
  registerReader,
} from "../../../kv/mail/readers.ts";
import { setMailboxQuota } from "../../../kv/mail/admin.ts";
import { sweep } from "../../../kv/mail/sweep.ts";
import {
  MAILBOX_BYTES,
  MARK_BYTES,
  type PriceMessage,
} from "../../../kv/mail/entry.ts";
import { commitMessage } from "../../../kv/mail/accept.ts";
import { openStore, type Store } from "../../../kv/store/store.ts";
import { parseCursor, START_VERSIONSTAMP } from "../../../lib/cursor.ts";
import { type MailboxId, mailboxIdOf } from "../../../lib/ids.ts";
import { Problem } from "../../../lib/problem.ts";
import { randomBytes } from "../../routes/envelopes.ts";
import { dump } from "../../routes/relay_fixture.ts";
import { assertWhole } from "../recount.ts";
import { TempDirectory } from "../temp_directory.ts";
import { kindsIn } from "../backup/kinds_in.ts";
import { openSpied, type SpiedDatabase } from "../spied_database.ts";
import {
  HOLD,
  newMailbox,
  newMessage,
  NOW,
  openMailbox,
} from "../message_maker.ts";

Deno.test("completeHandshake() opens a mailbox once, and uses up every handshake", async () => {
  using store = await openStore(":memory:");
  const publicKey = randomBytes(44);
  const id = mailboxIdOf(publicKey);
  const expires = NOW + 60_000;
  assert.equal(await findMailbox(store, id), null);
  const complete = (handshake: string, now: number) =>
    completeHandshake(store, { id: handshake, expires, publicKey }, now);
  assert.deepEqual(await complete("one", NOW), { created: true });
  assert.deepEqual(await complete("two", NOW + 1), { created: false });
  const before = await dump(store);
  for (const used of ["one", "two"]) {
    assert.equal(await complete(used, NOW + 2), null);
  }
  assert.deepEqual(await dump(store), before);
  assert.deepEqual(await findMailbox(store, id), {
    publicKey,
    createdAt: NOW,
    usedAt: NOW + 1,
  });
  const { bytes, messages } = (await assertWhole(store)).relay;
  assert.deepEqual([bytes, messages], [MAILBOX_BYTES, 1], "counts as one");
});

Deno.test("completeHandshake() keeps a key, and nothing of the message that it came in", async () => {
  using store = await openStore(":memory:");
  const publicKey = randomBytes(9_000).subarray(7, 51);
  await completeHandshake(store, { id: "x", expires: NOW, publicKey }, NOW);
  const mailbox = await findMailbox(store, mailboxIdOf(publicKey));
  assert.deepEqual(mailbox?.publicKey, publicKey.slice());
  assert.equal(mailbox.publicKey.buffer.byteLength, 44);
});

Deno.test("completeHandshake() at once: one of a handshake, one creation of a mailbox", async () => {
  using store = await openStore(":memory:");
  const publicKey = randomBytes(44);
  const expires = NOW + 60_000;
  const ids = ["a", "a", "b", "c", "b", "a", "d", "a"];
  const all = await Promise.all(
    ids.map((id) => completeHandshake(store, { id, expires, publicKey }, NOW)),
  );
  assert.equal(all.filter((result) => result !== null).length, 4);
  assert.equal(all.filter((result) => result?.created).length, 1);
  const marks = await store.list({ prefix: ["handshake"] });
  assert.deepEqual(
    marks.map(({ key }) => key),
    ["a", "b", "c", "d"].map((id) => keys.handshake(id)),
  );
});

Deno.test("acknowledge() keeps the furthest of each reader, in one commit each", async () => {
  using store = await openStore(":memory:");
  const mailbox = await openMailbox(store);
  const stamps: string[] = [];
  for (let n = 0; n < 3; n++) {
    const { message } = await commitMessage(store, newMessage(mailbox), NOW);
    stamps.push(parseCursor(message.cursor).versionstamp);
  }
  const [one = "", two = "", three = ""] = stamps;
  const { epoch } = store;
  const steps: [reader: string, versionstamp: string, deleted: number][] = [
    ["phone", START_VERSIONSTAMP, 0],
    ["tablet", two, 0],
    ["tablet", one, 0],
    ["phone", one, 1],
    ["phone", three, 1],
    ["tablet", three, 1],
  ];
  for (const [reader, versionstamp, deleted] of steps) {
    assert.equal(
      await acknowledge(store, mailbox, reader, { epoch, versionstamp }, NOW),
      deleted,
      `${reader} at ${versionstamp}`,
    );
  }
  assert.deepEqual((await store.get(keys.readers(mailbox))).value, {
    phone: { place: three, at: NOW },
    tablet: { place: three, at: NOW },
  });
});

Deno.test("acknowledge() refuses positions that the store never gave out", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  const { epoch } = store;
  const above = { epoch, versionstamp: "f".repeat(20) };
  const foreign = { epoch: "0".repeat(12), versionstamp: START_VERSIONSTAMP };
  const small = { epoch, versionstamp: `${"0".repeat(19)}1` };
  for (const position of [above, foreign, small]) {
    await assert.rejects(
      acknowledge(store, mailbox, "phone", position, NOW),
      (error) => error instanceof Problem && error.code === "malformed",
    );
  }
  assert.equal((await store.get(keys.readers(mailbox))).value, null);
});

/** What happens at the n-th read of a store, once. */
function atRead(spy: SpiedDatabase, n: number, happen: () => Promise<void>) {
  let reads = 0;
  spy.onRead = async () => {
    reads += 1;
    if (reads === n) await happen();
  };
  return () => reads >= n;
}

Deno.test("mail that comes while its unused mailbox is being ended is kept, whenever it comes", async () => {
  const publicKey = randomBytes(44);
  const mailbox = mailboxIdOf(publicKey);
  const later = NOW + UNUSED_MS + 3_600_000;
  let kept = 0;
  await using directory = await TempDirectory.make();
  for (let n = 1, hasCome = true; hasCome; n++) {
    assert.ok(n < 50);
    const file = directory.file(`${n}.kv`);
    using spied = await openSpied(file, { now: () => NOW });
    using other = await openStore(file);
    const { store, spy } = spied;
    await completeHandshake(store, { id: "x", expires: NOW, publicKey }, NOW);
    let stored = false;
    const isOver = atRead(spy, n, async () => {
      const hold: PriceMessage = ({ mailbox: row }) => {
        if (row?.isOpen) return { hold: HOLD, paidFor: HOLD };
        throw mailboxUnknown(mailbox);
      };
      const message = newMessage(mailbox, 100, { hold });
      stored = await commitMessage(other, message, later)
        .then(() => true, () => false);
    });
    await sweep(store, { now: () => later });
    hasCome = isOver();
    spy.onRead = () => Promise.resolve();
    const isThere = await findMailbox(store, mailbox) !== null;
    assert.equal(isThere, stored, `at read ${n}`);
    const log = await store.list({ prefix: keys.messages(mailbox) });
    assert.equal(log.length, stored ? 1 : 0, `at read ${n}`);
    if (stored) kept += 1;
    await assertWhole(store);
  }
  assert.ok(kept > 0, "it did come in time");
});

Deno.test("an owner who comes back while the mailbox is being ended keeps it", async () => {
  const publicKey = randomBytes(44);
  const mailbox = mailboxIdOf(publicKey);
  const later = NOW + UNUSED_MS + 3_600_000;
  for (let n = 1, hasCome = true; hasCome; n++) {
    assert.ok(n < 50);
    using spied = await openSpied(":memory:", { now: () => NOW });
    const { store, spy } = spied;
    const handshake = { id: "x", expires: NOW, publicKey };
    await completeHandshake(store, handshake, NOW);
    let created: boolean | undefined;
    const isOver = atRead(spy, n, async () => {
      const again = { id: "y", expires: later, publicKey };
      created = (await completeHandshake(store, again, later))?.created;
    });
    await sweep(store, { now: () => later });
    hasCome = isOver();
    spy.onRead = () => Promise.resolve();
    const isThere = await findMailbox(store, mailbox) !== null;
    // Too late, and it is a new one.
    assert.equal(isThere, created !== undefined, `at read ${n}`);
    await assertWhole(store);
  }
});

Deno.test("endUnused() ends a mailbox that was unused for thirty days to the millisecond, and looks again where it holds mail", async (t) => {
  const end = NOW + UNUSED_MS;
  const table: [
    what: string,
    now: number,
    messages: number,
    lookAt: number | null,
    isThere: boolean,
  ][] = [
    // It was opened again since: that is looked at in its own time.
    ["a millisecond before", end - 1, 0, null, true],
    ["at the end", end, 0, null, false],
    ["at the end, with mail", end, 1, end + UNUSED_MS, true],
    ["an hour later, with mail", end + 9, 1, end + 9 + UNUSED_MS, true],
  ];
  for (const [what, now, messages, lookAt, isThere] of table) {
    await t.step(what, async () => {
      using store = await openStore(":memory:", () => NOW);
      const mailbox = await openMailbox(store);
      for (let n = 0; n < messages; n++) {
        const message = newMessage(mailbox, 9, { hold: 90 * 86_400 });
        await commitMessage(store, message, NOW);
      }
      assert.deepEqual(await endUnused(store, mailbox, now), { lookAt });
      assert.equal(await findMailbox(store, mailbox) !== null, isThere);
      if (!isThere) await assertWhole(store);
    });
  }
});

Deno.test("noteRead() notes an owner who reads once, and opens nothing", async () => {
  using spied = await openSpied(":memory:", { now: () => NOW });
  const { store, spy } = spied;
  const publicKey = randomBytes(44);
  const mailbox = mailboxIdOf(publicKey);
  await noteRead(store, mailbox, NOW);
  assert.equal(await findMailbox(store, mailbox), null);
  await completeHandshake(store, { id: "x", expires: NOW, publicKey }, NOW);
  spy.takeCounts();
  for (const now of [NOW + 1, NOW + 2]) await noteRead(store, mailbox, now);
  assert.equal(spy.takeCounts().commits, 1);
  const record = { publicKey, createdAt: NOW, usedAt: NOW + 1 };
  assert.deepEqual(await findMailbox(store, mailbox), record);
});

Deno.test("closeMailbox() deletes a mailbox with its mail and its devices, and says whether there was one", async () => {
  using store = await openStore(":memory:", () => NOW);
  const publicKey = randomBytes(44);
  const mailbox = mailboxIdOf(publicKey);
  assert.equal(await closeMailbox(store, mailbox, NOW), false);
  await completeHandshake(store, { id: "x", expires: NOW, publicKey }, NOW);
  const workUntil = NOW + 1;
  for (const size of [100, 70_000]) {
    await commitMessage(store, newMessage(mailbox, size, { workUntil }), NOW);
  }
  await registerReader(store, mailbox, "phone", NOW);
  assert.equal(await closeMailbox(store, mailbox, NOW), true);
  assert.equal(await closeMailbox(store, mailbox, NOW), false);
  const kinds = await kindsIn(store);
  for (const kind of ["mailbox", "message", "object", "segment", "readers"]) {
    assert.equal(kinds[kind] ?? 0, 0, kind);
  }
  assert.equal(kinds["seen"], 2, "so that the same work does not pay again");
  const usage = await store.get(keys.usage(mailbox));
  assert.equal(usage.value?.isOpen, false);
  const { relay } = await assertWhole(store);
  assert.deepEqual(relay, { bytes: 2 * MARK_BYTES, messages: 0 });
});

const START = { versionstamp: START_VERSIONSTAMP };

Deno.test("who is heard of while the mailbox is closed leaves nothing behind, and opens nothing", async (t) => {
  const ways: Record<
    string,
    (store: Store, mailbox: MailboxId) => Promise<unknown>
  > = {
    "a device that reads": (store, mailbox) =>
      registerReader(store, mailbox, "phone", NOW),
    "a device that acknowledges": (store, mailbox) =>
      acknowledge(store, mailbox, "phone", { ...store, ...START }, NOW),
    "an owner who reads": (store, mailbox) => noteRead(store, mailbox, NOW),
    "an operator who sets a quota": (store, mailbox) => {
      const quota = { bytes: 1, messages: 1 };
      return setMailboxQuota(store, mailbox, quota, quota)
        .catch((error) => assert.equal(error.code, "mailbox-unknown"));
    },
  };
  for (const [who, come] of Object.entries(ways)) {
    await t.step(who, async () => {
      using spied = await openSpied(":memory:", { now: () => NOW });
      const { store, spy } = spied;
      const mailbox = await openMailbox(store);
      // It has read what there is, and writes: just then the mailbox is closed.
      spy.onCommit = async (_, commit) => {
        spy.onCommit = (_, commit) => commit();
        assert.equal(await closeMailbox(store, mailbox, NOW), true);
        return await commit();
      };
      await come(store, mailbox);
      const kinds = await kindsIn(store);
      assert.deepEqual([kinds["readers"], kinds["mailbox"]], [
        undefined,
        undefined,
      ]);
      await assertWhole(store);
    });
  }
});

Deno.test("seventy devices at once: a mailbox has as many as it may, and those that acknowledged are kept", async () => {
  using store = await openStore(":memory:", () => NOW);
  const mailbox = await openMailbox(store);
  await Promise.all(
    Array.from(
      { length: 70 },
      (_, n) =>
        n % 2 === 0
          ? registerReader(store, mailbox, `${n}`, NOW)
          : acknowledge(store, mailbox, `${n}`, { ...store, ...START }, NOW),
    ),
  );
  const readers = (await store.get(keys.readers(mailbox))).value ?? {};
  assert.equal(Object.keys(readers).length, MAX_READERS);
  for (let n = 1; n < 70; n += 2) assert.ok(`${n}` in readers, `${n}`);
});

Deno.test("devices that all acknowledge keep new ones out, also those named like an object's own", async () => {
  using store = await openStore(":memory:", () => NOW);
  const mailbox = await openMailbox(store);
  const position = { ...store, ...START };
  for (let n = 0; n < MAX_READERS; n++) {
    await acknowledge(store, mailbox, `${n}`, position, NOW);
  }
  await registerReader(store, mailbox, "0", NOW); // those it has go on
  for (const name of ["constructor", "toString"]) {
    const one = registerReader(store, mailbox, name, NOW);
    await assert.rejects(one, { code: "malformed" });
  }
});

Deno.test("a read token alone cannot keep the owner's next device out", async () => {
  using store = await openStore(":memory:", () => NOW);
  const mailbox = await openMailbox(store);
  for (let n = 0; n < MAX_READERS; n++) {
    await registerReader(store, mailbox, `ghost-${n}`, NOW + n);
  }
  const at = NOW + MAX_READERS;
  await registerReader(store, mailbox, "laptop", at);
  await acknowledge(store, mailbox, "phone", { ...store, ...START }, at);
  const readers = (await store.get(keys.readers(mailbox))).value ?? {};
  assert.equal(Object.keys(readers).length, MAX_READERS);
  assert.ok("laptop" in readers && "phone" in readers);
  assert.ok(!("ghost-0" in readers) && !("ghost-1" in readers));
});

Deno.test("another device's ack keeps what a registered device has not acknowledged, until that is silent for sixty days", async () => {
  using store = await openStore(":memory:", () => NOW);
  const mailbox = await openMailbox(store);
  const { message } = await commitMessage(store, newMessage(mailbox), NOW);
  const position = parseCursor(message.cursor);
  await registerReader(store, mailbox, "tablet", NOW);
  const day = 86_400_000;
  const ackAt = (now: number) =>
    acknowledge(store, mailbox, "phone", position, now);
  assert.equal(await ackAt(NOW), 0);
  const noted = async () =>
    (await store.get(keys.readers(mailbox))).value?.["tablet"]?.at;
  await registerReader(store, mailbox, "tablet", NOW + day);
  assert.equal(await noted(), NOW, "not more often than once a day");
  const heard = NOW + day + 1;
  await registerReader(store, mailbox, "tablet", heard);
  assert.equal(await noted(), heard);
  const end = heard + READER_KEPT;
  assert.equal(await ackAt(end - 1), 0);
  assert.equal(await ackAt(end), 1);
  // Its place is free once there is something to note.
  await registerReader(store, mailbox, "desk", end);
  assert.equal(await noted(), undefined);
});

Deno.test("a device that acknowledges where it began is not silent any more, and keeps its place among others", async () => {
  using store = await openStore(":memory:", () => NOW);
  const mailbox = await openMailbox(store);
  const position = { ...store, ...START };
  await registerReader(store, mailbox, "phone", NOW);
  await acknowledge(store, mailbox, "phone", position, NOW + 1);
  for (let n = 0; n < MAX_READERS; n++) {
    await registerReader(store, mailbox, `${n}`, NOW + 2 + n);
  }
  const readers = (await store.get(keys.readers(mailbox))).value ?? {};
  assert.deepEqual(readers["phone"], {
    place: START_VERSIONSTAMP,
    at: NOW + 1,
  });
});

Deno.test("restoreMailbox() opens a mailbox once, whoever else does", async () => {
  using store = await openStore(":memory:", () => NOW);
  const publicKey = randomBytes(44);
  const mailbox = mailboxIdOf(publicKey);
  const record = { publicKey, createdAt: NOW - UNUSED_MS - 1 };
  await Promise.all([
    restoreMailbox(store, mailbox, record, NOW),
    completeHandshake(store, { id: "x", expires: NOW, publicKey }, NOW),
    restoreMailbox(store, mailbox, record, NOW),
  ]);
  const { relay } = await assertWhole(store);
  assert.deepEqual(relay, { bytes: MAILBOX_BYTES, messages: 1 });
});

Deno.test("a device that is heard of again after days has what it acknowledged", async () => {
  using store = await openStore(":memory:", () => NOW);
  const mailbox = await openMailbox(store);
  const { message } = await commitMessage(store, newMessage(mailbox), NOW);
  const position = parseCursor(message.cursor);
  await acknowledge(store, mailbox, "phone", position, NOW);
  const at = NOW + 2 * 86_400_000;
  await registerReader(store, mailbox, "phone", at);
  assert.deepEqual((await store.get(keys.readers(mailbox))).value, {
    phone: { place: position.versionstamp, at },
  });
});
