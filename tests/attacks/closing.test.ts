/** A closed mailbox: nothing of it is left, and nothing gets into it. */
import assert from "node:assert/strict";
import { Owner, postEnvelope } from "../routes/owner.ts";
import { TestRelay } from "../routes/relay_fixture.ts";
import { assertProblem } from "../routes/assert_problem.ts";
import { freshKey } from "../routes/owner.ts";

Deno.test("a mailbox that its owner closed takes no mail, and is empty when it is opened again", async () => {
  using relay = await TestRelay.open();
  const key = freshKey();
  const owner = await Owner.open(relay, key, ["read", "ack", "settings"]);
  const envelope = owner.envelope();
  await owner.receive(envelope);
  const path = `/v1/mailboxes/${owner.mailbox}`;
  const closed = await owner.fetch(path, { method: "DELETE" });
  assert.equal(closed.status, 204);
  await assertProblem(relay, await relay.fetch(path), "mailbox-unknown");
  await assertProblem(
    relay,
    await postEnvelope(relay, owner.envelope()),
    "mailbox-unknown",
  );
  const again = await Owner.open(relay, key);
  assert.deepEqual((await again.read()).messages, []);
  // The work that was paid with before buys nothing twice.
  assert.equal((await postEnvelope(relay, envelope)).status, 200);
  assert.deepEqual((await again.read()).messages, []);
});

Deno.test("posts that race with the closing of their mailbox are refused or gone", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay, freshKey(), ["read", "settings"]);
  const path = `/v1/mailboxes/${owner.mailbox}`;
  const envelopes = Array.from({ length: 40 }, () => owner.envelope());
  const posts = envelopes.map((envelope) => postEnvelope(relay, envelope));
  const closing = owner.fetch(path, { method: "DELETE" });
  const statuses = (await Promise.all(posts)).map(({ status }) => status);
  assert.equal((await closing).status, 204);
  assert.ok(statuses.every((status) => status === 201 || status === 404));
  const kinds = (await relay.dump()).map(({ key: [kind] }) => kind);
  for (const kind of ["message", "object", "segment", "mailbox", "readers"]) {
    assert.ok(!kinds.includes(kind), `${kind} is left`);
  }
});

Deno.test("a token that outlives its mailbox leaves no devices behind", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay, freshKey(), [
    "read",
    "ack",
    "settings",
  ]);
  const { cursor } = await owner.receive();
  const path = `/v1/mailboxes/${owner.mailbox}`;
  const races = ["phone", "tablet"].map((name) =>
    owner.fetch(`${path}/messages?reader=${name}`)
  );
  assert.equal((await owner.fetch(path, { method: "DELETE" })).status, 204);
  for (const { body } of await Promise.all(races)) await body?.cancel();
  await owner.read("?reader=phone");
  assert.equal((await owner.acknowledge(cursor, "desk")).status, 200);
  const kinds = (await relay.dump()).map(({ key: [kind] }) => kind);
  assert.ok(!kinds.includes("readers"), "the row of devices");
});
