/** Tickets in the store: each good once, and so many of a mailbox. */
import assert from "node:assert/strict";
import {
  findTicket,
  keepTicket,
  MAX_TICKETS,
  spendTicket,
  type Ticket,
} from "../../../kv/mail/tickets.ts";
import { openStore, type Store } from "../../../kv/store/store.ts";
import type { MailboxId } from "../../../lib/ids.ts";
import { dump } from "../../routes/relay_fixture.ts";
import { TempDirectory } from "../temp_directory.ts";
import { newMailbox, NOW } from "../message_maker.ts";

function ticketOf(hash: string, ends = NOW + 30_000): Ticket {
  const tokenEnds = NOW + 900_000;
  return { hash, ends, tokenId: "token", tokenEnds, jkt: null };
}

/** Spends a ticket as a worker does; null if it is none, or not any more. */
async function spend(
  store: Store,
  mailbox: MailboxId,
  hash: string,
  now: number,
): Promise<Ticket | null> {
  const ticket = await findTicket(store, mailbox, hash, now);
  if (ticket === null) return null;
  return await spendTicket(store, ticket) ? ticket.value : null;
}

Deno.test("a ticket that keepTicket() kept is found, spent once, and leaves nothing", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  const before = await dump(store);
  const kept = { ...ticketOf("a"), jkt: "j".repeat(43) };
  await keepTicket(store, mailbox, kept, NOW);
  assert.deepEqual(await spend(store, mailbox, "a", NOW + 29_999), kept);
  assert.equal(await spend(store, mailbox, "a", NOW), null);
  assert.deepEqual(await dump(store), before);
});

Deno.test("findTicket() is null for what is none, of another mailbox, or over", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  await keepTicket(store, mailbox, ticketOf("a"), NOW);
  assert.equal(await spend(store, mailbox, "b", NOW), null);
  assert.equal(await spend(store, mailbox, "", NOW), null);
  assert.equal(await spend(store, newMailbox(), "a", NOW), null);
  assert.equal(await spend(store, mailbox, "a", NOW + 30_000), null);
  assert.notEqual(await spend(store, mailbox, "a", NOW), null);
});

Deno.test("a ticket that is spent at two workers at once is spent at one", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  using one = await openStore(file);
  using other = await openStore(file);
  const mailbox = newMailbox();
  await keepTicket(one, mailbox, ticketOf("a"), NOW);
  const spent = await Promise.all(
    [one, other, one, other].map((store) => spend(store, mailbox, "a", NOW)),
  );
  assert.equal(spent.filter((ticket) => ticket !== null).length, 1);
});

Deno.test("keepTicket() has the database drop a ticket a minute after its end", async () => {
  using store = await openStore(":memory:");
  const commit = store.commit.bind(store);
  const lifetimes: (number | undefined)[] = [];
  store.commit = (build) =>
    commit((operation) => {
      build(operation);
      for (const mutation of operation.mutations) {
        if (mutation.kind === "set") lifetimes.push(mutation.expireIn);
      }
    });
  await keepTicket(store, newMailbox(), ticketOf("a", NOW + 30_000), NOW);
  await keepTicket(store, newMailbox(), ticketOf("b", NOW - 30_000), NOW);
  assert.deepEqual(lifetimes, [90_000, 60_000]);
});

Deno.test("a mailbox keeps so many tickets and no more, the newest", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  assert.equal(MAX_TICKETS, 16);
  for (let n = 0; n < MAX_TICKETS + 3; n++) {
    await keepTicket(store, mailbox, ticketOf(`${n}`, NOW + 30_000 + n), NOW);
  }
  const entries = await store.list({ prefix: ["ticket"] });
  assert.equal(entries.length, MAX_TICKETS);
  for (let n = 0; n < MAX_TICKETS + 3; n++) {
    const spent = await spend(store, mailbox, `${n}`, NOW);
    assert.equal(spent !== null, n >= 3, `the ticket ${n}`);
  }
});

Deno.test("the ticket that ends first gives way, whichever slot it is in", async () => {
  using store = await openStore(":memory:");
  const mailbox = newMailbox();
  for (let n = 0; n < MAX_TICKETS; n++) {
    const ends = n === 5 ? NOW + 10 : NOW + 1_000 * (n + 1);
    await keepTicket(store, mailbox, ticketOf(`${n}`, ends), NOW);
  }
  await keepTicket(store, mailbox, ticketOf("new"), NOW);
  for (let n = 0; n < MAX_TICKETS; n++) {
    const spent = await spend(store, mailbox, `${n}`, NOW);
    assert.equal(spent !== null, n !== 5, `the ticket ${n}`);
  }
});

Deno.test("fifty tickets kept at once by two workers are at most sixteen, and none fails", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  using one = await openStore(file);
  using other = await openStore(file);
  const mailbox = newMailbox();
  await Promise.all(
    Array.from(
      { length: 50 },
      (_, n) =>
        keepTicket(n % 2 === 0 ? one : other, mailbox, ticketOf(`${n}`), NOW),
    ),
  );
  const entries = await one.list<Ticket>({ prefix: ["ticket"] });
  assert.equal(entries.length, MAX_TICKETS);
});
