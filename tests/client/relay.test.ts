/** The client's relay: what it asks, what it believes, and how it fails. */
import assert from "node:assert/strict";
import {
  ClientError,
  makeIdentity,
  readPage,
  Relay,
  RelayError,
  Session,
} from "../../client/mod.ts";
import { PROBLEMS } from "../../lib/problem.ts";
import { listen } from "../routes/listening_relay.ts";
import { assertClientError } from "./assert_client_error.ts";
import { closedUrl, FakeRelay, problem } from "./fake_relay.ts";

Deno.test("Relay takes the URL of a relay, and keeps its origin", () => {
  const table: [text: string, url: string][] = [
    ["https://relay.example", "https://relay.example"],
    ["https://relay.example/", "https://relay.example"],
    ["HTTPS://Relay.Example:443", "https://relay.example"],
    ["http://127.0.0.1:8000/", "http://127.0.0.1:8000"],
    ["http://[::1]:8000", "http://[::1]:8000"],
  ];
  for (const [text, url] of table) assert.equal(new Relay(text).url, url);
});

Deno.test("Relay refuses what is not the URL of a relay", () => {
  const texts = [
    "",
    "relay.example",
    "relay.example:443",
    "//relay.example",
    "ftp://relay.example",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "http://",
    "https://relay example",
  ];
  for (const text of texts) {
    assert.throws(
      () => new Relay(text),
      (error) =>
        error instanceof ClientError && error.code === "address-invalid",
      text,
    );
  }
});

Deno.test("a relay on another machine is not talked to in the clear", async () => {
  const hosts = [
    "relay.example",
    "localhost.relay.example",
    "127.0.0.1.relay.example",
    "128.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "192.168.1.1",
    "[::2]",
    "[fe80::1]",
    "[::ffff:10.0.0.1]",
    "127.0.0.1@relay.example",
  ];
  for (const host of hosts) {
    assert.throws(
      () => new Relay(`http://${host}:8000`),
      (error) =>
        error instanceof ClientError && error.code === "address-invalid" &&
        /https/.test(error.message),
      host,
    );
    assert.ok(new Relay(`https://${host}:8000`));
  }
  for (
    const host of [
      "localhost",
      "LOCALHOST",
      "127.0.0.1",
      "127.1",
      "127.9.9.9",
      "[::1]",
    ]
  ) {
    assert.ok(new Relay(`http://${host}:8000`), host);
  }
  await using fake = new FakeRelay(() => Response.json({}));
  await assertClientError(new Relay(fake.url).descriptor(), "relay-nonsense");
});

Deno.test("a relay that is not there is unreachable", async () => {
  const relay = new Relay(closedUrl(), { patience: 0 });
  const identity = await makeIdentity(1_024);
  const calls: (() => Promise<unknown>)[] = [
    () => relay.descriptor(),
    () => relay.verifyingKey(),
    () => relay.quote(1, 3_600),
    () => relay.postMessage(new Uint8Array(1)),
    () => relay.postMessage(new Uint8Array(1), { onUpload() {} }),
    () => new Session(relay, identity).open(),
    () => readPage(new Session(relay, identity), null),
  ];
  for (const call of calls) {
    const { message } = await assertClientError(call(), "relay-unreachable");
    assert.ok(message.includes(relay.url));
  }
});

/** What no relay answers. */
const NONSENSE: Readonly<Record<string, () => Response>> = {
  "an empty answer": () => new Response(),
  "no content": () => new Response(null, { status: 204 }),
  "a web page": () =>
    new Response("<h1>Welcome</h1>", {
      headers: { "Content-Type": "text/html" },
    }),
  "null": () => Response.json(null),
  "a list": () => Response.json([]),
  "no members": () => Response.json({}),
  "half of some JSON": () => new Response('{"id":'),
  "a web page that says not found": () =>
    new Response("<h1>Not Found</h1>", { status: 404 }),
  "a failure of a web server": () => new Response("Oh", { status: 500 }),
  "a refusal without a code": () => problem(404, { title: "Not Found" }),
  "a refusal with a code that is none": () =>
    problem(404, { code: "no-such-code" }),
  "a refusal with a code of the language": () =>
    problem(404, { code: "toString" }),
  "a refusal with a code that is no text": () => problem(404, { code: 404 }),
  "a refusal that is no object": () => problem(404, null as never),
};

Deno.test("what does not speak as a relay is nonsense", async (t) => {
  const identity = await makeIdentity(1_024);
  for (const [what, answer] of Object.entries(NONSENSE)) {
    await t.step(what, async () => {
      await using fake = new FakeRelay(answer);
      const relay = new Relay(fake.url);
      const calls: (() => Promise<unknown>)[] = [
        () => relay.descriptor(),
        () => relay.verifyingKey(),
        () => relay.quote(1, 3_600),
        () => relay.postMessage(new Uint8Array(1)),
        () => new Session(relay, identity).open(),
      ];
      for (const call of calls) {
        await assertClientError(call(), "relay-nonsense");
      }
    });
  }
});

for (const status of [502, 503, 504]) {
  Deno.test(`a ${status} without a problem document says that nobody is there now`, async () => {
    let asked = 0;
    await using fake = new FakeRelay(() =>
      ++asked === 1
        ? new Response("<h1>Nobody</h1>", { status })
        : Response.json({})
    );
    const unreachable = new Relay(fake.url, { patience: 0 });
    await assertClientError(unreachable.quote(1, 3_600), "relay-unreachable");
    asked = 0;
    // It is asked again, and answers.
    await assertClientError(
      new Relay(fake.url).quote(1, 3_600),
      "relay-nonsense",
    );
    assert.equal(asked, 2);
  });
}

Deno.test("every refusal of a relay keeps its code, its status and its members", async (t) => {
  for (const [code, { status, title }] of Object.entries(PROBLEMS)) {
    await t.step(code, async () => {
      const document = { code, status, title, detail: "why", target: "00" };
      await using fake = new FakeRelay(() => problem(status, document));
      const relay = new Relay(fake.url, { patience: 0 });
      await assert.rejects(relay.quote(1, 3_600), (error) => {
        assert.ok(error instanceof RelayError);
        assert.equal(error.code, code);
        assert.equal(error.status, status);
        assert.equal(error.message, "why");
        assert.deepEqual(error.problem, document);
        return true;
      });
    });
  }
});

Deno.test("a refusal of a real relay is told as it is", async () => {
  await using server = await listen();
  const relay = new Relay(server.url);
  const refusals: [Promise<unknown>, string][] = [
    [relay.quote(0, 3_600), "malformed"],
    [relay.quote(1e6, 3_600), "too-large"],
    [relay.postMessage(new Uint8Array(9)), "malformed"],
    [relay.postMessage(new Uint8Array(9), { onUpload() {} }), "malformed"],
    [relay.fetch("/no/such/path"), "not-found"],
  ];
  for (const [refused, code] of refusals) {
    await assert.rejects(
      refused,
      (error) => error instanceof RelayError && error.code === code,
    );
  }
});

Deno.test("Relay reads the descriptor and the price of a real relay", async () => {
  await using server = await listen();
  const relay = new Relay(`${server.url}/`);
  const { id, url, address } = await relay.descriptor();
  assert.deepEqual([url, address], [server.url, server.address]);
  assert.equal((await relay.verifyingKey()).relayId, id);
  const { target, hashes } = await relay.quote(4_096, 86_400);
  assert.equal(hashes, 10_000);
  assert.equal(target, (2n ** 256n - 1n) / 10_000n);
});

Deno.test("verifyingKey() refuses a key that the relay's id is not of", async (t) => {
  await using server = await listen();
  const honest = await new Relay(server.url).descriptor();
  const lies: Record<string, unknown> = {
    "another id": { ...honest, id: "00".repeat(32) },
    "a key that is none": {
      ...honest,
      keys: { ...honest.keys, signing: { x: "AA" } },
    },
    "no base64url": {
      ...honest,
      keys: { ...honest.keys, signing: { x: "*" } },
    },
    "another key": {
      ...honest,
      keys: { ...honest.keys, signing: { x: "A".repeat(43) } },
    },
  };
  for (const [what, descriptor] of Object.entries(lies)) {
    await t.step(what, async () => {
      await using fake = new FakeRelay(() => Response.json(descriptor));
      const relay = new Relay(fake.url);
      await assertClientError(relay.verifyingKey(), "relay-nonsense");
    });
  }
});

Deno.test("postMessage() asks for the hold that it is told, were it none", async () => {
  await using fake = new FakeRelay(() =>
    problem(413, { code: "too-large", detail: "no" })
  );
  const relay = new Relay(fake.url);
  const paths: [hold: number | undefined, path: string][] = [
    [undefined, "/v1/messages"],
    [0, "/v1/messages?hold=0"],
    [3_600, "/v1/messages?hold=3600"],
  ];
  for (const [hold] of paths) {
    await assert.rejects(relay.postMessage(new Uint8Array(1), { hold }));
  }
  assert.deepEqual(fake.asked, paths.map(([, path]) => `POST ${path}`));
});
