/** A backup of the format's first version, made by the program that wrote those. */
import assert from "node:assert/strict";
import { keys } from "../../../kv/kinds.ts";
import { findMessage } from "../../../kv/mail/accept.ts";
import { readAfter } from "../../../kv/mail/read.ts";
import { mailboxUsage } from "../../../kv/mail/usage.ts";
import { openStore } from "../../../kv/store/store.ts";
import type { MailboxId, MessageId } from "../../../lib/ids.ts";
import { DAY } from "../../routes/clock.ts";
import { NOW } from "../message_maker.ts";
import { assertWhole } from "../recount.ts";
import { linesIn, restoreInto } from "./backup_copy.ts";

const FILE = await Deno.readFile(
  new URL("./version_1.backup", import.meta.url),
);
/** When its message of an hour has expired, and the others not. */
const LATER = NOW + DAY / 2;

Deno.test("a backup of version 1 is restored: mail, marks, readers, keys and counts", async () => {
  const records = linesIn(FILE).slice(1, -1).map((line) => JSON.parse(line));
  const marks = records.filter(({ kind }) => kind === "mark");
  const listed = records.filter(({ kind }) => kind === "message");
  const mailbox: MailboxId = listed[0].mailbox;
  using store = await openStore(":memory:");
  const { epoch, ...counts } = await restoreInto(store, FILE, LATER);
  assert.deepEqual(counts, {
    messages: 3,
    marks: 1,
    mailboxes: 1,
    readers: 2,
    expired: 0,
    madeAt: NOW,
  });
  await assertWhole(store);
  const { messages } = await readAfter(store, {
    mailbox,
    after: null,
    now: LATER,
    limit: 10,
    bandwidth: Infinity,
  });
  assert.deepEqual(
    messages.map(({ id, size, minBandwidth, priority, expired, body }) => [
      id,
      size,
      minBandwidth,
      priority,
      expired,
      body?.length,
    ]),
    [
      [listed[0].entry.id, 100, 0, "normal", false, 100],
      [listed[1].entry.id, 4_097, 9_000, "critical", false, 4_097],
      [listed[2].entry.id, 200, 0, "normal", true, undefined],
    ],
  );
  for (const { id, facts } of marks) {
    const found = await findMessage(store, id as MessageId);
    const { cursor, object, storedAt, holdUntil, paid } = facts;
    assert.partialDeepStrictEqual(found, {
      cursor, // as its receipt has it
      object,
      storedAt,
      holdUntil,
      paid,
    });
  }
  const [, second] = messages;
  const { value: readers } = await store.get(keys.readers(mailbox));
  assert.deepEqual(readers, {
    phone: { place: "0".repeat(20), at: LATER },
    tablet: { place: second?.cursor.slice(epoch.length + 1), at: LATER },
  });
  assert.equal((await store.get(keys.relayKeys())).value?.signing?.length, 48);
  assert.equal((await mailboxUsage(store, mailbox)).messages, 2);
});
