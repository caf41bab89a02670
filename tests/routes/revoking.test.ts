/** What a revoked token may still do: nothing, and its streams end. */
import assert from "node:assert/strict";
import { revokeTokens } from "../../kv/mail/admin.ts";
import {
  closeMailbox,
  completeHandshake,
  findMailbox,
} from "../../kv/mail/mailboxes.ts";
import { KNOWN_FOR } from "../../relay/revocations.ts";
import { assertProblem } from "./assert_problem.ts";
import { EventSourceParserStream } from "./event_source.ts";
import { Owner } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

Deno.test("a stolen token that was revoked reads, acknowledges and deletes nothing, and a new one does", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const { cursor, object } = await owner.receive();
  const headers = { Authorization: `Bearer ${await owner.token()}` };
  const path = `/v1/mailboxes/${owner.mailbox}`;
  const asks: [string, RequestInit?][] = [
    [`${path}/messages`],
    [`/v1/objects/${object}`],
    [`${path}/messages/${cursor}`, { method: "DELETE" }],
  ];
  const [[first] = [""]] = asks;
  assert.equal((await relay.fetch(first, { headers })).status, 200);
  await revokeTokens(relay.relay.store, owner.mailbox, relay.clock.time);
  relay.clock.advance(KNOWN_FOR);
  for (const [path, init] of asks) {
    const refused = await relay.fetch(path, { ...init, headers });
    await assertProblem(relay, refused, "unauthorized");
  }
  assert.equal((await owner.read()).messages.length, 1);
  const stranger = await Owner.open(relay);
  assert.equal((await stranger.read()).messages.length, 0);
});

Deno.test("a stream under a token that was revoked ends without another message", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const headers = { Authorization: `Bearer ${await owner.token()}` };
  const path = `/v1/mailboxes/${owner.mailbox}/messages`;
  const response = await relay.fetch(path, {
    headers: { ...headers, Accept: "text/event-stream" },
  });
  assert.ok(response.body);
  const events = response.body.pipeThrough(new EventSourceParserStream())
    .getReader();
  assert.equal((await events.read()).value?.event, "open");
  await revokeTokens(relay.relay.store, owner.mailbox, relay.clock.time);
  relay.clock.advance(KNOWN_FOR);
  const refused = await relay.fetch(path, { headers });
  await assertProblem(relay, refused, "unauthorized");
  await owner.receive();
  const { value } = await events.read();
  assert.equal(value?.event, "end");
  assert.deepEqual(JSON.parse(value?.data ?? ""), { reason: "token-expired" });
  assert.equal((await events.read()).done, true);
});

Deno.test("a stolen token that was revoked stays so when its mailbox is closed and opened again", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const headers = { Authorization: `Bearer ${await owner.token()}` };
  const path = `/v1/mailboxes/${owner.mailbox}`;
  const { store } = relay.relay;
  await revokeTokens(store, owner.mailbox, relay.clock.time);
  relay.clock.advance(KNOWN_FOR);
  const ask = () => relay.fetch(`${path}/messages`, { headers });
  await assertProblem(relay, await ask(), "unauthorized");
  assert.ok(await closeMailbox(store, owner.mailbox, relay.clock.time));
  relay.clock.advance(120_000);
  assert.equal(await findMailbox(store, owner.mailbox), null);
  await ask(); // so that it is looked at while there is none
  const handshake = {
    id: "00".repeat(34),
    expires: relay.clock.time + 60_000,
    publicKey: owner.publicKey,
  };
  const opened = await completeHandshake(store, handshake, relay.clock.time);
  assert.deepEqual(opened, { created: true });
  await assertProblem(relay, await ask(), "unauthorized");
  await owner.receive();
  assert.equal((await owner.read()).messages.length, 1);
});
