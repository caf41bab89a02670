/** Rows of the log, and what is counted for what is kept. */
import assert from "node:assert/strict";
import { serialize } from "node:v8";
import fc from "fast-check";
import { commitMessage, findMessage } from "../../../kv/mail/accept.ts";
import { deleteMessage } from "../../../kv/mail/delete.ts";
import { DUE_BYTES } from "../../../kv/mail/due.ts";
import {
  keptBytes,
  MAILBOX_BYTES,
  MARK_BYTES,
  type MessageEntry,
  TOMBSTONE_BYTES,
} from "../../../kv/mail/entry.ts";
import { extendMessage } from "../../../kv/mail/extend.ts";
import { completeHandshake } from "../../../kv/mail/mailboxes.ts";
import { LogRows } from "../../../kv/mail/log.ts";
import {
  decodeRow,
  encodeRow,
  ENTRY_BYTES,
  ROW_BYTES,
} from "../../../kv/mail/row.ts";
import { sweep } from "../../../kv/mail/sweep.ts";
import { Operation } from "../../../kv/store/database.ts";
import { openStore, type Store } from "../../../kv/store/store.ts";
import { parseCursor } from "../../../lib/cursor.ts";
import { messageIdOf, objectHashOf } from "../../../lib/ids.ts";
import { PRIORITIES } from "../../../lib/object.ts";
import { HOUR } from "../../routes/clock.ts";
import { randomBytes } from "../../routes/envelopes.ts";
import { dump } from "../../routes/relay_fixture.ts";
import { HOLD, newMailbox, newMessage, NOW } from "../message_maker.ts";
import { spiedWith } from "../spied_database.ts";

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const common = {
  index: fc.integer({ min: 0, max: 0xffff }),
  id: hash.map((bytes) => messageIdOf(bytes)),
  object: hash.map((bytes) => objectHashOf(bytes)),
  minBandwidth: word,
  priority: fc.constantFrom(...PRIORITIES),
  storedAt: time,
  holdUntil: time,
  workUntil: time,
};
const entry: fc.Arbitrary<MessageEntry> = fc.oneof(
  fc.record({
    ...common,
    size: word,
    place: fc.constantFrom("none" as const, "segments" as const),
    body: fc.constant(null),
  }, { noNullPrototype: true }),
  fc.record({
    ...common,
    place: fc.constant("entry" as const),
    body: fc.uint8Array({ maxLength: 300 }).map((bytes) => bytes.slice()),
  }, { noNullPrototype: true }).map((one) => ({
    ...one,
    size: one.body.length,
  })),
);

Deno.test("decodeRow() gives what encodeRow() was given", () => {
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), (entries) => {
      assert.deepEqual(decodeRow(encodeRow(entries)), entries);
    }),
  );
});

Deno.test("encodeRow() writes the fields in the order that is written down", () => {
  const row = encodeRow([{
    index: 0x0102,
    id: messageIdOf(new Uint8Array(32).fill(0xaa)),
    object: objectHashOf(new Uint8Array(32).fill(0xbb)),
    size: 2,
    minBandwidth: 0x0a0b0c0d,
    priority: PRIORITIES[1] ?? "normal",
    storedAt: 0x010203040506,
    holdUntil: 0x111213141516,
    workUntil: 0x212223242526,
    place: "entry",
    body: new Uint8Array([7, 8]),
  }]);
  const parts = [
    "01",
    "0102",
    "aa".repeat(32),
    "bb".repeat(32),
    "00000002",
    "0a0b0c0d",
    "01",
    "010203040506",
    "111213141516",
    "212223242526",
    "01",
    "0708",
  ];
  assert.equal(row.toHex(), parts.join(""));
});

Deno.test("decodeRow() refuses what is cut short, of another version, or of no known place", () => {
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 4 }), (entries) => {
      const row = encodeRow(entries);
      const ends = new Set([1]);
      for (let n = 1; n <= entries.length; n++) {
        ends.add(encodeRow(entries.slice(0, n)).length);
      }
      for (let length = 0; length < row.length; length++) {
        if (ends.has(length)) continue; // another row, of fewer
        assert.throws(() => decodeRow(row.slice(0, length)), RangeError);
      }
      const changes = [[0, 0], [0, 2], [75, PRIORITIES.length], [94, 3]];
      for (const [at = 0, value = 0] of changes) {
        const bad = row.slice();
        bad[at] = value;
        assert.throws(() => decodeRow(bad), RangeError, `byte ${at}`);
      }
    }),
    { numRuns: 20 },
  );
});

Deno.test("a row of as many messages as can come together is within a KV value", async () => {
  using spied = await spiedWith();
  for (const size of [1, 257, 4_096, 5_000]) {
    const rows = new LogRows();
    const mailbox = newMailbox();
    for (let n = 0; n < 128; n++) {
      const { id, body, minBandwidth, priority } = newMessage(mailbox, size);
      const object = objectHashOf(randomBytes(32));
      const times = { storedAt: NOW, holdUntil: NOW, workUntil: NOW };
      const facts = { id, object, size, minBandwidth, priority, ...times };
      const { index } = rows.add(mailbox, { ...facts, body });
      assert.equal(index, n);
    }
    const operation = new Operation();
    rows.finish(operation);
    const [row] = operation.mutations;
    assert.ok(row?.kind === "set" && row.value instanceof Uint8Array);
    assert.ok(row.value.length <= ROW_BYTES, `${row.value.length}`);
    const entries = decodeRow(row.value.slice());
    assert.equal(entries.length, 128);
    const inline = entries.filter(({ place }) => place === "entry").length;
    const room = ROW_BYTES - 1 - 128 * ENTRY_BYTES;
    const fit = size > 4_096 ? 0 : Math.min(128, Math.floor(room / size));
    assert.equal(inline, fit);
    await spied.store.commit((commit) => commit.set(["row"], row.value));
  }
});

/** Kinds that stay whatever is stored, or go by themselves. */
const PASSING = [
  "store",
  "usage",
  "relay-usage",
  "doorbell",
  "ring",
  "handshake",
];

/**
 * Bytes that a store takes for mail and mailboxes: keys and values as KV has
 * them. Of what falls due at its time anyway, if that is left out, only the rest.
 */
async function taken(store: Store, isLeftOut = ""): Promise<number> {
  const entries = await dump(store);
  return entries.reduce((sum, { key, value }) => {
    const [kind, , dueKind] = key;
    if (PASSING.includes(String(kind)) || dueKind === isLeftOut) return sum;
    const parts = key.map((part) =>
      typeof part === "string" ? part.length + 2 : 12
    );
    // SQLite keeps a versionstamp and a few lengths with each.
    const own = parts.reduce((all, one) => all + one, 0) + 24;
    return sum + own + serialize(value).length;
  }, 0);
}

const SIZES = [0, 1, 4_096, 4_097, 61_441, 108_134, 327_687];

Deno.test("what is counted is at least what is really kept, of every size and at every stage", async (t) => {
  for (const size of SIZES) {
    for (const isExtended of [false, true]) {
      await t.step(`${size} bytes, extended: ${isExtended}`, async () => {
        using store = await openStore(":memory:", () => NOW);
        const none = await taken(store);
        const mailbox = newMailbox();
        const workUntil = NOW + 999 * HOUR;
        const changes = { workUntil, root: "0".repeat(64) };
        const message = newMessage(mailbox, size, changes);
        await commitMessage(store, message, NOW);
        if (isExtended) {
          await extendMessage(store, message.id, {
            minBandwidth: 0,
            paid: { by: "work", hashes: 20_000 },
            price: () => ({ hold: 2 * HOLD, paidFor: 2 * HOLD }),
            workUntil,
          }, NOW);
        }
        const held = await taken(store) - none;
        assert.ok(held <= keptBytes(size), `${held} of ${keptBytes(size)}`);
        assert.ok(keptBytes(size) <= 1.1 * held + 700, "and not much more");
        await sweep(store, { now: () => NOW + 2_000 * HOLD + HOUR });
        const expired = await taken(store) - none;
        assert.ok(expired <= TOMBSTONE_BYTES, `${expired} when expired`);
        assert.ok(TOMBSTONE_BYTES <= 1.3 * expired, "and not much more");
        const { cursor } = await findMessage(store, message.id) ?? {};
        await deleteMessage(store, mailbox, parseCursor(cursor ?? ""), NOW);
        // The tombstone's item of the due index goes in seven days.
        const marked = await taken(store, "tombstone") - none;
        assert.ok(marked <= MARK_BYTES, `${marked} when deleted`);
        assert.ok(MARK_BYTES <= 1.7 * marked, "and not much more");
      });
    }
  }
});

Deno.test("an open mailbox takes no more than is counted for it", async () => {
  using store = await openStore(":memory:", () => NOW);
  const publicKey = randomBytes(550); // RSA of 4,096 bits
  const none = await taken(store);
  await completeHandshake(store, { id: "x", expires: NOW, publicKey }, NOW);
  const opened = await taken(store) - none;
  assert.ok(opened <= MAILBOX_BYTES, `${opened}`);
});

Deno.test("an item of the due index takes no more bytes than it is said to", () => {
  const item = {
    mailbox: newMailbox(),
    id: newMessage(newMailbox()).id,
    object: objectHashOf(randomBytes(32)),
    size: 327_687,
    stamp: "0".repeat(20),
    index: 0xffff,
  };
  const [one, two] = [[item], [item, { ...item, mailbox: newMailbox() }]]
    .map((items) => serialize(items).length);
  assert.ok((two ?? 0) - (one ?? 0) <= DUE_BYTES);
  const many = Array.from({ length: 150 }, () => ({
    ...item,
    mailbox: newMailbox(),
    id: newMessage(newMailbox()).id,
    object: objectHashOf(randomBytes(32)),
  }));
  assert.ok(serialize(many).length < 65_536, "150 of them are within a value");
});
