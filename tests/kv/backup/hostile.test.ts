/** Backups that are hashed rightly and are no backups: nothing is written of them. */
import assert from "node:assert/strict";
import { BackupWriter } from "../../../kv/backup/file.ts";
import {
  BackupError,
  type BackupHeader,
  type BackupRecord,
} from "../../../kv/backup/records.ts";
import { checkBackup, restoreStore } from "../../../kv/backup/restore.ts";
import { KINDS } from "../../../kv/kinds.ts";
import { openStore } from "../../../kv/store/store.ts";
import { blake3_256 } from "../../../lib/hash.ts";
import { mailboxIdOf, objectHashOf } from "../../../lib/ids.ts";
import { DAY, HOUR, MINUTE } from "../../routes/clock.ts";
import { randomBytes } from "../../routes/envelopes.ts";
import { dump } from "../../routes/relay_fixture.ts";
import { NOW } from "../message_maker.ts";
import { check, linesIn, options, restoreInto } from "./backup_copy.ts";

const EPOCH = "0123456789ab";
const publicKey = randomBytes(44);
const mailbox = mailboxIdOf(publicKey);

/** A file with these records, hashed as it should be. */
async function fileOf(
  records: readonly unknown[],
  header: Partial<BackupHeader> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const writer = new BackupWriter((bytes) => {
    parts.push(bytes);
    return Promise.resolve();
  });
  await writer.begin({ epoch: EPOCH, madeAt: NOW, ...header });
  for (const record of records) await writer.add(record as BackupRecord);
  await writer.end();
  return await new Blob(parts).bytes();
}

let places = 0;

/** A message as a backup has it, but for the changes. */
function message(
  { facts = {}, ...changes }: Record<string, unknown> & {
    readonly facts?: Record<string, unknown>;
  } = {},
) {
  const body = (changes.body ?? randomBytes(100)) as Uint8Array<ArrayBuffer>;
  const place = (++places).toString(16).padStart(20, "0");
  return {
    kind: "message",
    place,
    id: randomBytes(32).toHex(),
    minBandwidth: 0,
    priority: "normal",
    facts: {
      mailbox,
      object: objectHashOf(blake3_256(body)),
      size: body.length,
      storedAt: NOW,
      holdUntil: NOW + HOUR,
      paid: { by: "work", hashes: 10_000 },
      workUntil: NOW + DAY,
      cursor: `${EPOCH}-${place}`,
      ...facts,
    },
    body,
    ...changes,
  };
}

const entry = (key: readonly unknown[], value: unknown) => ({
  kind: "entry",
  key,
  value,
});
const owner = (changes: Record<string, unknown> = {}) =>
  entry(["mailbox", mailbox], { publicKey, createdAt: NOW, ...changes });
const mark = (facts: Record<string, unknown>) => ({
  kind: "mark",
  id: randomBytes(32).toHex(),
  facts: { ...message().facts, ...facts },
});
const reader = (name: string, of: string = mailbox) => ({
  kind: "reader",
  mailbox: of,
  reader: name,
  position: "0".repeat(20),
});
const handshake = (ends: number) =>
  entry(
    ["handshake", ends.toString(16).padStart(12, "0") + "ab".repeat(28)],
    true,
  );

/** What is restored, for the table below is of what differs from it. */
const GOOD: readonly unknown[] = [
  mark({}),
  reader("phone"),
  reader("tablet"),
  message(),
  message(),
  entry(["relay", "keys"], { signing: randomBytes(48) }),
  owner({ usedAt: NOW, quota: { bytes: 1, messages: 1 }, revokedAt: NOW }),
  handshake(NOW + 5 * MINUTE),
];

Deno.test("a backup of every kind of record is restored", async () => {
  using store = await openStore(":memory:");
  const restored = await restoreInto(store, await fileOf(GOOD));
  assert.partialDeepStrictEqual(restored, {
    messages: 2,
    marks: 1,
    mailboxes: 1,
    readers: 2,
  });
});

const twice = message();
const late = message();
const [first, second] = [message(), message()];
const other = randomBytes(100);

/** Attacks by what they would do; each is the only thing that is wrong. */
const ATTACKS: Readonly<Record<string, readonly unknown[]>> = {
  "a kind of record that nobody knows": [{ kind: "later", key: ["x"] }],
  "a kind of entry that nobody knows": [entry(["later", "x"], 1)],
  "a kind of entry that every object has": [
    entry(["constructor", "keys"], { signing: randomBytes(48) }),
  ],
  ...Object.fromEntries(
    Object.entries(KINDS).filter(([, { backup }]) => backup !== "copied").map((
      [kind],
    ) => [`an entry of kind ${kind}`, [entry([kind, mailbox], true)]]),
  ),
  "the store's record as an entry": [entry(["store"], { epoch: EPOCH })],
  "an entry with a longer key": [
    entry(["mailbox", mailbox, "x"], { publicKey, createdAt: NOW }),
  ],
  "an entry with a number in its key": [entry(["relay", 1], {})],
  "another entry beside the relay's keys": [entry(["relay", "other"], {})],
  "keys of the relay that are text": [
    entry(["relay", "keys"], { signing: "key" }),
  ],
  "a mailbox whose key is another's": [
    entry(["mailbox", mailbox], {
      publicKey: randomBytes(44),
      createdAt: NOW,
    }),
  ],
  "a mailbox without a key": [entry(["mailbox", mailbox], { createdAt: NOW })],
  "a mailbox of no time": [owner({ createdAt: -1 })],
  "a mailbox with a quota that is no number": [
    owner({ quota: { bytes: "all", messages: 1 } }),
  ],
  "a mailbox that is too large for a store": [
    owner({ note: "x".repeat(70_000) }),
  ],
  "a mailbox of numbers that take more than their text": [
    owner({ note: new Array(9_000).fill(0.5) }),
  ],
  "a mailbox twice": [owner(), owner()],
  "a handshake without an end": [
    entry(["handshake", "f".repeat(68)], true),
  ],
  "a handshake that ends in a week": [handshake(NOW + 7 * DAY)],
  "a handshake with an endless id": [
    entry(["handshake", "0".repeat(5_000)], true),
  ],
  "a handshake that is not just set": [
    entry(["handshake", "0".repeat(68)], { x: 1 }),
  ],
  "a body with another hash": [
    message({ facts: { object: objectHashOf(blake3_256(other)) } }),
  ],
  "a body of another size": [message({ facts: { size: 99 } })],
  "a body with one byte more": [message({ facts: { size: 101 } })],
  "a body of no bytes": [message({ body: new Uint8Array() })],
  "a body that is larger than any envelope": [
    message({ body: new Uint8Array(400_000) }),
  ],
  "a size that no envelope has": [
    message({
      body: null,
      facts: { size: 2 ** 40, holdUntil: NOW },
    }),
  ],
  "a message that is held and has no body": [
    message({ body: null, facts: { holdUntil: NOW + 2 * DAY } }),
  ],
  "a message twice": [twice, { ...late, id: twice.id }],
  "an object twice": [
    first,
    {
      ...second,
      body: first.body,
      facts: { ...second.facts, object: first.facts.object },
    },
  ],
  "places out of order": [second, first],
  "a place twice": [first, { ...message(), place: first.place }],
  "an index where there is none": [
    message({ place: `${"0".repeat(20)}-0000` }),
  ],
  "a message of another kind of id": [message({ id: "x" })],
  "a priority that there is not": [message({ priority: "highest" })],
  "a bandwidth above every link": [message({ minBandwidth: 2 ** 32 })],
  "a bandwidth below nothing": [message({ minBandwidth: -1 })],
  "a mailbox that is no hash": [message({ facts: { mailbox: "x" } })],
  "a cursor that is none": [message({ facts: { cursor: "x" } })],
  "a root that is none": [message({ facts: { root: "x" } })],
  "mail of days to come": [
    message({
      facts: { storedAt: NOW + 2 * DAY, holdUntil: NOW + 3 * DAY },
    }),
  ],
  "mail held for ever": [
    message({ facts: { holdUntil: NOW + 11 * 365 * DAY } }),
  ],
  "mail paid for, for ever": [message({ facts: { paidFor: 2 ** 32 } })],
  "a mark paid for, for ever": [mark({ paidFor: 1e300 })],
  "mail held for less than no time": [
    message({ facts: { holdUntil: NOW - 1 } }),
  ],
  "a time that no log can hold": [
    message({ facts: { storedAt: 2 ** 48, holdUntil: 2 ** 48 } }),
  ],
  "a time between two milliseconds": [
    message({ facts: { storedAt: NOW + 0.5 } }),
  ],
  "work that cannot be counted": [
    message({ facts: { paid: { by: "work", hashes: NaN } } }),
  ],
  "work of less than nothing": [
    message({ facts: { paid: { by: "work", hashes: -1 } } }),
  ],
  "paid for by nothing known": [
    message({ facts: { paid: { by: "grace", hashes: 1 } } }),
  ],
  "a mark that is held for ever": [
    mark({ holdUntil: NOW + 11 * 365 * DAY }),
  ],
  "a mark of days to come": [
    mark({ storedAt: NOW + 2 * DAY, holdUntil: NOW + 2 * DAY }),
  ],
  "a mark that stands beyond all time": [mark({ workUntil: Infinity })],
  "a reader twice": [reader("phone"), reader("phone")],
  "readers without number": Array.from(
    { length: 300 },
    (_, n) => reader(`reader-${n}`),
  ),
  "a mailbox's readers in two places": [
    reader("phone", "b".repeat(64)),
    reader("phone", "a".repeat(64)),
  ],
  "a reader with a name of its own kind": [reader("a b")],
  "a reader with an endless name": [reader("x".repeat(65))],
};

for (const [name, records] of Object.entries(ATTACKS)) {
  Deno.test(`hashed rightly, ${name} is refused before anything is written`, async () => {
    const file = await fileOf([...records]);
    await assert.rejects(check(file), isDamaged);
    // And if it is exchanged once it was checked, it stops before this record.
    using store = await openStore(":memory:");
    const before = (await dump(store)).length;
    const checked = { ...options(file, NOW), header: HEADER };
    await assert.rejects(restoreStore(store, checked), isDamaged);
    const held = (await dump(store)).filter(({ key }) =>
      key[0] === "later" || key[0] === "constructor"
    );
    assert.deepEqual([before, held], [1, []]);
  });
}

const HEADER: BackupHeader = {
  format: "restante-backup",
  version: 2,
  epoch: EPOCH,
  madeAt: NOW,
};

Deno.test("a backup with a record behind its end, or another count of them, is refused", async () => {
  const lines = linesIn(await fileOf(GOOD));
  const bytes = (all: readonly string[]) =>
    new TextEncoder().encode(all.map((line) => `${line}\n`).join(""));
  await check(bytes(lines));
  const behind = bytes([...lines, JSON.stringify(reader("late"))]);
  await assert.rejects(check(behind), isDamaged);
  const counted = bytes(
    lines.map((line) => line.replace('"records":8', '"records":7')),
  );
  await assert.rejects(check(counted), isDamaged);
});

Deno.test("hashed rightly, text that is no UTF-8 is refused, and not read as something else", async () => {
  const file = await fileOf([owner({ note: "@" })]);
  await check(file);
  file[file.indexOf(0x40)] = 0xff;
  const end = file.lastIndexOf(0x0a, file.length - 2) + 1;
  const last = JSON.stringify({
    end: { records: 1, blake3: blake3_256(file.slice(0, end)).toHex() },
  });
  const tail = new TextEncoder().encode(`${last}\n`);
  const altered = new Uint8Array([...file.subarray(0, end), ...tail]);
  await assert.rejects(check(altered), isDamaged);
  // It is that byte alone: as it was before, this end is as good.
  altered[file.indexOf(0xff)] = 0x40;
  const whole = altered.slice(0, end);
  const right = JSON.stringify({
    end: { records: 1, blake3: blake3_256(whole).toHex() },
  });
  await check(
    new Uint8Array([...whole, ...new TextEncoder().encode(`${right}\n`)]),
  );
});

Deno.test("a line without an end is refused once it is longer than any, and read no further", async () => {
  const piece = new Uint8Array(2 ** 16).fill(0x20);
  let read = 0;
  const endless = {
    ...options(piece, NOW),
    async *read() {
      for (;; read += piece.length) {
        assert.ok(read < 8 * 2 ** 20, "it is read on");
        yield await Promise.resolve(piece);
      }
    },
  };
  await assert.rejects(checkBackup(endless), isDamaged);
});

Deno.test("of two restores into one store at once, one is told that it is not empty", async () => {
  using store = await openStore(":memory:");
  const file = await fileOf(GOOD);
  const ends = await Promise.allSettled([
    restoreInto(store, file),
    restoreInto(store, file),
  ]);
  const [refused, ...others] = ends.filter(({ status }) =>
    status === "rejected"
  );
  assert.ok(refused?.status === "rejected" && others.length === 0);
  assert.equal(refused.reason.code, "store-not-empty");
});

const HEADERS: Readonly<Record<string, Partial<BackupHeader>>> = {
  "made in days to come": { madeAt: NOW + 2 * DAY },
  "made before all time": { madeAt: -1 },
  "of an epoch that is none": { epoch: "epoch" },
  "of a window that begins later": {
    window: { back: DAY, floor: NOW + 2 * DAY },
  },
  "of a window that is widened in days to come": {
    window: {
      back: DAY,
      floor: 0,
      former: [{ back: 1, until: NOW + 3 * DAY }],
    },
  },
  "of more windows than anybody widened": {
    window: {
      back: DAY,
      floor: 0,
      former: new Array(101).fill({ back: 1, until: NOW }),
    },
  },
  "of a window beyond all time": { window: { back: 2 ** 48, floor: 0 } },
};

Deno.test("a backup of as many windows as may be, to the end of what may be, is good", async () => {
  const madeAt = NOW + DAY;
  const former = new Array(100).fill({ back: 1, until: madeAt + 2 * DAY });
  const window = { back: DAY, floor: madeAt + DAY, former };
  await check(await fileOf(GOOD, { window, madeAt }));
});

for (const [name, header] of Object.entries(HEADERS)) {
  Deno.test(`hashed rightly, a backup ${name} is refused`, async () => {
    await assert.rejects(check(await fileOf(GOOD, header)), isDamaged);
    await assert.rejects(check(await fileOf([], header)), isDamaged);
  });
}

function isDamaged(error: unknown): boolean {
  return error instanceof BackupError && error.code === "backup-damaged";
}
