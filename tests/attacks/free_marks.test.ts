/** Marks and mailboxes count while they are kept, and are kept for a time. */
import assert from "node:assert/strict";
import { keys } from "../../kv/kinds.ts";
import { keptBytes, MARK_BYTES } from "../../kv/mail/entry.ts";
import {
  closeMailbox,
  findMailbox,
  noteRead,
  UNUSED_MS,
} from "../../kv/mail/mailboxes.ts";
import { acknowledge } from "../../kv/mail/readers.ts";
import { sweep } from "../../kv/mail/sweep.ts";
import { mailboxUsage, NO_USAGE, openedRow } from "../../kv/mail/usage.ts";
import { parseCursor } from "../../lib/cursor.ts";
import { DEFAULT_QUOTAS } from "../../lib/quota.ts";
import { DEFAULT_WINDOW } from "../../lib/work/check.ts";
import { targetOf } from "../../lib/work/target.ts";
import { priceBy } from "../../relay/room.ts";
import { assertWhole } from "../kv/recount.ts";
import { assertProblem } from "../routes/assert_problem.ts";
import { DAY, HOUR } from "../routes/clock.ts";
import { fill } from "../routes/filled_mailbox.ts";
import { Owner, postEnvelope } from "../routes/owner.ts";
import { TestRelay } from "../routes/relay_fixture.ts";

function sweepIn({ relay: { store }, clock }: TestRelay) {
  return sweep(store, { now: clock.now });
}

Deno.test("post, acknowledge, post again: each mark counts, fills the mailbox, and ends with the window of its work", async () => {
  // Room for one small message and a few marks.
  const mailbox = { bytes: keptBytes(1_500) + 4 * MARK_BYTES, messages: 100 };
  const quotas = { ...DEFAULT_QUOTAS, mailbox };
  using relay = await TestRelay.open({ quotas });
  const { store } = relay.relay;
  const owner = await Owner.open(relay);
  const small = () => owner.envelope({ size: 1_500 });
  for (let marks = 0; marks <= 4; marks++) {
    const usage = await mailboxUsage(store, owner.mailbox);
    assert.deepEqual(usage, { bytes: marks * MARK_BYTES, messages: 0 });
    const { cursor } = await owner.receive(small());
    assert.equal((await owner.acknowledge(cursor)).status, 200);
    await assertWhole(store);
  }
  const full = await postEnvelope(relay, small());
  await assertProblem(relay, full, "mailbox-full");
  // To the end of the window the marks stand, and then they are gone.
  relay.clock.advance(DEFAULT_WINDOW.back - 1);
  await sweepIn(relay);
  assert.equal((await store.list({ prefix: keys.seens() })).length, 5);
  relay.clock.advance(HOUR);
  await sweepIn(relay);
  assert.deepEqual(await store.list({ prefix: keys.seens() }), []);
  const usage = await mailboxUsage(store, owner.mailbox);
  assert.deepEqual(usage, { bytes: 0, messages: 0 });
  assert.equal((await postEnvelope(relay, small())).status, 201);
});

Deno.test("the mark of a message that is held outlasts the window of its work, and goes with the message", async () => {
  using relay = await TestRelay.open();
  const { store } = relay.relay;
  const owner = await Owner.open(relay);
  const { id, cursor } = await owner.receive();
  relay.clock.advance(2 * DAY);
  await sweepIn(relay);
  const mark = keys.seen(parseMessage(id));
  assert.notEqual((await store.get(mark)).value, null);
  assert.equal((await owner.delete(cursor)).status, 204);
  assert.equal((await store.get(mark)).value, null);
  await assertWhole(store);
});

function parseMessage(id: string) {
  return id as Parameters<typeof keys.seen>[0];
}

Deno.test("work that was taken does not pay again after its message is gone, nor after its mailbox was closed and opened again", async (t) => {
  using relay = await TestRelay.open();
  const { store } = relay.relay;
  const owner = await Owner.open(relay);
  const envelope = owner.envelope();
  const first = await owner.receive(envelope);
  const again = async (code: number) => {
    const response = await postEnvelope(relay, envelope);
    assert.equal(response.status, code);
    return await response.json();
  };
  await t.step("deleted", async () => {
    await owner.delete(first.cursor);
    assert.equal((await again(200)).receipt, first.receipt);
  });
  await t.step("closed", async () => {
    assert.equal(
      await closeMailbox(store, owner.mailbox, relay.clock.time),
      true,
    );
    await again(200);
    const fresh = await postEnvelope(relay, owner.envelope());
    await assertProblem(relay, fresh, "mailbox-unknown");
    await assertWhole(store);
  });
  await t.step("opened again", async () => {
    await Owner.open(relay, owner.publicKey);
    await again(200);
    assert.deepEqual((await owner.read()).messages, []);
    await assertWhole(store);
  });
  await t.step(
    "to the last millisecond of the window, and after it",
    async () => {
      relay.clock.advance(DEFAULT_WINDOW.back);
      await sweepIn(relay);
      await again(200);
      relay.clock.advance(1);
      await again(200);
      relay.clock.advance(HOUR);
      await sweepIn(relay);
      const stale = await postEnvelope(relay, envelope);
      await assertProblem(relay, stale, "work-stale");
    },
  );
});

Deno.test("a mailbox that nobody ever comes back to and that holds nothing ends after 30 days", async (t) => {
  const uses: Record<string, ((owner: Owner) => Promise<unknown>) | null> = {
    nothing: null,
    "it was read": (owner) => {
      const { relay: { relay, clock }, mailbox } = owner;
      return noteRead(relay.store, mailbox, clock.time);
    },
    "its owner shook hands again": (owner) =>
      Owner.open(owner.relay, owner.publicKey),
    "it holds mail": (owner) => fill(owner, 1, 40 * DAY / 1_000),
  };
  for (const [what, use] of Object.entries(uses)) {
    await t.step(what, async () => {
      using relay = await TestRelay.open();
      const { store } = relay.relay;
      const owner = await Owner.open(relay);
      const other = await Owner.open(relay);
      await noteRead(store, other.mailbox, relay.clock.time);
      relay.clock.advance(UNUSED_MS - HOUR);
      await use?.(owner);
      await sweepIn(relay);
      const isThere = async ({ mailbox }: Owner) =>
        await findMailbox(store, mailbox) !== null;
      assert.equal(await isThere(owner), true, "not before its time");
      relay.clock.advance(2 * HOUR);
      await sweepIn(relay);
      assert.equal(await isThere(owner), use !== null);
      assert.equal(await isThere(other), true);
      const { relay: counted } = await assertWhole(store);
      assert.equal(
        counted.messages,
        1 + (use ? 1 : 0) + (what === "it holds mail" ? 1 : 0),
      );
      if (what !== "it holds mail") return;
      // Once that has gone as well, and thirty days more.
      relay.clock.advance(UNUSED_MS + HOUR);
      await sweepIn(relay);
      assert.equal(
        await isThere(owner),
        true,
        "mail was there at the last look",
      );
      relay.clock.advance(UNUSED_MS + HOUR);
      await sweepIn(relay);
      assert.equal(await isThere(owner), false);
      await assertWhole(store);
    });
  }
});

Deno.test("a mailbox that was closed and opened again has thirty days of its own", async () => {
  using relay = await TestRelay.open();
  const { store } = relay.relay;
  const owner = await Owner.open(relay);
  relay.clock.advance(20 * DAY);
  await closeMailbox(store, owner.mailbox, relay.clock.time);
  await Owner.open(relay, owner.publicKey);
  relay.clock.advance(20 * DAY);
  await sweepIn(relay);
  assert.notEqual(await findMailbox(store, owner.mailbox), null);
  relay.clock.advance(10 * DAY + HOUR);
  await sweepIn(relay);
  assert.equal(await findMailbox(store, owner.mailbox), null);
  await assertWhole(store);
});

Deno.test("a mailbox of which nothing is left leaves nothing", async () => {
  using relay = await TestRelay.open();
  const { store } = relay.relay;
  const before = (await relay.dump()).length;
  const owner = await Owner.open(relay);
  const { cursor } = await owner.receive();
  const { time } = relay.clock;
  await acknowledge(store, owner.mailbox, "phone", parseCursor(cursor), time);
  await closeMailbox(store, owner.mailbox, time);
  relay.clock.advance(2 * UNUSED_MS);
  await sweepIn(relay);
  const left = (await relay.dump()).map(({ key: [kind] }) => kind);
  // The database drops the last two by itself.
  const own = ["doorbell", "handshake", "relay-usage", "ring"];
  assert.deepEqual(left.filter((kind) => !own.includes(String(kind))), [
    "store",
  ]);
  assert.equal(before, 1);
});

Deno.test("posts and the closing of their mailbox at once leave nothing uncounted, and no mail in a closed mailbox", async () => {
  for (let round = 0; round < 8; round++) {
    using relay = await TestRelay.open();
    const { store } = relay.relay;
    const owner = await Owner.open(relay);
    const envelopes = Array.from({ length: 12 }, () => owner.envelope());
    const { time } = relay.clock;
    const [closed, ...answers] = await Promise.all([
      closeMailbox(store, owner.mailbox, time),
      ...envelopes.map((envelope) => postEnvelope(relay, envelope)),
    ]);
    assert.equal(closed, true);
    for (const { status } of answers) assert.ok([201, 404].includes(status));
    const { relay: counted } = await assertWhole(store);
    assert.deepEqual(await store.list({ prefix: keys.everyMessage() }), []);
    assert.equal(counted.messages, 0);
    const marks = answers.filter(({ status }) => status === 201).length;
    assert.equal(counted.bytes, marks * MARK_BYTES);
  }
});

Deno.test("mail that was on its way when its mailbox was closed is refused by the commit itself", async () => {
  using relay = await TestRelay.open();
  const { time } = relay.clock;
  const mailbox = (await Owner.open(relay)).mailbox;
  const target = targetOf(10_000n);
  const price = priceBy(relay.relay, { mailbox, size: 9, target, now: time });
  const open = openedRow(time);
  assert.ok(price({ mailbox: open, relay: NO_USAGE }).hold > 0);
  for (const row of [{ ...open, isOpen: false }, null]) {
    assert.throws(() => price({ mailbox: row, relay: NO_USAGE }), {
      code: "mailbox-unknown",
    });
  }
});
