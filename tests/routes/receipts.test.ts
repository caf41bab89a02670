/** Receipts: the relay's word that anybody can check. */
import assert from "node:assert/strict";
import { ReceiptError, verifyReceipt } from "../../lib/receipt.ts";
import { importVerifyingKey } from "../../lib/signing_key.ts";
import { Owner, postEnvelope, type Stored } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";
import { makeRelayKeys } from "./shared_keys.ts";

/** The key in a relay's descriptor, by which anybody checks its receipts. */
async function publishedKey(relay: TestRelay) {
  const descriptor = await (await relay.fetch("/.well-known/restante")).json();
  const key = await importVerifyingKey(descriptor.keys.signing.x);
  assert.equal(key.relayId, descriptor.id);
  return key;
}

/** Fails unless a receipt says what was answered and listed. */
async function assertSays(relay: TestRelay, stored: Stored): Promise<void> {
  const key = await publishedKey(relay);
  const receipt = await verifyReceipt(stored.receipt, key);
  assert.deepEqual({ ...receipt }, {
    iss: key.relayId,
    sub: stored.mailbox,
    jti: stored.id,
    object: stored.object,
    size: stored.size,
    cursor: stored.cursor,
    iat: Math.floor(stored.storedAt / 1_000),
    exp: Math.floor(stored.holdUntil / 1_000),
    paid: stored.paid,
  });
}

Deno.test("a receipt is signed by the published key, and says what was stored", async (t) => {
  using relay = await TestRelay.open();
  relay.clock.advance(123); // times are not whole seconds
  const owner = await Owner.open(relay);
  const table = [
    { size: 1_500, hashes: 10_000, query: "" },
    { size: 1_500, hashes: 12_345, query: "?hold=4000&minBandwidth=9" },
    { size: 100_000, hashes: 100_000, query: "?priority=critical" },
  ];
  for (const { query, ...envelope } of table) {
    await t.step(`${envelope.size} bytes ${query}`, async () => {
      const stored = await owner.receive(owner.envelope(envelope), query);
      await assertSays(relay, stored);
      assert.equal(stored.paid.hashes, envelope.hashes);
      const { messages } = await owner.read();
      const listed = messages.find(({ id }) => id === stored.id);
      assert.ok(listed);
      for (
        const fact of [
          "cursor",
          "object",
          "size",
          "storedAt",
          "holdUntil",
        ] as const
      ) {
        assert.equal(listed[fact], stored[fact], fact);
      }
    });
  }
});

Deno.test("a message whose hold has ended, or that was deleted, has the same receipt as ever", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const envelopes = [owner.envelope(), owner.envelope()];
  const [first, second] = await Promise.all(
    envelopes.map((envelope) => owner.receive(envelope)),
  );
  await owner.delete(first?.cursor ?? "");
  relay.clock.advance(100 * 86_400_000);
  for (const [i, stored] of [first, second].entries()) {
    assert.ok(stored);
    const again = await postEnvelope(relay, envelopes[i] ?? "");
    assert.deepEqual(await again.json(), stored);
    await assertSays(relay, stored);
  }
});

Deno.test("a receipt that was changed, or is another relay's, is none", async (t) => {
  using relay = await TestRelay.open();
  using otherRelay = await TestRelay.open({ keys: await makeRelayKeys() });
  const { receipt } = await (await Owner.open(relay)).receive();
  const key = await publishedKey(relay);
  const [header = "", payload = "", signature = ""] = receipt.split(".");
  const claims = JSON.parse(atob(payload));
  const more = btoa(JSON.stringify({ ...claims, size: claims.size + 1 }));
  const forged: Record<string, string> = {
    "another size": `${header}.${more.replaceAll("=", "")}.${signature}`,
    "no signature": `${header}.${payload}.`,
    "no payload": `${header}..${signature}`,
    "nothing": "",
  };
  for (const [what, jws] of Object.entries(forged)) {
    await t.step(
      what,
      () => assert.rejects(verifyReceipt(jws, key), ReceiptError),
    );
  }
  await t.step("another relay's", async () => {
    const otherKey = await publishedKey(otherRelay);
    await assert.rejects(verifyReceipt(receipt, otherKey), ReceiptError);
  });
});
