/** Mailboxes, used handshakes, and what readers have. */
import assert from "node:assert/strict";
import { keys } from "../../../kv/kinds.ts";
import { completeHandshake, findMailbox } from "../../../kv/mail/mailboxes.ts";
import { acknowledge } from "../../../kv/mail/readers.ts";
import { MAILBOX_BYTES } from "../../../kv/mail/entry.ts";
import { commitMessage } from "../../../kv/mail/accept.ts";
import { openStore } from "../../../kv/store/store.ts";
import { parseCursor, START_VERSIONSTAMP } from "../../../lib/cursor.ts";
import { mailboxIdOf } from "../../../lib/ids.ts";
import { Problem } from "../../../lib/problem.ts";
import { randomBytes } from "../../routes/envelopes.ts";
import { dump } from "../../routes/relay_fixture.ts";
import { assertWhole } from "../recount.ts";
import { newMailbox, newMessage, NOW } from "../message_maker.ts";

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
  const mailbox = newMailbox();
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
