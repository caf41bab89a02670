/** The key space, and that the store holds nothing outside it. */
import assert from "node:assert/strict";
import { DOORBELL_SHARDS, keys, shardOf } from "../../kv/kinds.ts";
import { acknowledge, completeHandshake } from "../../kv/mail/mailboxes.ts";
import { keepTicket } from "../../kv/mail/tickets.ts";
import { commitMessage } from "../../kv/mail/accept.ts";
import { loadRelayKeys } from "../../kv/relay_keys.ts";
import { openStore } from "../../kv/store/store.ts";
import { parseCursor } from "../../lib/cursor.ts";
import {
  type MailboxId,
  mailboxIdOf,
  messageIdOf,
  objectHashOf,
} from "../../lib/ids.ts";
import { randomBytes } from "../routes/envelopes.ts";
import { dump } from "../routes/relay_fixture.ts";
import { newMailbox, newMessage, NOW } from "./message_maker.ts";

const mailbox = "a".repeat(64) as MailboxId;
const id = messageIdOf(new Uint8Array(32).fill(0xbb));
const object = objectHashOf(new Uint8Array(32).fill(0xcc));

/** Every builder with what it builds. */
const BUILT: { [Name in keyof typeof keys]: [Deno.KvKey, Deno.KvKey] } = {
  store: [keys.store(), ["store"]],
  relayKeys: [keys.relayKeys(), ["relay", "keys"]],
  messages: [keys.messages(mailbox), ["message", mailbox]],
  message: [keys.message(mailbox, "0f"), ["message", mailbox, "0f"]],
  seen: [keys.seen(id), ["seen", id]],
  object: [keys.object(object), ["object", object]],
  segments: [keys.segments(object), ["segment", object]],
  segment: [keys.segment(object, 3), ["segment", object, 3]],
  mailbox: [keys.mailbox(mailbox), ["mailbox", mailbox]],
  readers: [keys.readers(mailbox), ["reader", mailbox]],
  reader: [keys.reader(mailbox, "phone"), ["reader", mailbox, "phone"]],
  doorbell: [keys.doorbell(7), ["doorbell", 7]],
  rings: [keys.rings(7), ["ring", 7]],
  ring: [keys.ring(7, "0f"), ["ring", 7, "0f"]],
  everyUsage: [keys.everyUsage(), ["usage"]],
  usages: [keys.usages(mailbox), ["usage", mailbox]],
  usage: [keys.usage(mailbox, 5), ["usage", mailbox, 5]],
  relayUsages: [keys.relayUsages(), ["relay-usage"]],
  relayUsage: [keys.relayUsage(7, 5), ["relay-usage", 7, 5]],
  trial: [keys.trial("a", 1), ["trial", "a", 1]],
  handshake: [keys.handshake("x"), ["handshake", "x"]],
  tickets: [keys.tickets(mailbox), ["ticket", mailbox]],
  ticket: [keys.ticket(mailbox, 3), ["ticket", mailbox, 3]],
};

Deno.test("keys are built as the table in kv/kinds.ts says", async (t) => {
  const source = await Deno.readTextFile(
    new URL("../../kv/kinds.ts", import.meta.url),
  );
  const rows = [...source.matchAll(/^ \* \| `([^`]+)`/gm)].map(([, row = ""]) =>
    row.split(",").map((part) => part.trim())
  );
  for (const [name, [built, expected]] of Object.entries(BUILT)) {
    await t.step(name, () => {
      assert.deepEqual(built, expected);
      const row = rows.find(([kind]) => kind === built[0]);
      assert.ok(row, `${String(built[0])} is in the table`);
      assert.ok(built.length <= row.length);
      for (const [i, part] of row.entries()) {
        if (i < built.length && !part.startsWith("<")) {
          assert.equal(built[i], part);
        }
      }
    });
  }
  assert.deepEqual(Object.keys(BUILT).toSorted(), Object.keys(keys).toSorted());
  const kinds = new Set(rows.map(([kind]) => kind));
  assert.deepEqual(
    kinds,
    new Set(Object.values(BUILT).map(([[kind]]) => kind)),
  );
});

Deno.test("every mailbox has a doorbell, and all the doorbells are used", () => {
  const shards = new Set<unknown>();
  for (let i = 0; i < 3_000; i++) {
    shards.add(shardOf(newMailbox()));
  }
  for (const digit of ["0", "f"]) {
    shards.add(shardOf(digit.repeat(64) as MailboxId));
  }
  assert.deepEqual(
    shards,
    new Set(Array.from({ length: DOORBELL_SHARDS }, (_, shard) => shard)),
  );
});

Deno.test("a store in use holds keys of the table alone", async () => {
  using store = await openStore(":memory:", () => NOW);
  await loadRelayKeys(store);
  const publicKey = randomBytes(44);
  const handshake = { id: "x", expires: NOW + 1, publicKey };
  await completeHandshake(store, handshake, NOW);
  const own = mailboxIdOf(publicKey);
  await commitMessage(store, newMessage(own, 100), NOW);
  const { message } = await commitMessage(
    store,
    newMessage(own, 70_000),
    NOW,
  );
  const before = (await dump(store)).map(({ key: [kind] }) => kind);
  await acknowledge(store, own, "phone", parseCursor(message.cursor));
  const ticket = { hash: "", ends: NOW + 1, tokenEnds: NOW + 1, jkt: null };
  await keepTicket(store, own, ticket, NOW);
  const after = (await dump(store)).map(({ key: [kind] }) => kind);
  assert.deepEqual(
    new Set([...before, ...after]),
    // What was tried at start is gone by now.
    new Set(Object.values(BUILT).map(([[kind]]) => kind))
      .difference(new Set<Deno.KvKeyPart | undefined>(["trial"])),
  );
});
