/** Receipts: the relay's word that anybody can check. */
import assert from "node:assert/strict";
import { loadRelayKeys } from "../../kv/relay_keys.ts";
import { openStore } from "../../kv/store/store.ts";
import { ReceiptError, signReceipt, verifyReceipt } from "../../lib/receipt.ts";
import {
  generateSigningKey,
  importVerifyingKey,
  importVerifyingKeys,
} from "../../lib/signing_key.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { Clock } from "./clock.ts";
import { Owner, postEnvelope, type Stored } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { receiptRoot } from "../../lib/object.ts";
import { makeRelayKeys, sharedPkcs8 } from "./shared_keys.ts";

/** The key in a relay's descriptor, by which anybody checks its receipts. */
async function publishedKey(relay: TestRelay) {
  const descriptor = await (await relay.fetch("/.well-known/restante")).json();
  const key = await importVerifyingKey(descriptor.keys.signing.x);
  assert.equal(key.relayId, descriptor.id);
  return key;
}

/** Fails unless a receipt says what was answered and listed. */
async function assertSays(
  relay: TestRelay,
  stored: Stored,
  envelope: Bytes,
): Promise<void> {
  const key = await publishedKey(relay);
  const receipt = await verifyReceipt(stored.receipt, key);
  assert.deepEqual({ ...receipt }, {
    iss: key.relayId,
    sub: stored.mailbox,
    jti: stored.id,
    object: stored.object,
    root: receiptRoot(envelope),
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
      const bytes = owner.envelope(envelope);
      const stored = await owner.receive(bytes, query);
      await assertSays(relay, stored, bytes);
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
    const envelope = envelopes[i];
    assert.ok(envelope);
    const again = await postEnvelope(relay, envelope);
    assert.deepEqual(await again.json(), stored);
    await assertSays(relay, stored, envelope);
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

Deno.test("a receipt outlives the key that signed it: the descriptor lists the key with its end", async (t) => {
  await using directory = await TempDirectory.make();
  const kv = directory.file("store.kv");
  const clock = new Clock();
  const { maxima } = await sharedPkcs8();
  const pkcs8 = [await generateSigningKey(), await generateSigningKey()];
  const start = async (signing?: Uint8Array<ArrayBuffer>) => {
    using store = await openStore(kv, clock.now);
    const given = { maxima, ...(signing && { signing }) };
    const keys = await loadRelayKeys(store, given, clock.now);
    return await TestRelay.open({ kv, keys, clock });
  };
  const descriptorOf = async (relay: TestRelay) =>
    await (await relay.fetch("/.well-known/restante")).json();

  let first, tag, retired;
  {
    using relay = await start(pkcs8[0]);
    retired = relay.relay.keys.signing;
    const owner = await Owner.open(relay);
    const envelope = owner.envelope();
    const stored = await owner.receive(envelope);
    const answer = await relay.fetch("/.well-known/restante");
    tag = answer.headers.get("ETag");
    assert.deepEqual((await answer.json()).keys.former, []);
    first = { envelope, stored };
  }
  clock.advance(1_000);
  using relay = await start(pkcs8[1]);
  const descriptor = await descriptorOf(relay);
  const keys = await importVerifyingKeys(descriptor.keys, clock.now());
  await t.step("the descriptor has it, under its own id", async () => {
    assert.deepEqual(descriptor.keys.former, [
      { ...retired.jwk, until: clock.now() },
    ]);
    assert.notEqual(descriptor.id, retired.relayId);
    const answer = await relay.fetch("/.well-known/restante", {
      headers: { "If-None-Match": tag ?? "" },
    });
    assert.equal(answer.status, 200);
    await answer.body?.cancel();
  });
  await t.step("its receipts are good, by the relay that it was", async () => {
    const { receipt, id } = first.stored;
    const said = await verifyReceipt(receipt, keys);
    assert.deepEqual([said.jti, said.iss], [id, retired.relayId]);
    await assert.rejects(
      verifyReceipt(receipt, keys.slice(0, 1)),
      ReceiptError,
    );
  });
  await t.step(
    "the same message again has a receipt of the new key",
    async () => {
      const again = await (await postEnvelope(relay, first.envelope)).json();
      const said = await verifyReceipt(again.receipt, keys);
      assert.equal(said.iss, descriptor.id);
      const { iss: _, ...facts } = said;
      const { iss: __, ...before } = await verifyReceipt(
        first.stored.receipt,
        keys,
      );
      assert.deepEqual(facts, before);
    },
  );
  await t.step("what the old key signs after its end is none", async () => {
    const { iss: _, ...facts } = await verifyReceipt(
      first.stored.receipt,
      keys,
    );
    const iat = Math.floor(clock.now() / 1_000);
    for (const [later, isGood] of [[0, true], [1, false]] as const) {
      const forged = await signReceipt(retired, { ...facts, iat: iat + later });
      if (isGood) await verifyReceipt(forged, keys);
      else await assert.rejects(verifyReceipt(forged, keys), ReceiptError);
    }
  });
});
