/** The key space, and that the store holds nothing outside it. */
import { revokeTokens } from "../../kv/mail/admin.ts";
import assert from "node:assert/strict";
import { keys, type KindName, KINDS, shardOf, SHARDS } from "../../kv/kinds.ts";
import { commitMessage } from "../../kv/mail/accept.ts";
import { deleteMessage } from "../../kv/mail/delete.ts";
import { extendMessage } from "../../kv/mail/extend.ts";
import {
  closeMailbox,
  completeHandshake,
  UNUSED_MS,
} from "../../kv/mail/mailboxes.ts";
import { acknowledge } from "../../kv/mail/readers.ts";
import { TOMBSTONE_MS } from "../../kv/mail/entry.ts";
import { keepTicket } from "../../kv/mail/tickets.ts";
import { sweep } from "../../kv/mail/sweep.ts";
import { widenWindow } from "../../kv/mail/window.ts";
import { loadRelayKeys } from "../../kv/relay_keys.ts";
import { type Mutation, type NewKey, STAMP } from "../../kv/store/database.ts";
import { parseCursor } from "../../lib/cursor.ts";
import {
  type MailboxId,
  mailboxIdOf,
  messageIdOf,
  objectHashOf,
} from "../../lib/ids.ts";
import { DEFAULT_WINDOW } from "../../lib/work/check.ts";
import { HOUR } from "../routes/clock.ts";
import { randomBytes } from "../routes/envelopes.ts";
import { HOLD, newMailbox, newMessage, NOW } from "./message_maker.ts";
import { openSpied } from "./spied_database.ts";

const mailbox = "a".repeat(64) as MailboxId;
const id = messageIdOf(new Uint8Array(32).fill(0xbb));
const object = objectHashOf(new Uint8Array(32).fill(0xcc));

/** Every builder with what it builds. */
const BUILT: { [Name in keyof typeof keys]: [NewKey, NewKey] } = {
  store: [keys.store(), ["store"]],
  relayKeys: [keys.relayKeys(), ["relay", "keys"]],
  everyMessage: [keys.everyMessage(), ["message"]],
  messages: [keys.messages(mailbox), ["message", mailbox]],
  message: [keys.message(mailbox, "0f"), ["message", mailbox, "0f"]],
  newMessage: [keys.newMessage(mailbox), ["message", mailbox, STAMP]],
  seens: [keys.seens(), ["seen"]],
  seen: [keys.seen(id), ["seen", id]],
  object: [keys.object(object), ["object", object]],
  segments: [keys.segments(object), ["segment", object]],
  segment: [keys.segment(object, 3), ["segment", object, 3]],
  mailboxes: [keys.mailboxes(), ["mailbox"]],
  revocation: [keys.revocation(), ["revocation"]],
  mailbox: [keys.mailbox(mailbox), ["mailbox", mailbox]],
  readers: [keys.readers(mailbox), ["readers", mailbox]],
  usages: [keys.usages(), ["usage"]],
  usage: [keys.usage(mailbox), ["usage", mailbox]],
  relayUsage: [keys.relayUsage(7), ["relay-usage", 7]],
  dues: [keys.dues(), ["due"]],
  duesFrom: [keys.duesFrom(5), ["due", 5]],
  newDue: [keys.newDue(5, "hold", 2), ["due", 5, "hold", 2, STAMP]],
  lease: [keys.lease("sweep"), ["lease", "sweep"]],
  doorbell: [keys.doorbell(7), ["doorbell", 7]],
  rings: [keys.rings(7), ["ring", 7]],
  ring: [keys.ring(7, "0f"), ["ring", 7, "0f"]],
  newRing: [keys.newRing(7), ["ring", 7, STAMP]],
  handshake: [keys.handshake("x"), ["handshake", "x"]],
  tickets: [keys.tickets(mailbox), ["ticket", mailbox]],
  ticket: [keys.ticket(mailbox, 3), ["ticket", mailbox, 3]],
  trial: [keys.trial("a", 1), ["trial", "a", 1]],
  newTrial: [keys.newTrial("a", "b"), ["trial", "a", "b", STAMP]],
};

/** The parts of a kind's keys, by the table. */
function partsOf(kind: KindName): string[] {
  const { key } = KINDS[kind];
  return [kind, ...key.split(",").map((part) => part.trim()).filter(Boolean)];
}

Deno.test("keys are built as the table of kinds says", async (t) => {
  for (const [name, [built, expected]] of Object.entries(BUILT)) {
    await t.step(name, () => {
      assert.deepEqual(built, expected);
      const kind = built[0] as KindName;
      assert.ok(Object.hasOwn(KINDS, kind), `${kind} is in the table`);
      const parts = partsOf(kind);
      assert.ok(built.length <= parts.length);
      for (const [i, part] of parts.entries()) {
        if (i < built.length && !part.startsWith("<")) {
          assert.equal(built[i], part);
        }
      }
    });
  }
  assert.deepEqual(Object.keys(BUILT).toSorted(), Object.keys(keys).toSorted());
  const kinds = new Set(Object.values(BUILT).map(([[kind]]) => kind));
  assert.deepEqual([...kinds].toSorted(), Object.keys(KINDS).toSorted());
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
    new Set(Array.from({ length: SHARDS }, (_, shard) => shard)),
  );
});

/** One thing that is written, as far as its rules go. */
type Written = Extract<Mutation, { kind: "set" }>;

/** Uses a store in every way there is; gives all that was ever written to it. */
async function useStore(): Promise<Written[]> {
  using spied = await openSpied(":memory:", { now: () => NOW });
  const { store, spy } = spied;
  await loadRelayKeys(store);
  await widenWindow(store, DEFAULT_WINDOW, NOW);
  const publicKey = randomBytes(44);
  const expires = NOW + 5_000;
  await completeHandshake(store, { id: "x", expires, publicKey }, NOW);
  await completeHandshake(store, { id: "y", expires: 0, publicKey }, NOW);
  const unused = { id: "z", expires, publicKey: randomBytes(44) };
  await completeHandshake(store, unused, NOW);
  const own = mailboxIdOf(publicKey);
  const workUntil = NOW + 50 * HOUR;
  const stored = [];
  for (const size of [100, 70_000, 5_000]) {
    const message = newMessage(own, size, { workUntil });
    stored.push((await commitMessage(store, message, NOW)).message);
  }
  const [first, second, third] = stored;
  assert.ok(first && second && third);
  await extendMessage(store, third.id, {
    minBandwidth: 0,
    paid: { by: "work", hashes: 20_000 },
    price: () => ({ hold: 3 * HOLD, paidFor: 3 * HOLD }),
    workUntil,
  }, NOW);
  await deleteMessage(store, own, parseCursor(first.cursor), NOW);
  const tokenEnds = NOW + 1;
  const ticket = { hash: "", ends: NOW + 7, tokenId: "", tokenEnds, jkt: null };
  await keepTicket(store, own, ticket, NOW);
  await acknowledge(store, own, "phone", parseCursor(second.cursor), NOW);
  await sweep(store, { now: () => NOW + 9 * HOUR });
  await revokeTokens(store, own, NOW);
  await closeMailbox(store, own, NOW);
  return spy.done.flatMap(({ mutations }) =>
    mutations.flatMap((one) => one.kind === "set" ? [one] : [])
  );
}

Deno.test("a store in use holds keys of the table alone, and every kind of it", async () => {
  const written = await useStore();
  const kinds = new Set(written.map(({ key: [kind] }) => String(kind)));
  // Sums are not set.
  const expected = Object.keys(KINDS).filter((kind) => kind !== "relay-usage");
  assert.deepEqual([...kinds].toSorted(), expected.toSorted());
  for (const { key } of written) {
    assert.equal(
      key.length,
      partsOf(key[0] as KindName).length,
      String(key[0]),
    );
  }
});

/** Milliseconds after which what is written of a kind may be dropped. */
const EXPIRING: Readonly<Record<string, readonly number[]>> = {
  ring: [10 * 60_000],
  // A minute for clocks that differ, behind the end of its challenge.
  ticket: [60_007],
  handshake: [65_000, 60_000, 65_000],
  trial: [60_000],
  lease: [60_000],
};

Deno.test("what is written is dropped by the database when the table says so, and nothing else is", async () => {
  const written = await useStore();
  const expiring: Record<string, number[]> = {};
  for (const { key: [kind], expireIn } of written) {
    if (expireIn === undefined) {
      assert.ok(!Object.hasOwn(EXPIRING, String(kind)), `${String(kind)} ends`);
      continue;
    }
    const known = expiring[String(kind)] ??= [];
    if (kind === "handshake" || !known.includes(expireIn)) known.push(expireIn);
  }
  assert.deepEqual(expiring, EXPIRING);
});

Deno.test("what falls due is written at the first hour that begins no earlier than it ends", async () => {
  const written = await useStore();
  const due: Record<string, number[]> = {};
  for (const { key: [name, hour, kind] } of written) {
    if (name === "due") (due[String(kind)] ??= []).push(Number(hour));
  }
  const hourOf = (time: number) => Math.ceil(time / HOUR);
  const hold = hourOf(NOW + 1_000 * HOLD);
  const extended = hourOf(NOW + 3_000 * HOLD);
  assert.deepEqual(due, {
    mailbox: [1, 1].map(() => hourOf(NOW + UNUSED_MS)),
    hold: [hold, hold, hold, extended],
    mark: [1, 2, 3].map(() => hourOf(NOW + 50 * HOUR)),
    tombstone: [hourOf(NOW + 3_000 * HOLD + TOMBSTONE_MS)],
  });
});
