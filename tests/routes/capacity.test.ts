/** Quotas: full is 507, nearly full is dear, and nothing paid for is deleted. */
import assert from "node:assert/strict";
import { commitMessage } from "../../kv/mail/accept.ts";
import { listDue } from "../../kv/mail/due.ts";
import { DEFAULT_QUOTAS } from "../../lib/quota.ts";
import { newMailbox, newMessage } from "../kv/message_maker.ts";
import { assertProblem } from "./assert_problem.ts";
import { DAY, HOUR } from "./clock.ts";
import { fill } from "./filled_mailbox.ts";
import { Owner, postEnvelope } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

const MAILBOX = { bytes: 2 ** 20, messages: 100 };

/** Seconds. */
const MONTH = 30 * DAY / 1_000;

function openSmall(): Promise<TestRelay> {
  return TestRelay.open({ quotas: { ...DEFAULT_QUOTAS, mailbox: MAILBOX } });
}

async function quotedHashes(
  relay: TestRelay,
  mailbox?: string,
): Promise<number> {
  const response = await relay.fetch("/v1/quotes", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ bytes: 4_096, seconds: 86_400, mailbox }),
  });
  assert.equal(response.status, 200);
  return (await response.json()).work.hashes;
}

Deno.test("the price doubles for every 5 % beyond a quarter, at the post at once and in the quote when hours have passed", async () => {
  using relay = await openSmall();
  const owner = await Owner.open(relay);
  const table: [held: number, factor: number][] = [
    [0, 1],
    [29, 1],
    [30, 2],
    [35, 4],
    [60, 128],
    [99, 2 ** 14],
  ];
  let held = 0;
  let shown = 1;
  for (const [wanted, factor] of table) {
    await fill(owner, wanted - held, MONTH);
    held = wanted;
    // 10,000 hashes keep 1,500 bytes for 65 hours, or so many times less.
    const posted = await postEnvelope(relay, owner.envelope({ size: 1_500 }));
    const hold = 10_000 * 4_096 * 86_400 / 10_000 / 1_500 / factor;
    if (hold < 3_600) await assertProblem(relay, posted, "work-insufficient");
    else {
      const { cursor, storedAt, holdUntil } = await posted.json();
      assert.equal(holdUntil - storedAt, 1_000 * Math.floor(hold));
      assert.equal((await owner.delete(cursor)).status, 204);
    }
    const quoted = () => quotedHashes(relay, owner.mailbox);
    assert.equal(await quoted(), 10_000 * shown, "as it was");
    relay.clock.advance(2 * HOUR);
    assert.equal(await quoted(), 10_000 * factor, `${held} held`);
    shown = factor;
    const other = "another mailbox is not dearer";
    assert.equal(await quotedHashes(relay), 10_000, other);
  }
  // 4 KiB for a day is what 10,000 hashes buy of a mailbox that is nearly empty.
  const problem = await assertProblem(
    relay,
    await postEnvelope(relay, owner.envelope(), "?hold=86400"),
    "work-insufficient",
  );
  assert.ok(Number(problem["hashes"]) > 10_000);
});

Deno.test("a full mailbox takes no more, keeps what it has, and takes more once there is room", async () => {
  using relay = await openSmall();
  const owner = await Owner.open(relay);
  const stored = await fill(owner, 100);
  await assertProblem(
    relay,
    await postEnvelope(relay, owner.envelope()),
    "mailbox-full",
  );
  assert.equal((await owner.read("?limit=1000")).messages.length, 100);
  const other = await Owner.open(relay);
  assert.equal((await postEnvelope(relay, other.envelope())).status, 201);
  const through = stored[79]?.cursor ?? "";
  assert.equal((await owner.acknowledge(through)).status, 200);
  assert.equal((await postEnvelope(relay, owner.envelope())).status, 201);
});

Deno.test("a full mailbox has room again when holds have ended", async () => {
  using relay = await openSmall();
  const owner = await Owner.open(relay);
  await fill(owner, 100);
  relay.clock.time += 2 * 3_600_000;
  assert.equal((await postEnvelope(relay, owner.envelope())).status, 201);
});

/** Stores messages of an hour, each of a row of its own of what falls due. */
async function storeOthers(relay: TestRelay, count: number): Promise<void> {
  const { store, now } = relay.relay;
  const mailbox = newMailbox();
  for (let n = 0; n < count; n++) {
    await commitMessage(store, newMessage(mailbox, 10), now());
  }
}

Deno.test("a post to a full mailbox sees to some of what is due, and not to all that others left", async () => {
  using relay = await openSmall();
  const owner = await Owner.open(relay);
  await storeOthers(relay, 130);
  await fill(owner, 100, MONTH);
  relay.clock.advance(2 * HOUR);
  const { store, now } = relay.relay;
  const due = async () => (await listDue(store, now(), 1_000)).length;
  assert.equal(await due(), 130);
  const full = await postEnvelope(relay, owner.envelope());
  await assertProblem(relay, full, "mailbox-full");
  assert.equal(await due(), 30);
});

Deno.test("a post to a full mailbox is told so, though what is due cannot be seen to", async () => {
  using relay = await openSmall();
  const owner = await Owner.open(relay);
  await storeOthers(relay, 1);
  await fill(owner, 100, MONTH);
  const { store } = relay.relay;
  const rows = await store.list({ prefix: ["message"] });
  const others = rows.filter(({ key }) => key[1] !== owner.mailbox);
  await store.commit((operation) => {
    for (const { key } of others) operation.set(key, new Uint8Array([9]));
  });
  relay.clock.advance(2 * HOUR);
  const full = await postEnvelope(relay, owner.envelope());
  await assertProblem(relay, full, "mailbox-full");
});

Deno.test("what was stored is answered with its receipt, though the mailbox is full", async () => {
  using relay = await openSmall();
  const owner = await Owner.open(relay);
  const envelope = owner.envelope();
  const { receipt } = await owner.receive(envelope);
  await fill(owner, 99);
  const again = await postEnvelope(relay, envelope);
  assert.equal(again.status, 200);
  assert.equal((await again.json()).receipt, receipt);
});
