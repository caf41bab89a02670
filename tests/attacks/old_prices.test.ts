/** Whoever posts first binds nobody: more work, and better wishes, count. */
import assert from "node:assert/strict";
import { decodeJwt } from "jose";
import type { Bytes } from "../../lib/bytes.ts";
import { encode } from "../../lib/minima/codec.ts";
import { maxTxPow } from "../../lib/minima/maxima.ts";
import { DEFAULT_WINDOW } from "../../lib/work/check.ts";
import { assertProblem } from "../routes/assert_problem.ts";
import { HOUR, MINUTE } from "../routes/clock.ts";
import { makeEnvelope, makePackage } from "../routes/envelopes.ts";
import { Owner, postEnvelope, type Stored } from "../routes/owner.ts";
import { TestRelay } from "../routes/relay_fixture.ts";
import { assertUnchanged } from "../routes/unchanged.ts";

/** The answer to a repost. */
type Again = Stored & { readonly extended?: true };

/** Mines one package again and again. */
function minerOf(owner: Owner): (hashes: number) => Bytes {
  const { relay: { clock }, publicKey } = owner;
  const sealed = makePackage(publicKey, 900);
  return (hashes) =>
    encode(
      maxTxPow,
      makeEnvelope({ package: sealed, time: clock.time, hashes }),
    );
}

async function repost(
  relay: TestRelay,
  envelope: Bytes,
  query = "",
): Promise<Again> {
  const response = await postEnvelope(relay, envelope, query);
  assert.equal(response.status, 200);
  return await response.json();
}

Deno.test("a package mined again for more is held for longer, under the same receipt id with a later end", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const mine = minerOf(owner);
  const first = await owner.receive(mine(10_000));
  const more = mine(20_000);
  const again = await repost(relay, more);
  assert.equal(again.extended, true);
  const [before, after] = [first, again].map(({ receipt }) =>
    decodeJwt(receipt)
  );
  const held = first.holdUntil - first.storedAt;
  const longer = again.holdUntil - first.storedAt;
  assert.ok(longer > 1.9 * held && longer < 2.1 * held, "twice as long");
  assert.deepEqual(
    { ...after, exp: 0, paid: null },
    { ...before, exp: 0, paid: null },
  );
  assert.equal(after?.exp, Math.floor(again.holdUntil / 1_000));
  assert.deepEqual(after?.["paid"], { by: "work", hashes: 20_000 });
  // From now on everybody who asks is told the same.
  await assertUnchanged(relay, async () => {
    const { extended: _, ...answer } = again;
    for (const envelope of [mine(10_000), more, mine(20_000), mine(19_999)]) {
      assert.deepEqual(await repost(relay, envelope), answer);
    }
  });
  // The owner's, to its last millisecond.
  relay.clock.time = again.holdUntil - 1;
  const { messages: [message] } = await owner.read();
  assert.equal(message?.expired, false);
  assert.equal(message?.holdUntil, again.holdUntil);
});

Deno.test("a stranger who posts a message first, for an hour and to fast links alone, binds nobody", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const envelope = minerOf(owner)(10_000);
  const stolen = "?hold=3600&minBandwidth=4294967295";
  const first = await owner.receive(envelope, stolen);
  assert.equal(first.holdUntil - first.storedAt, HOUR);
  const again = await repost(relay, envelope);
  assert.equal(again.extended, true);
  assert.ok(again.holdUntil - again.storedAt > 24 * HOUR);
  const { messages: [message] } = await owner.read("?bandwidth=1");
  assert.equal(message?.minBandwidth, 0);
  assert.notEqual(message?.body, null);
  await assertUnchanged(relay, async () => {
    const { receipt } = await repost(relay, envelope, stolen);
    assert.equal(receipt, again.receipt, "and it is not bound again");
  });
});

Deno.test("more work that is stale by now is refused, and old work of a message that is gone brings nothing back", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const mine = minerOf(owner);
  const envelope = mine(15_000);
  const more = mine(30_000);
  const first = await owner.receive(envelope);
  relay.clock.advance(DEFAULT_WINDOW.back + MINUTE + 1);
  await assertUnchanged(relay, async () => {
    await assertProblem(relay, await postEnvelope(relay, more), "work-stale");
    assert.equal((await repost(relay, envelope)).receipt, first.receipt);
  });
  relay.clock.advance(MINUTE); // for workers whose clocks are behind
  const fresh = mine(40_000);
  assert.equal((await owner.delete(first.cursor)).status, 204);
  // Its mark is gone with it: work of now is a message of now.
  assert.equal((await postEnvelope(relay, fresh)).status, 201);
});

Deno.test("reposts at once with more and less work leave the most", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const mine = minerOf(owner);
  await owner.receive(mine(10_000), "?hold=3600");
  const envelopes = [12_000, 30_000, 15_000, 20_000, 10_000].map(mine);
  const answers = await Promise.all(
    [...envelopes, ...envelopes].map((envelope) => repost(relay, envelope)),
  );
  const last = await repost(relay, mine(10_000));
  assert.equal(last.paid.hashes, 30_000);
  const latest = Math.max(...answers.map(({ holdUntil }) => holdUntil));
  assert.equal(last.holdUntil, latest);
  assert.equal((await owner.read()).messages.length, 1);
});

Deno.test("more work that is too little for what is asked costs no commit, however often it is sent", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const mine = minerOf(owner);
  const first = await owner.receive(mine(10_000));
  const more = mine(20_000);
  await assertUnchanged(relay, async () => {
    for (let times = 0; times < 5; times++) {
      const again = await repost(relay, more, "?hold=2592000");
      assert.equal(again.extended, undefined);
      assert.equal(again.receipt, first.receipt);
    }
  });
  assert.equal((await repost(relay, more)).extended, true, "it bought nothing");
});
