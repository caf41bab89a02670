/** A quota that an operator gave a mailbox counts where it is stored and quoted. */
import assert from "node:assert/strict";
import { setMailboxQuota } from "../../kv/mail/admin.ts";
import { assertProblem } from "./assert_problem.ts";
import { HOUR } from "./clock.ts";
import { postJson } from "./contract_world.ts";
import { Owner, postEnvelope } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

Deno.test("a mailbox's own quota is what it is full by, and no other mailbox is", async () => {
  using relay = await TestRelay.open();
  const [owner, other] = [await Owner.open(relay), await Owner.open(relay)];
  const { store, quotas } = relay.relay;
  await setMailboxQuota(store, owner.mailbox, { messages: 4 }, quotas.mailbox);
  await owner.receive();
  await other.receive();
  await other.receive();
  await other.receive();
  await setMailboxQuota(store, owner.mailbox, { messages: 1 }, quotas.mailbox);
  const full = await postEnvelope(relay, owner.envelope());
  await assertProblem(relay, full, "mailbox-full");
  await other.receive();
  await setMailboxQuota(store, owner.mailbox, null, quotas.mailbox);
  await owner.receive();
});

Deno.test("a mailbox's own quota is what its price is quoted by", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const { store, quotas } = relay.relay;
  await owner.receive();
  relay.clock.advance(2 * HOUR); // a quote tells what there was
  const quoted = async () => {
    const response = await postJson(relay, "/v1/quotes", {
      bytes: 40_960,
      seconds: 86_400,
      mailbox: owner.mailbox,
    });
    return (await response.json()).work.hashes;
  };
  assert.equal(await quoted(), 100_000);
  await setMailboxQuota(store, owner.mailbox, { messages: 2 }, quotas.mailbox);
  assert.equal(await quoted(), 32 * 100_000);
});
