/** Everybody's mail in the mailboxes of one shard, which is counted in one number. */
import assert from "node:assert/strict";
import { readConfig } from "../../config.ts";
import { keys, shardOf } from "../../kv/kinds.ts";
import { ledgerOf } from "../../kv/mail/ledger.ts";
import { MOST_COUNTED, packed, relayUsage } from "../../kv/mail/usage.ts";
import { DEFAULT_QUOTAS } from "../../lib/quota.ts";
import { assertProblem } from "../routes/assert_problem.ts";
import { Owner, postEnvelope } from "../routes/owner.ts";
import { TestRelay } from "../routes/relay_fixture.ts";

Deno.test("a relay whose messages are all of one shard counts them, and is full at its quota", async () => {
  using relay = await TestRelay.open();
  const { store } = relay.relay;
  const owner = await Owner.open(relay);
  const shard = keys.relayUsage(shardOf(owner.mailbox));
  const { messages } = DEFAULT_QUOTAS.relay;
  const before = await relayUsage(store);
  await store.commit((operation) => {
    operation.sum(shard, packed({ bytes: 0, messages }));
  });
  const { bytes } = before;
  const all = { bytes, messages: before.messages + messages };
  assert.deepEqual(await relayUsage(store), all);
  await ledgerOf(store).countRelay();
  await assertProblem(
    relay,
    await postEnvelope(relay, owner.envelope()),
    "relay-full",
  );
  await store.commit((operation) => {
    operation.sum(shard, packed({ bytes: 0, messages: -messages }));
  });
  assert.deepEqual(await relayUsage(store), before);
});

Deno.test("no relay's quota is more than one shard counts", () => {
  const read = (variable: string, text: string) =>
    readConfig((name) => name === variable ? text : undefined);
  for (
    const [variable, most, counted] of [
      ["RESTANTE_RELAY_BYTES", 1e12, MOST_COUNTED.bytes],
      ["RESTANTE_RELAY_MESSAGES", 16e6, MOST_COUNTED.messages],
    ] as const
  ) {
    assert.ok(most <= counted);
    read(variable, String(most));
    assert.throws(() => read(variable, String(most + 1)));
  }
});
