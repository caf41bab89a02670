/** What strangers are told of a mailbox says neither when mail comes nor when it is read. */
import assert from "node:assert/strict";
import { DEFAULT_QUOTAS } from "../../lib/quota.ts";
import { assertProblem } from "../routes/assert_problem.ts";
import { DAY, HOUR } from "../routes/clock.ts";
import { fill } from "../routes/filled_mailbox.ts";
import { Owner, postEnvelope } from "../routes/owner.ts";
import { TestRelay } from "../routes/relay_fixture.ts";

const QUOTAS = { ...DEFAULT_QUOTAS, mailbox: { bytes: 2 ** 30, messages: 20 } };
/** Seconds. */
const MONTH = 30 * DAY / 1_000;

/** What is asked without a token, or told to whom did too little work. */
async function told(relay: TestRelay, owner: Owner): Promise<unknown[]> {
  const { mailbox } = owner;
  const response = await relay.fetch("/v1/quotes", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ bytes: 4_096, seconds: 86_400, mailbox }),
  });
  assert.equal(response.status, 200);
  // Less than the price of an empty mailbox: 4 KiB for two days.
  const envelope = owner.envelope({ size: 4_096 });
  const refused = await assertProblem(
    relay,
    await postEnvelope(relay, envelope, "?hold=172800"),
    "work-insufficient",
  );
  const { hashes, target, seconds, detail } = refused;
  return [(await response.json()).work, hashes, target, seconds, detail];
}

Deno.test("quotes and refusals do not change within the hour in which mail comes, is read or deleted", async (t) => {
  using relay = await TestRelay.open({ quotas: QUOTAS });
  const owner = await Owner.open(relay);
  await fill(owner, 5, MONTH);
  const [old] = await fill(owner, 3, MONTH);
  relay.clock.advance(3 * HOUR);
  const before = await told(relay, owner);
  const happenings = {
    "mail comes": () => fill(owner, 5, MONTH),
    "mail is read": () => owner.read(),
    "mail is acknowledged": async () => {
      await owner.acknowledge(old?.cursor ?? "");
    },
    "mail is deleted": async () => {
      const { messages: [first] } = await owner.read();
      await owner.delete(first?.cursor ?? "");
    },
    "everything is acknowledged": async () => {
      const { next } = await owner.read();
      await owner.acknowledge(next);
    },
    "much mail comes": () => fill(owner, 15, MONTH),
  };
  for (const [what, happen] of Object.entries(happenings)) {
    await t.step(what, async () => {
      await happen();
      assert.deepEqual(await told(relay, owner), before);
    });
  }
  await t.step(
    "an hour later what was then is told, not what is now",
    async () => {
      // As it was when the hour before began.
      relay.clock.advance(HOUR);
      assert.deepEqual(await told(relay, owner), before);
      relay.clock.advance(HOUR);
      const after = await told(relay, owner);
      assert.notDeepEqual(after, before);
      const [quote] = after as [{ hashes: number }];
      assert.equal(quote.hashes, 10_000 * 2 ** 10, "fifteen of twenty");
    },
  );
});

Deno.test("who did the work that is quoted, and not enough for now, is told to double it, and no more", async () => {
  using relay = await TestRelay.open({ quotas: QUOTAS });
  const owner = await Owner.open(relay);
  await fill(owner, 7, MONTH);
  // 10,000 hashes are the quote for 4 KiB and a day; the price is four times that.
  const envelope = owner.envelope({ size: 4_096, hashes: 10_000 });
  const refused = await assertProblem(
    relay,
    await postEnvelope(relay, envelope, "?hold=86400"),
    "work-insufficient",
  );
  assert.equal(refused["hashes"], 20_000);
  const twice = owner.envelope({ size: 4_096, hashes: 20_000 });
  const again = await assertProblem(
    relay,
    await postEnvelope(relay, twice, "?hold=86400"),
    "work-insufficient",
  );
  assert.equal(again["hashes"], 40_000);
  const enough = owner.envelope({ size: 4_096, hashes: 40_000 });
  assert.equal((await postEnvelope(relay, enough, "?hold=86400")).status, 201);
});
