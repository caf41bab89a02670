/** Names: asked for where they say, and believed if they fit together. */
import assert from "node:assert/strict";
import {
  makeIdentity,
  Relay,
  RelayError,
  resolveRecipient,
} from "../../client/mod.ts";
import { mailboxIdOf } from "../../lib/ids.ts";
import { PROBLEMS } from "../../lib/problem.ts";
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

Deno.test("resolveRecipient() takes the first of several homes", async () => {
  const relays = [
    "https://b.example",
    "https://a.example",
    "https://c.example",
  ];
  await using fake = new FakeRelay(() => Response.json({ ...RECORD, relays }));
  const relay = new Relay(fake.url);
  const { relayUrl } = await resolveRecipient("alice", { relay });
  assert.equal(relayUrl, relays[0]);
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

Deno.test("resolveRecipient() tells a relay's refusal as it is, unless it knows no such name", async (t) => {
  for (const [code, { status }] of Object.entries(PROBLEMS)) {
    if (status === 404) continue;
    await t.step(code, async () => {
      await using fake = new FakeRelay(() => problem(status, { code }));
      const relay = new Relay(fake.url, { patience: 0 });
      await assert.rejects(
        resolveRecipient("alice", { relay }),
        (error) => error instanceof RelayError && error.code === code,
      );
    });
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

Deno.test("a name's home is reached by https, or is this machine's by this machine's own word", async (t) => {
  const table: [home: string, isGood: boolean][] = [
    ["https://home.example", true],
    ["https://home.example:8443", true],
    ["http://home.example", false],
    ["HTTP://home.example", false],
    ["http://192.168.1.1", false],
    ["http://localhost:8000", true],
    ["http://127.0.0.1:8000", true],
    ["http://[::1]:8000", true],
  ];
  for (const [home, isGood] of table) {
    await t.step(home, async () => {
      await using fake = new FakeRelay(() =>
        Response.json({ ...RECORD, relays: [home] })
      );
      const found = resolveRecipient("alice", { relay: new Relay(fake.url) });
      if (isGood) assert.equal((await found).relayUrl, home);
      else await assertClientError(found, "relay-nonsense");
    });
  }
  await t.step("a relay elsewhere that names this machine", async () => {
    class FarRelay extends Relay {
      override fetch(): Promise<Response> {
        const relays = ["http://127.0.0.1:8000"];
        return Promise.resolve(Response.json({ ...RECORD, relays }));
      }
    }
    const relay = new FarRelay("https://far.example");
    const found = resolveRecipient("alice", { relay });
    await assertClientError(found, "relay-nonsense");
  });
});

Deno.test("a name of what is no key is nonsense, though the mailbox is that key's", async () => {
  for (const length of [1, 2, 300, 4_097]) {
    const publicKey = new Uint8Array(length);
    const record = {
      ...RECORD,
      publicKey: publicKey.toHex(),
      mailbox: mailboxIdOf(publicKey),
    };
    await using fake = new FakeRelay(() => Response.json(record));
    const found = resolveRecipient("alice", { relay: new Relay(fake.url) });
    await assertClientError(found, "relay-nonsense");
  }
});
