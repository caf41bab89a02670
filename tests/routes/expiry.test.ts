/** The end of a hold: the body goes, a word of it stays for a week. */
import assert from "node:assert/strict";
import { assertProblem } from "./assert_problem.ts";
import { DAY, HOUR } from "./clock.ts";
import { fill } from "./filled_mailbox.ts";
import { bodyOf, Owner } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

/** A mailbox with a message of an hour, small and large, and one of a day. */
async function openMailbox(relay: TestRelay) {
  const owner = await Owner.open(relay);
  const short = owner.envelope();
  const large = owner.envelope({ size: 70_000, hashes: 20_000 });
  return {
    owner,
    short,
    hour: await owner.receive(short, "?hold=3600"),
    largeHour: await owner.receive(large, "?hold=3600"),
    day: await owner.receive(owner.envelope(), "?hold=86400"),
  };
}

Deno.test("a message has its body to the last millisecond of its hold", async () => {
  using relay = await TestRelay.open();
  const { owner, short, hour } = await openMailbox(relay);
  assert.equal(hour.holdUntil, relay.clock.time + HOUR);
  relay.clock.advance(HOUR - 1);
  const { messages: [message] } = await owner.read();
  assert.ok(message);
  assert.equal(message.expired, false);
  assert.deepEqual(bodyOf(message), short);
  const object = await owner.fetch(`/v1/objects/${hour.object}`);
  assert.equal(object.status, 200);
  assert.equal(
    object.headers.get("Cache-Control"),
    "private, max-age=0, immutable",
  );
});

Deno.test("a message whose hold has ended is listed without its body, and its object is gone", async () => {
  using relay = await TestRelay.open();
  const { owner, hour, largeHour, day } = await openMailbox(relay);
  relay.clock.advance(HOUR);
  const { messages, next, more } = await owner.read();
  assert.deepEqual(
    messages.map(({ cursor, expired, body }) => [
      cursor,
      expired,
      body !== null,
    ]),
    [
      [hour.cursor, true, false],
      [largeHour.cursor, true, false],
      [day.cursor, false, true],
    ],
  );
  assert.deepEqual([next, more], [day.cursor, false]);
  const [tombstone] = messages;
  assert.deepEqual(
    [tombstone?.id, tombstone?.object, tombstone?.size, tombstone?.holdUntil],
    [hour.id, hour.object, hour.size, hour.holdUntil],
  );
  for (const { object } of [hour, largeHour]) {
    const gone = await owner.fetch(`/v1/objects/${object}`);
    await assertProblem(relay, gone, "object-unknown");
  }
});

Deno.test("a message whose hold has ended is listed for seven days more", async () => {
  using relay = await TestRelay.open();
  const { owner, hour, largeHour, day } = await openMailbox(relay);
  const listed = async () =>
    (await owner.read()).messages.map(({ cursor }) => cursor);
  relay.clock.advance(HOUR + 7 * DAY - 1);
  assert.deepEqual(await listed(), [
    hour.cursor,
    largeHour.cursor,
    day.cursor,
  ]);
  relay.clock.advance(1);
  assert.deepEqual(await listed(), [day.cursor]);
  relay.clock.advance(30 * DAY);
  assert.deepEqual(await owner.read(), {
    messages: [],
    next: day.cursor,
    more: false,
    reset: false,
  });
});

Deno.test("a reader gets past pages of mail that is long gone", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  await fill(owner, 7);
  relay.clock.advance(HOUR + 7 * DAY);
  const [fresh] = await fill(owner, 1);
  const seen: string[] = [];
  for (let after = "", more = true; more;) {
    const page = await owner.read(`?limit=3${after}`);
    seen.push(...page.messages.map(({ cursor }) => cursor));
    after = `&after=${page.next}`;
    more = page.more;
  }
  assert.deepEqual(seen, [fresh?.cursor]);
});

Deno.test("what expired can be acknowledged and deleted like anything else", async () => {
  using relay = await TestRelay.open();
  const { owner, hour, largeHour, day } = await openMailbox(relay);
  relay.clock.advance(2 * DAY);
  const acked = await owner.acknowledge(hour.cursor);
  assert.equal((await acked.json()).deleted, 1);
  assert.equal((await owner.delete(largeHour.cursor)).status, 204);
  const { messages } = await owner.read();
  assert.deepEqual(messages.map(({ cursor }) => cursor), [day.cursor]);
  assert.equal(messages[0]?.expired, true);
});
