/** A commit that takes ten seconds: everybody is answered, and once. */
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/bytes.ts";
import { freshKey } from "../routes/owner.ts";
import { SlowRelay, type Told } from "./slow_relay.ts";

/** The id in an answer. */
function idIn({ text }: Told): string {
  return JSON.parse(text).id;
}

Deno.test("what is posted during a slow commit is answered after it, each exactly once", async () => {
  await using relay = await SlowRelay.start();
  const to = freshKey();
  const first = await relay.message(to);
  const others = await Promise.all(
    Array.from(
      { length: 30 },
      (_, i) => relay.message(i % 2 ? to : freshKey()),
    ),
  );
  relay.kv.isSlow = true;
  let isAnswered = false;
  const slow = relay.post(first);
  const held = await relay.tenSecondsInto();
  const waiting = others.map(async (envelope) => {
    const told = await relay.post(envelope);
    isAnswered = true;
    return told;
  });
  await relay.hasGot(31);
  assert.deepEqual(await relay.idsIn(to), [], "reads do not wait for commits");
  assert.equal(isAnswered, false, "nothing is answered before its commit");
  relay.kv.isSlow = false;
  held.go();
  const told = await Promise.all([slow, ...waiting]);
  assert.ok(told.every(({ status }) => status === 201));
  assert.equal(new Set(told.map(idIn)).size, 31);
  const mine = [told[0], ...told.slice(1).filter((_, i) => i % 2)];
  const listed = await relay.idsIn(to);
  assert.deepEqual(
    listed.toSorted(),
    mine.flatMap((one) => one === undefined ? [] : idIn(one)).sort(),
  );
});

/** Posts, gives up during the commit, and posts the same again. */
async function giveUpAndRetry(
  relay: SlowRelay,
  envelope: Bytes,
  end: "go" | "before" | "after",
): Promise<Told> {
  relay.kv.isSlow = true;
  const patience = new AbortController();
  const given = relay.post(envelope, patience.signal);
  const held = await relay.tenSecondsInto();
  patience.abort();
  await assert.rejects(given, { name: "AbortError" });
  const retried = relay.post(envelope);
  await relay.hasGot(2);
  relay.kv.isSlow = false;
  if (end === "go") held.go();
  else held.fail(end);
  return await retried;
}

Deno.test("a client that gave up and posts again gets the one receipt", async (t) => {
  for (const end of ["go", "after", "before"] as const) {
    const what = {
      go: "the commit is done",
      after: "it is done, and fails",
      before: "it fails undone",
    }[end];
    await t.step(what, async () => {
      await using relay = await SlowRelay.start();
      const to = freshKey();
      const envelope = await relay.message(to);
      const retried = await giveUpAndRetry(relay, envelope, end);
      assert.ok([200, 201].includes(retried.status), retried.text);
      const again = await relay.post(envelope);
      assert.deepEqual(again, { status: 200, text: retried.text });
      assert.deepEqual(await relay.idsIn(to), [idIn(retried)]);
    });
  }
});

Deno.test("a slow commit that fails undone is busy for its own, and others are stored", async () => {
  await using relay = await SlowRelay.start();
  const one = await relay.message();
  const other = await relay.message();
  relay.kv.isSlow = true;
  const failing = relay.post(one);
  const held = await relay.tenSecondsInto();
  const waiting = relay.post(other);
  await relay.hasGot(2);
  relay.kv.isSlow = false;
  held.fail("before");
  const refused = await failing;
  assert.equal(refused.status, 503);
  assert.equal(JSON.parse(refused.text).code, "busy");
  assert.equal((await waiting).status, 201);
  const again = await relay.post(one);
  assert.equal(again.status, 201);
});

Deno.test("who waits behind a commit of which nothing is known is told so with it", async () => {
  await using relay = await SlowRelay.start();
  const to = freshKey();
  const messages = [
    await relay.message(to),
    await relay.message(to),
    await relay.message(to),
  ];
  relay.kv.isSlow = true;
  const posts = messages.map((message) => relay.post(message));
  const held = await relay.tenSecondsInto();
  await relay.hasGot(3);
  relay.kv.isUnreadable = true;
  held.fail("after");
  // Each in a commit of its own, they would wait for three outcomes in turn.
  for (const told of await Promise.all(posts)) {
    assert.equal(told.status, 503);
    assert.equal(JSON.parse(told.text).code, "busy");
  }
  relay.kv.isUnreadable = false;
  relay.kv.isSlow = false;
  const again = [];
  for (const message of messages) again.push(await relay.post(message));
  const statuses = again.map(({ status }) => status);
  assert.deepEqual(statuses.toSorted(), [200, 201, 201]);
  const ids = (await relay.idsIn(to)).toSorted();
  assert.deepEqual(ids, again.map(idIn).toSorted());
});

Deno.test("twins that wait for one commit get one receipt, and one of them 201", async () => {
  await using relay = await SlowRelay.start();
  const to = freshKey();
  const first = await relay.message();
  const twin = await relay.message(to);
  relay.kv.isSlow = true;
  const slow = relay.post(first);
  const held = await relay.tenSecondsInto();
  const twins = Array.from({ length: 8 }, () => relay.post(twin));
  await relay.hasGot(9);
  relay.kv.isSlow = false;
  held.go();
  const told = await Promise.all(twins);
  assert.equal((await slow).status, 201);
  assert.equal(told.filter(({ status }) => status === 201).length, 1);
  assert.equal(new Set(told.map(({ text }) => text)).size, 1);
  assert.equal((await relay.idsIn(to)).length, 1);
});
