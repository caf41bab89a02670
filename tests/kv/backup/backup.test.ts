/** Backups: whole, checked, and the same mail wherever they are restored. */
import assert from "node:assert/strict";
import {
  BackupError,
  type BackupErrorCode,
} from "../../../kv/backup/records.ts";
import { backupStore } from "../../../kv/backup/backup.ts";
import { commitMessage, findMessage } from "../../../kv/mail/accept.ts";
import { deleteMessage } from "../../../kv/mail/delete.ts";
import { keys, type KindName, KINDS } from "../../../kv/kinds.ts";
import { completeHandshake } from "../../../kv/mail/mailboxes.ts";
import { type StoredMessage, TOMBSTONE_MS } from "../../../kv/mail/entry.ts";
import { extendMessage } from "../../../kv/mail/extend.ts";
import { mailboxUsage } from "../../../kv/mail/usage.ts";
import { widenWindow } from "../../../kv/mail/window.ts";
import { DEFAULT_WINDOW } from "../../../lib/work/check.ts";
import { sweep } from "../../../kv/mail/sweep.ts";
import { readAfter } from "../../../kv/mail/read.ts";
import {
  acknowledge,
  MAX_READERS,
  registerReader,
} from "../../../kv/mail/readers.ts";
import { decodeRow } from "../../../kv/mail/row.ts";
import type { Entry, Key } from "../../../kv/store/database.ts";
import { openStore, type Store } from "../../../kv/store/store.ts";
import type { Bytes } from "../../../lib/bytes.ts";
import { parseCursor, placeOf } from "../../../lib/cursor.ts";
import { makeChallenge } from "../../../lib/handshake.ts";
import {
  type MailboxId,
  mailboxIdOf,
  type MessageId,
} from "../../../lib/ids.ts";
import type { RandomBytes } from "../../../lib/random.ts";
import { HOUR, MINUTE } from "../../routes/clock.ts";
import { dump } from "../../routes/relay_fixture.ts";
import { check, copyOf, linesIn, restoreInto } from "./backup_copy.ts";
import { hasDenoKv } from "../../cluster/denokv.ts";
import { randomBytes } from "../../routes/envelopes.ts";
import { DenoKvServer } from "../denokv_server.ts";
import { newMailbox, newMessage, NOW, openMailbox } from "../message_maker.ts";
import { assertWhole } from "../recount.ts";
import { TempDirectory } from "../temp_directory.ts";

const failsWith = (code: BackupErrorCode) => (error: unknown) => {
  assert.ok(error instanceof BackupError, String(error));
  assert.equal(error.code, code);
  return true;
};

async function post(store: Store, mailbox: MailboxId, size = 100) {
  const { message } = await commitMessage(
    store,
    newMessage(mailbox, size, { workUntil: NOW + HOUR }),
    NOW,
  );
  return message;
}

/** What a reader gets of a mailbox, without what a restore numbers anew. */
async function mailIn(store: Store, mailbox: MailboxId, now = NOW) {
  const page = await readAfter(store, {
    mailbox,
    now,
    after: null,
    limit: 1_000,
    bandwidth: Infinity,
  });
  return page.messages.map(({ cursor: _, ...message }) => message);
}

/** Messages of all sizes in three mailboxes, some of them deleted. */
async function fill(store: Store): Promise<readonly MailboxId[]> {
  const owners = [randomBytes(44), randomBytes(44), randomBytes(44)];
  for (const publicKey of owners) await open(store, publicKey);
  const mailboxes = owners.map(mailboxIdOf);
  for (const size of [100, 4_096, 4_097, 70_000, 327_687]) {
    await Promise.all(mailboxes.map((mailbox) => post(store, mailbox, size)));
  }
  const gone = await post(store, newMailbox());
  await deleteMessage(store, gone.mailbox, parseCursor(gone.cursor), NOW);
  await store.commit((operation) => {
    operation.set(keys.relayKeys(), { signing: new Uint8Array([1]) });
  });
  return mailboxes;
}

/** Opens the mailbox of a key. */
async function open(store: Store, publicKey: Bytes): Promise<void> {
  const handshake = { id: handshakeId(), expires: NOW + MINUTE, publicKey };
  await completeHandshake(store, handshake, NOW);
}

function handshakeId(): string {
  const end = (NOW + MINUTE).toString(16).padStart(12, "0");
  return end + randomBytes(24).toHex();
}

/** Backs one store up, restores it into another, and compares. */
async function assertTravels(from: Store, to: Store): Promise<void> {
  const mailboxes = await fill(from);
  const { file, counts } = await copyOf(from);
  assert.deepEqual(counts, {
    messages: 15,
    marks: 16,
    mailboxes: 3,
    readers: 0,
    damaged: 0,
    bytes: file.length,
  });
  const { epoch, ...restored } = await restoreInto(to, file);
  assert.deepEqual(restored, {
    messages: 15,
    marks: 1,
    mailboxes: 3,
    readers: 0,
    expired: 0,
    madeAt: NOW,
  });
  assert.notEqual(epoch, from.epoch);
  for (const mailbox of mailboxes) {
    assert.deepEqual(await mailIn(to, mailbox), await mailIn(from, mailbox));
  }
  const before = await dump(from);
  const after = await dump(to);
  // Rows of the log are told by their mailbox and by what is in them.
  const kept = (entries: readonly Entry[]) =>
    entries.filter(({ key: [kind] }) =>
      KINDS[kind as KindName].backup !== "made anew"
    ).flatMap(({ key, value }) =>
      key[0] === "message"
        ? decodeRow(value as Bytes).map((
          { id },
        ): Key => [...key.slice(0, 2), id])
        : [key]
    );
  assert.deepEqual(kept(after), kept(before));
  for (const { key, value, versionstamp } of after) {
    if (key[0] !== "message") continue;
    assert.equal(key[2], versionstamp);
    for (const { id, object } of decodeRow(value as Bytes)) {
      const [mark, header] = await to.getMany([
        keys.seen(id),
        keys.object(object),
      ]);
      assert.equal(mark.versionstamp, versionstamp);
      assert.equal(header.versionstamp, versionstamp);
      assert.deepEqual(await findMessage(to, id), await findMessage(from, id));
    }
  }
  const { relay } = await assertWhole(to);
  assert.deepEqual(relay, (await assertWhole(from)).relay);
}

Deno.test("a backup goes from memory to a file and on to memory", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  using memory = await openStore(":memory:");
  {
    using to = await openStore(file);
    await assertTravels(memory, to);
  }
  using from = await openStore(file);
  const again = await copyOf(from);
  using to = await openStore(":memory:");
  await restoreInto(to, again.file);
  for (const { key, value } of await dump(memory)) {
    if (key[0] !== "seen") continue;
    const id = key[1] as MessageId;
    assert.deepEqual(await findMessage(to, id), await findMessage(memory, id));
    assert.ok(value);
  }
});

Deno.test({
  name: "a backup goes from memory to a KV Connect server and back",
  ignore: !await hasDenoKv("a backup on a KV Connect server"),
  async fn() {
    await using server = await DenoKvServer.start();
    assert.ok(server);
    using memory = await openStore(":memory:");
    using remote = await openStore(server.url);
    await assertTravels(memory, remote);
    const back = await copyOf(remote);
    using again = await openStore(":memory:");
    const { messages } = await restoreInto(again, back.file);
    assert.equal(messages, 15);
    await assertWhole(again);
  },
});

Deno.test("checkBackup() refuses a backup that was cut short or altered", async (t) => {
  using store = await openStore(":memory:");
  await post(store, newMailbox());
  await post(store, newMailbox(), 70_000);
  const { file } = await copyOf(store);
  await check(file);
  const lines = linesIn(file);
  const bytes = (lines: readonly string[]) =>
    new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
  const flipped = (at: number) => {
    const other = file.slice();
    other[at] = (other[at] ?? 0) ^ 1;
    return other;
  };
  const table: Record<string, Uint8Array> = {
    "nothing": new Uint8Array(),
    "without its last byte": file.subarray(0, -1),
    "without its last line": bytes(lines.slice(0, -1)),
    "without its first line": bytes(lines.slice(1)),
    "half of it": file.subarray(0, file.length / 2),
    "its end alone": bytes(lines.slice(-1)),
    "a line less": bytes(lines.toSpliced(2, 1)),
    "a line twice": bytes(lines.toSpliced(2, 0, lines[2] ?? "")),
    "two lines swapped": bytes(
      lines.toSpliced(1, 2, lines[2] ?? "", lines[1] ?? ""),
    ),
    "itself twice": new Uint8Array([...file, ...file]),
    "something behind its end": new Uint8Array([...file, 0x7b]),
    "an empty line behind its end": new Uint8Array([...file, 0x0a]),
    "one endless line": new Uint8Array(5 * 2 ** 20),
    "text": new TextEncoder().encode("Dear Bob\n"),
  };
  for (let at = 0; at < file.length; at += Math.ceil(file.length / 40)) {
    table[`another byte at ${at}`] = flipped(at);
  }
  for (const [name, altered] of Object.entries(table)) {
    await t.step(
      name,
      () => assert.rejects(check(altered), failsWith("backup-damaged")),
    );
  }
  await t.step("of another version", async () => {
    const later = lines.map((line) =>
      line.replace('"version":2,', '"version":3,')
    );
    await assert.rejects(check(bytes(later)), failsWith("backup-version"));
  });
});

Deno.test("restoreStore() writes nothing into a store that was used", async () => {
  using store = await openStore(":memory:");
  const { file } = await copyOf(store);
  const table: readonly (readonly [Key, unknown])[] = [
    [keys.relayKeys(), {}],
    [keys.mailbox(newMailbox()), {}],
    [["other"], 1],
    [[7], 1],
    [[true], 1],
  ];
  for (const [key, value] of table) {
    using used = await openStore(":memory:");
    await used.commit((operation) => operation.set(key, value));
    const before = await dump(used);
    await assert.rejects(
      restoreInto(used, file),
      failsWith("store-not-empty"),
    );
    assert.deepEqual(await dump(used), before);
  }
});

Deno.test("backupStore() refuses a store with entries that it does not know", async () => {
  for (const key of [["later", 1], [7], [new Uint8Array([1])]]) {
    using store = await openStore(":memory:");
    await post(store, newMailbox());
    await store.commit((operation) => operation.set(key, 1));
    await assert.rejects(copyOf(store), failsWith("store-kind-unknown"));
  }
});

Deno.test("restoreStore() leaves out what has expired since, and keeps the marks that are needed", async () => {
  using from = await openStore(":memory:");
  const mailbox = newMailbox();
  const { message } = await commitMessage(
    from,
    newMessage(mailbox, 70_000, {
      workUntil: NOW + 2 * HOUR + TOMBSTONE_MS,
    }),
    NOW,
  );
  const { file } = await copyOf(from);
  const { holdUntil } = message;
  // Its work could be sent again for longer than it is listed.
  const marked = holdUntil + TOMBSTONE_MS + HOUR;
  const table = [
    { now: holdUntil - 1, messages: 1, expired: 0, seen: true, held: 1 },
    { now: holdUntil, messages: 1, expired: 0, seen: true, held: 0 },
    {
      now: holdUntil + TOMBSTONE_MS,
      messages: 0,
      expired: 1,
      seen: true,
      held: 0,
    },
    { now: marked - 1, messages: 0, expired: 1, seen: true, held: 0 },
    { now: marked, messages: 0, expired: 1, seen: false, held: 0 },
  ];
  for (const { now, seen, held, ...expected } of table) {
    using to = await openStore(":memory:");
    const { messages, expired } = await restoreInto(to, file, now);
    assert.deepEqual({ messages, expired }, expected);
    const found = await findMessage(to, message.id);
    assert.deepEqual(found, seen ? { ...message } : null);
    const objects = await to.list({ prefix: ["object"] });
    const segments = await to.list({ prefix: ["segment"] });
    await assertWhole(to);
    assert.deepEqual([objects.length, segments.length], [held, 2 * held]);
    const listed = await mailIn(to, mailbox, now);
    assert.deepEqual(
      listed.map(({ id, expired }) => [id, expired]),
      messages === 0 ? [] : [[message.id, held === 0]],
    );
  }
});

Deno.test("readers keep their place in the new numbering", async () => {
  using from = await openStore(":memory:");
  const mailbox = await openMailbox(from);
  const messages: StoredMessage[] = [];
  for (let n = 0; n < 5; n++) messages.push(await post(from, mailbox));
  const at = (n: number) => parseCursor(messages[n]?.cursor ?? "");
  await acknowledge(from, mailbox, "slow", at(0), NOW);
  await acknowledge(from, mailbox, "quick", at(3), NOW);
  await deleteMessage(from, mailbox, at(3), NOW); // its place is a gap now
  const { file } = await copyOf(from);
  await using directory = await TempDirectory.make();
  {
    using to = await openStore(directory.file("store.kv"));
    const { readers } = await restoreInto(to, file);
    assert.equal(readers, 2);
  }
  using to = await openStore(directory.file("store.kv"));
  const rows = await to.list({ prefix: keys.messages(mailbox) });
  const positions = rows.flatMap(({ key, value }) =>
    decodeRow(value).map(({ index }) => ({
      epoch: to.epoch,
      versionstamp: String(key[2]),
      index,
    }))
  );
  assert.equal(positions.length, 3);
  const [, second, head] = positions;
  assert.ok(second && head);
  const { value: places } = await to.get(keys.readers(mailbox));
  assert.deepEqual(places, {
    quick: { place: placeOf(second), at: NOW },
    slow: { place: "0".repeat(20), at: NOW },
  });
  assert.equal(await acknowledge(to, mailbox, "quick", head, NOW), 0);
  assert.equal(await acknowledge(to, mailbox, "slow", head, NOW), 3);
});

Deno.test("a device that never acknowledged gives way to a new one behind a restore as well", async () => {
  using from = await openStore(":memory:");
  const mailbox = await openMailbox(from);
  for (let n = 0; n < MAX_READERS; n++) {
    await registerReader(from, mailbox, `ghost-${n}`, NOW);
  }
  const { file } = await copyOf(from);
  using to = await openStore(":memory:");
  await restoreInto(to, file);
  await registerReader(to, mailbox, "phone", NOW);
  const readers = (await to.get(keys.readers(mailbox))).value ?? {};
  assert.equal(Object.keys(readers).length, MAX_READERS);
  assert.ok("phone" in readers);
});

Deno.test("a handshake that was used stays used as long as it could be answered", async () => {
  using from = await openStore(":memory:");
  const random: RandomBytes = (length) => new Uint8Array(length);
  const secret = await crypto.subtle.generateKey(
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  ) as CryptoKey;
  const publicKey = new Uint8Array(44);
  const { id, expires } = await makeChallenge(secret, {
    publicKey,
    hashes: 1,
    now: NOW,
    random,
  });
  await completeHandshake(from, { id, expires, publicKey }, NOW);
  const { file } = await copyOf(from);
  for (const [now, isUsed] of [[expires, true], [NOW + HOUR, false]] as const) {
    using to = await openStore(":memory:");
    const { mailboxes } = await restoreInto(to, file, now);
    assert.equal(mailboxes, 1);
    const { value } = await to.get(keys.handshake(id));
    assert.equal(value, isUsed ? true : null);
  }
});

Deno.test("an expired message of which only the tombstone is left is copied so", async () => {
  using from = await openStore(":memory:");
  const mailbox = newMailbox();
  const { id, holdUntil } = await post(from, mailbox, 70_000);
  await sweep(from, { now: () => holdUntil + HOUR });
  const { file, counts } = await copyOf(from, holdUntil + HOUR);
  assert.deepEqual([counts.messages, counts.damaged], [1, 0]);
  using to = await openStore(":memory:");
  await restoreInto(to, file, holdUntil + HOUR);
  await assertWhole(to);
  const listed = await mailIn(to, mailbox, holdUntil + HOUR);
  assert.deepEqual(
    listed.map((message) => [message.id, message.expired, message.body]),
    [[id, true, null]],
  );
});

Deno.test("a message of which a part is missing is left out, and counted", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  const whole = await post(store, mailbox, 70_000);
  const broken = [
    await post(store, mailbox, 70_000),
    await post(store, mailbox, 70_000),
    await post(store, mailbox, 70_000),
  ];
  const [one, two, three] = broken.map(({ object }) => object);
  assert.ok(one && two && three);
  await store.commit((operation) =>
    operation.delete(keys.segment(one, 1)).delete(keys.segment(two, 0))
      .set(keys.segment(three, 1), new Uint8Array(8_560))
  );
  const { file, counts } = await copyOf(store);
  assert.deepEqual([counts.messages, counts.damaged], [1, 3]);
  using to = await openStore(":memory:");
  await restoreInto(to, file);
  assert.deepEqual(
    (await mailIn(to, mailbox)).map(({ id }) => id),
    [whole.id],
  );
  for (const { id } of broken) assert.ok(await findMessage(to, id));
});

Deno.test("a backup of a store in use has no half of anything", async () => {
  using store = await openStore(":memory:");
  const mailboxes = Array.from({ length: 40 }, newMailbox);
  const before = await Promise.all(
    mailboxes.flatMap((mailbox, n) =>
      [100, 70_000, 100].map((size) => post(store, mailbox, size + n))
    ),
  );
  const deleted = new Set<MessageId>();
  let isCopying = true;
  const use = async () => {
    for (let n = 0; isCopying; n++) {
      const mailbox = mailboxes[n % mailboxes.length];
      assert.ok(mailbox);
      await post(store, mailbox, n % 3 === 0 ? 70_000 : 100);
      const old = before[(n * 7) % before.length];
      assert.ok(old);
      deleted.add(old.id); // at about this time
      await deleteMessage(store, old.mailbox, parseCursor(old.cursor), NOW);
    }
  };
  const using = use();
  const { file, counts } = await copyOf(store);
  isCopying = false;
  await using;
  assert.equal(counts.damaged, 0);
  assert.ok(deleted.size > 3, "it was in use");
  using to = await openStore(":memory:");
  await restoreInto(to, file);
  const there = new Set<MessageId>();
  for (const mailbox of mailboxes) {
    const rows = await to.list({ prefix: keys.messages(mailbox) });
    const all = rows.flatMap(({ value }) => decodeRow(value));
    const mail = await mailIn(to, mailbox);
    assert.equal(mail.length, all.length, "each has its body");
    for (const { id } of mail) there.add(id);
  }
  for (const { id } of before) {
    assert.ok(there.has(id) || deleted.has(id), "nothing was missed");
  }
  // A mark promises its sender that the message is stored.
  for (const { key: [, id] } of await to.list({ prefix: ["seen"] })) {
    const isKept = there.has(id as MessageId) || deleted.has(id as MessageId);
    assert.ok(isKept, "no mark without its message");
  }
});

Deno.test("backupStore() goes over the edge of every page, of each kind that it reads by", async (t) => {
  for (const count of [99, 100, 101, 200, 201]) {
    await t.step(`${count} of each`, async () => {
      using store = await openStore(":memory:");
      await Promise.all(
        Array.from({ length: count }, async (_, n) => {
          const mailbox = await openMailbox(store);
          const { message } = await commitMessage(
            store,
            newMessage(mailbox, 10 + n % 2, { workUntil: NOW + HOUR }),
            NOW,
          );
          const start = parseCursor(message.cursor);
          await acknowledge(store, mailbox, "phone", start, NOW);
          await post(store, mailbox);
        }),
      );
      const { file, counts: { bytes, ...counts } } = await copyOf(store);
      assert.equal(bytes, file.length);
      assert.deepEqual(counts, {
        messages: count,
        marks: 2 * count,
        mailboxes: count,
        readers: count,
        damaged: 0,
      });
      using to = await openStore(":memory:");
      await restoreInto(to, file);
      for (const kind of ["message", "seen", "mailbox", "readers"]) {
        const found = await to.list({ prefix: [kind] });
        assert.equal(found.length, kind === "seen" ? 2 * count : count, kind);
      }
    });
  }
});

Deno.test("backupStore() writes one line after another, and fails with whoever takes them", async () => {
  using store = await openStore(":memory:");
  await fill(store);
  let underWay = 0;
  let lines = 0;
  const options = (failing: number) => ({
    now: () => NOW,
    async write() {
      lines += 1;
      assert.equal(underWay, 0, "it is waited for");
      underWay += 1;
      await store.get(keys.store());
      underWay -= 1;
      if (lines === failing) throw new Deno.errors.BrokenPipe("full");
    },
  });
  await backupStore(store, options(Infinity));
  const all = lines;
  for (const failing of [1, 2, all - 1, all]) {
    lines = 0;
    const copying = backupStore(store, options(failing));
    await assert.rejects(copying, Deno.errors.BrokenPipe);
    assert.equal(lines, failing, "and nothing behind");
  }
});

Deno.test("the widest window of work travels with a backup", async () => {
  using from = await openStore(":memory:");
  const window = { ...DEFAULT_WINDOW, back: 12 * HOUR };
  await widenWindow(from, window, NOW);
  const wider = { ...DEFAULT_WINDOW, back: 48 * HOUR };
  const { floor } = await widenWindow(from, wider, NOW);
  assert.equal(floor, NOW - 12 * HOUR);
  const { file } = await copyOf(from);
  using to = await openStore(":memory:");
  await restoreInto(to, file);
  const until = NOW + DEFAULT_WINDOW.ahead + 24 * HOUR;
  assert.deepEqual((await to.check())?.window, {
    back: 48 * HOUR,
    floor,
    former: [{ back: 12 * HOUR, until }],
  });
});

Deno.test("what came by one commit and is extended once it was restored ends when it should", async () => {
  using from = await openStore(":memory:");
  const mailbox = newMailbox();
  const stored = await Promise.all(
    Array.from({ length: 40 }, () => post(from, mailbox)),
  );
  const { file } = await copyOf(from);
  using to = await openStore(":memory:");
  await restoreInto(to, file);
  const rows = await to.list({ prefix: keys.messages(mailbox) });
  assert.ok(rows.length < stored.length, "several came by one commit");
  for (const { id } of stored) {
    const again = await extendMessage(to, id, {
      minBandwidth: 0,
      paid: { by: "work", hashes: 20_000 },
      price: () => ({ hold: 3 * 3_600, paidFor: 3 * 3_600 }),
      workUntil: NOW + HOUR,
    }, NOW);
    assert.equal(again?.extended, true);
  }
  await assertWhole(to);
  await sweep(to, { now: () => NOW + 4 * HOUR });
  await assertWhole(to);
  assert.equal((await mailboxUsage(to, mailbox)).messages, 0);
});

Deno.test("a hold that ended by a clock ahead is copied as ended, and no message is called damaged that is listed no more", async () => {
  using from = await openStore(":memory:");
  const mailbox = newMailbox();
  const { id, holdUntil } = await post(from, mailbox, 70_000);
  const rows = await from.list({
    prefix: keys.segments(objectOf(await findMessage(from, id))),
  });
  assert.equal(rows.length, 2);
  await from.commit((operation) => {
    for (const { key } of rows) operation.delete(key);
  });
  const early = await copyOf(from, holdUntil - MINUTE);
  assert.deepEqual([early.counts.messages, early.counts.damaged], [1, 0]);
  const sooner = await copyOf(from, holdUntil - MINUTE - 1);
  assert.deepEqual([sooner.counts.messages, sooner.counts.damaged], [0, 1]);
  await from.commit((operation) => operation.delete(keys.seen(id)));
  const over = await copyOf(from, holdUntil + TOMBSTONE_MS);
  assert.deepEqual([over.counts.messages, over.counts.damaged], [0, 0]);
  const listed = await copyOf(from, holdUntil + TOMBSTONE_MS - MINUTE - 1);
  assert.deepEqual([listed.counts.messages, listed.counts.damaged], [0, 1]);
});

function objectOf(message: StoredMessage | null) {
  assert.ok(message);
  return message.object;
}
