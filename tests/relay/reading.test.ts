/** What a worker notes of the mailboxes that are read, and tells the store. */
import assert from "node:assert/strict";
import { keys } from "../../kv/kinds.ts";
import { acknowledge, MAX_READERS } from "../../kv/mail/readers.ts";
import { START_VERSIONSTAMP } from "../../lib/cursor.ts";
import { mailboxIdOf } from "../../lib/ids.ts";
import { noteReading, tellReads } from "../../relay/reading.ts";
import type { Relay } from "../../relay/relay.ts";
import { NOW, openMailbox } from "../kv/message_maker.ts";
import { spiedWith } from "../kv/spied_database.ts";

const MOST = 10_000;

/** A worker, and how many mailboxes it tells the store of. */
async function openWorker() {
  const { store, spy, ...rest } = await spiedWith();
  const relay = { store, now: () => NOW } as Relay;
  return {
    ...rest,
    /** Reads the mailboxes of these numbers. */
    async read(from: number, to: number): Promise<void> {
      for (let n = from; n < to; n++) {
        const mailbox = mailboxIdOf(new Uint8Array([n >> 8, n & 255]));
        await noteReading(relay, mailbox, null);
      }
    },
    async tell(): Promise<number> {
      spy.takeCounts();
      await tellReads(relay);
      return spy.takeCounts().reads;
    },
  };
}

Deno.test("tellReads() tells of each mailbox that was read once", async () => {
  using worker = await openWorker();
  await worker.read(0, 3);
  await worker.read(0, 3);
  assert.equal(await worker.tell(), 3);
  await worker.read(0, 4);
  assert.equal(await worker.tell(), 1, "of the one that is new");
  assert.equal(await worker.tell(), 0);
});

Deno.test("noteReading() remembers ten thousand mailboxes: those that wait to be told, and those that were", async () => {
  using worker = await openWorker();
  await worker.read(0, MOST + 5);
  assert.equal(await worker.tell(), MOST, "no more wait");
  await worker.read(0, MOST);
  assert.equal(await worker.tell(), 0, "all are remembered");
  // One more than it remembers: it begins anew, and is told of all again.
  await worker.read(MOST, MOST + 1);
  await worker.read(0, 5);
  assert.equal(await worker.tell(), 6);
});

Deno.test("noteReading() has a device noted before it ends, and refuses one over the limit", async () => {
  using spied = await spiedWith();
  const { store } = spied;
  const relay = { store, now: () => NOW } as Relay;
  const mailbox = await openMailbox(store);
  const place = START_VERSIONSTAMP;
  const start = { epoch: store.epoch, versionstamp: place };
  for (let n = 1; n < MAX_READERS; n++) {
    await acknowledge(store, mailbox, `${n}`, start, NOW);
  }
  await noteReading(relay, mailbox, "phone");
  const { value } = await store.get(keys.readers(mailbox));
  assert.equal(value?.["phone"]?.at, NOW);
  await acknowledge(store, mailbox, "phone", start, NOW);
  const late = noteReading(relay, mailbox, "tablet");
  await assert.rejects(late, { code: "malformed" });
});
