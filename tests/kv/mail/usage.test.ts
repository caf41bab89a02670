/** What is kept, counted: right whatever becomes of it, and in what order. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { keys } from "../../../kv/kinds.ts";
import { commitMessage } from "../../../kv/mail/accept.ts";
import { deleteMessage, deleteThrough } from "../../../kv/mail/delete.ts";
import {
  keptBytes,
  type PriceMessage,
  type StoredMessage,
  TOMBSTONE_BYTES,
} from "../../../kv/mail/entry.ts";
import { extendMessage } from "../../../kv/mail/extend.ts";
import {
  closeMailbox,
  completeHandshake,
  mailboxUnknown,
} from "../../../kv/mail/mailboxes.ts";
import { acknowledge, registerReader } from "../../../kv/mail/readers.ts";
import { sweep } from "../../../kv/mail/sweep.ts";
import {
  changedRow,
  formerUsage,
  mailboxUsage,
  relayUsage,
} from "../../../kv/mail/usage.ts";
import { openStore, type Store } from "../../../kv/store/store.ts";
import { parseCursor, placeOf } from "../../../lib/cursor.ts";
import { type MailboxId, mailboxIdOf } from "../../../lib/ids.ts";
import { Problem } from "../../../lib/problem.ts";
import { HOUR } from "../../routes/clock.ts";
import { randomBytes } from "../../routes/envelopes.ts";
import { HOLD, newMailbox, newMessage, NOW } from "../message_maker.ts";
import { assertWhole } from "../recount.ts";
import { LIMITS, spiedWith } from "../spied_database.ts";

/** A store in use: two mailboxes, and a time that goes on. */
class World {
  readonly store: Store;
  now = NOW;
  readonly boxes = [randomBytes(44), randomBytes(44)];
  /** Everything that was ever stored. */
  readonly stored: StoredMessage[] = [];
  #handshakes = 0;

  constructor(store: Store) {
    this.store = store;
  }

  boxOf(box: number): MailboxId {
    return mailboxIdOf(this.boxes[box] ?? this.boxes[0] ?? new Uint8Array());
  }

  async open(box: number): Promise<void> {
    const publicKey = this.boxes[box] ?? new Uint8Array();
    const id = String(this.#handshakes += 1);
    const handshake = { id, expires: this.now + 1, publicKey };
    await completeHandshake(this.store, handshake, this.now);
  }

  /** A price that depends on nothing but whether the mailbox is open. */
  priceOf(box: number, hold: number): PriceMessage {
    return ({ mailbox }) => {
      if (mailbox?.isOpen) return { hold, paidFor: 2 * hold };
      throw mailboxUnknown(this.boxOf(box));
    };
  }

  async post(
    { box, size, hours, work }: {
      readonly box: number;
      readonly size: number;
      readonly hours: number;
      readonly work: number;
    },
  ): Promise<void> {
    const message = newMessage(this.boxOf(box), size, {
      hold: this.priceOf(box, hours * HOLD),
      workUntil: this.now + work * HOUR,
    });
    try {
      const { message: stored } = await commitMessage(
        this.store,
        message,
        this.now,
      );
      this.stored.push(stored);
    } catch (error) {
      assert.ok(error instanceof Problem && error.code === "mailbox-unknown");
    }
  }

  pick(n: number): StoredMessage | undefined {
    return this.stored[n % Math.max(this.stored.length, 1)];
  }
}

type Step = (world: World) => Promise<unknown>;

const posted = fc.record({
  box: fc.nat(1),
  size: fc.oneof(
    fc.integer({ min: 1, max: 4_096 }),
    fc.integer({ min: 4_097, max: 130_000 }),
  ),
  hours: fc.integer({ min: 1, max: 4 }),
  work: fc.nat(6),
});

const STEPS: fc.Arbitrary<Step>[] = [
  posted.map((one) => (world) => world.post(one)),
  fc.array(posted, { maxLength: 12 }).map((all) => (world) =>
    Promise.all(all.map((one) => world.post(one)))
  ),
  // At once, and by both ways: it is counted out once.
  fc.nat(99).map((n) => async (world) => {
    const { store, now } = world;
    const one = world.pick(n);
    if (one === undefined) return;
    const position = parseCursor(one.cursor);
    await Promise.all([
      deleteMessage(store, one.mailbox, position, now),
      deleteMessage(store, one.mailbox, position, now),
      deleteThrough(store, one.mailbox, placeOf(position), now),
    ]);
  }),
  fc.array(fc.nat(99), { maxLength: 8 }).map((all) => (world) =>
    Promise.all(
      all.flatMap((n) => {
        const { mailbox, cursor } = world.pick(n) ?? {};
        if (mailbox === undefined || cursor === undefined) return [];
        const position = parseCursor(cursor);
        return [deleteMessage(world.store, mailbox, position, world.now)];
      }),
    )
  ),
  fc.tuple(fc.nat(99), fc.constantFrom("phone", "tablet")).map((
    [n, reader],
  ) =>
  async (world) => {
    const { store, now } = world;
    const one = world.pick(n);
    if (one === undefined) return;
    await registerReader(store, one.mailbox, "phone", now);
    const position = parseCursor(one.cursor);
    await acknowledge(store, one.mailbox, reader, position, now);
  }),
  fc.tuple(fc.nat(99), fc.integer({ min: 9_999, max: 10_010 })).map((
    [n, hashes],
  ) =>
  async (world) => {
    const { store, now } = world;
    const one = world.pick(n);
    if (one === undefined) return;
    const again = () =>
      extendMessage(store, one.id, {
        minBandwidth: 0,
        paid: { by: "work", hashes },
        price: world.priceOf(0, hashes),
        workUntil: now + hashes,
      }, now);
    const position = parseCursor(one.cursor);
    await Promise.all([
      again(),
      deleteMessage(store, one.mailbox, position, now - 1),
      again(),
    ].slice(hashes % 2));
  }),
  fc.integer({ min: 1, max: 5 }).map((hours) => async (world) => {
    world.now += hours * HOUR;
    await sweep(world.store, { now: () => world.now });
  }),
  fc.constantFrom(HOUR / 3, 8 * 24 * HOUR).map((time) => (world) => {
    world.now += time;
    return Promise.resolve();
  }),
  fc.nat(1).map((box) => async (world) => {
    const { store, now } = world;
    const mailbox = world.boxOf(box);
    await Promise.all([
      world.post({ box, size: 10, hours: 1, work: 3 }),
      closeMailbox(store, mailbox, now),
      closeMailbox(store, mailbox, now),
    ]);
  }),
  fc.nat(1).map((box) => (world) => world.open(box)),
];

const SCHEDULE = fc.array(fc.oneof(...STEPS), { minLength: 1, maxLength: 25 });

for (
  const [what, limits] of Object.entries({
    "Deno's own limits": LIMITS,
    "the limits of KV Connect": { ...LIMITS, checks: 10 },
  })
) {
  Deno.test(`counts are what is kept, whatever comes in whatever order: ${what}`, async () => {
    await fc.assert(
      fc.asyncProperty(SCHEDULE, async (steps) => {
        using spied = await spiedWith({ limits });
        const world = new World(spied.store);
        await world.open(0);
        for (const step of steps) {
          await step(world);
          await assertWhole(spied.store);
        }
        for (const box of [0, 1]) {
          await closeMailbox(spied.store, world.boxOf(box), world.now);
        }
        await assertWhole(spied.store);
        // In the end nothing is left, and nobody is owed anything.
        world.now += 40 * 24 * HOUR;
        await sweep(spied.store, { now: () => world.now });
        const { relay } = await assertWhole(spied.store);
        assert.deepEqual(relay, { bytes: 0, messages: 0 });
        assert.deepEqual(await spied.store.list({ prefix: keys.usages() }), []);
        assert.deepEqual(await spied.store.list({ prefix: keys.dues() }), []);
      }),
      { numRuns: 40 },
    );
  });
}

Deno.test("what has expired is counted out when it is swept, but for its tombstone", async () => {
  using store = await openStore(":memory:", () => NOW);
  const mailbox = newMailbox();
  await commitMessage(store, newMessage(mailbox, 500), NOW);
  await commitMessage(
    store,
    newMessage(mailbox, 7_000, { hold: 10 * HOLD }),
    NOW,
  );
  assert.deepEqual(await mailboxUsage(store, mailbox), {
    bytes: keptBytes(500) + keptBytes(7_000),
    messages: 2,
  });
  const end = NOW + 1_000 * HOLD;
  for (const { rows } of [{ rows: 1 }, { rows: 0 }]) {
    const swept = await sweep(store, { now: () => end + HOUR });
    assert.equal(swept.rows, rows);
    const left = { bytes: TOMBSTONE_BYTES + keptBytes(7_000), messages: 1 };
    assert.deepEqual(await mailboxUsage(store, mailbox), left);
    assert.deepEqual(await relayUsage(store), left);
  }
});

Deno.test("a message that was there is counted once", async () => {
  using store = await openStore(":memory:", () => NOW);
  const message = newMessage(newMailbox(), 300);
  await Promise.all([1, 2, 3].map(() => commitMessage(store, message, NOW)));
  assert.deepEqual(await relayUsage(store), {
    bytes: keptBytes(300),
    messages: 1,
  });
});

Deno.test("formerUsage() is what was kept when the hour before this one began", () => {
  const hour = Math.floor(NOW / HOUR);
  const at = (hours: number, minutes = 1) =>
    (hour + hours) * HOUR + minutes * 60_000;
  const bytes = (row: Parameters<typeof formerUsage>[0], time: number) =>
    formerUsage(row, time).bytes;
  assert.equal(bytes(null, at(0)), 0);
  let row = changedRow(null, { bytes: 100, messages: 1 }, at(0));
  row = changedRow(row, { bytes: 10, messages: 1 }, at(0, 59));
  const first = [at(0, 59), at(1, 0), at(1, 59), at(2, 0), at(9)];
  assert.deepEqual(first.map((time) => bytes(row, time)), [0, 0, 0, 110, 110]);
  assert.deepEqual(formerUsage(row, at(2)), { bytes: 110, messages: 2 });
  // In the next hour; what was before is known for as long as it is shown.
  row = changedRow(row, { bytes: -40, messages: -1 }, at(1));
  const second = [at(1, 59), at(2, 0), at(2, 59), at(3, 0)];
  assert.deepEqual(second.map((time) => bytes(row, time)), [0, 110, 110, 70]);
  // After hours without any change.
  row = changedRow(row, { bytes: 5, messages: 0 }, at(7));
  const third = [at(7), at(8), at(9)];
  assert.deepEqual(third.map((time) => bytes(row, time)), [70, 70, 75]);
  // A worker whose clock is behind does not turn it back.
  const behind = changedRow(row, { bytes: 1, messages: 0 }, at(5));
  assert.equal(behind.hour, hour + 7);
  assert.equal(bytes(behind, at(5)), 70);
});
