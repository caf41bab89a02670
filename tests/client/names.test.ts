/** Names: asked for where they say, and believed if they fit together. */
import assert from "node:assert/strict";
import { makeIdentity, Relay, resolveRecipient } from "../../client/mod.ts";
import { listen } from "../routes/listening_relay.ts";
import { assertClientError } from "./assert_client_error.ts";
import { FakeRelay, problem } from "./fake_relay.ts";

const ALICE = await makeIdentity(1_024);
const RECORD = {
  name: "alice",
  mailbox: ALICE.mailbox,
  publicKey: ALICE.key.publicKey.toHex(),
  relays: ["https://home.example"],
  record: null,
  log: [],
  tokenId: null,
};

Deno.test("resolveRecipient() asks the relay that a name names, or the one it is given", async () => {
  await using fake = new FakeRelay(() => Response.json(RECORD));
  const host = new URL(fake.url).host;
  const expected = {
    publicKey: ALICE.key.publicKey,
    relayUrl: "https://home.example",
  };
  assert.deepEqual(await resolveRecipient(`alice@${host}`), expected);
  const relay = new Relay(fake.url);
  assert.deepEqual(await resolveRecipient("alice", { relay }), expected);
  assert.deepEqual(fake.asked, Array(2).fill("GET /v1/names/alice"));
});

Deno.test("resolveRecipient() takes the asked relay for home where none is named", async () => {
  await using fake = new FakeRelay(() =>
    Response.json({ ...RECORD, relays: [] })
  );
  const relay = new Relay(fake.url);
  const { relayUrl } = await resolveRecipient("alice", { relay });
  assert.equal(relayUrl, fake.url);
});

Deno.test("resolveRecipient() reads addresses without asking anybody", async () => {
  await using fake = new FakeRelay(() => Response.json(RECORD));
  const relay = new Relay(fake.url);
  const key = ALICE.key.publicKey.toHex();
  const { publicKey, relayUrl } = await resolveRecipient(key, { relay });
  assert.deepEqual(publicKey, ALICE.key.publicKey);
  assert.equal(relayUrl, null);
  assert.deepEqual(fake.asked, []);
  for (const text of ["alice", "", "alice@", "alice@no host", "alice@a@b"]) {
    await assertClientError(resolveRecipient(text), "address-invalid");
  }
});

Deno.test("resolveRecipient() says that nobody is named so", async () => {
  const gone = { code: "name-unknown", status: 404, detail: "no" };
  await using fake = new FakeRelay(() => problem(404, gone));
  await using server = await listen();
  for (const url of [fake.url, server.url]) {
    const { message } = await assertClientError(
      resolveRecipient(`alice@${new URL(url).host}`),
      "name-unknown",
    );
    assert.equal(message, `${url} knows nobody named "alice"`);
  }
});

Deno.test("resolveRecipient() believes no answer that does not fit together", async (t) => {
  const changes: Record<string, unknown>[] = [
    { name: "bob" },
    { mailbox: "0".repeat(64) },
    { publicKey: "00" },
    { publicKey: "x" },
    { relays: ["javascript:alert(1)"] },
    { relays: null },
  ];
  for (const change of changes) {
    await t.step(JSON.stringify(change), async () => {
      await using fake = new FakeRelay(() =>
        Response.json({ ...RECORD, ...change })
      );
      const relay = new Relay(fake.url);
      await assertClientError(
        resolveRecipient("alice", { relay }),
        "relay-nonsense",
      );
    });
  }
});
