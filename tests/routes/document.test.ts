/** What the OpenAPI document says beside outcomes: bounds, and caps. */
import assert from "node:assert/strict";
import { SETTINGS } from "../../config.ts";
import { CAP_NOTES, DEFAULT_CAPS } from "../../relay/caps.ts";
import { askChallenge } from "./handshake_answer.ts";
import { Owner } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema: Readonly<Record<string, unknown>>;
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<
    Record<string, { readonly headers?: Readonly<Record<string, unknown>> }>
  >;
}

async function readDocument(relay: TestRelay) {
  const response = await relay.fetch("/openapi.json");
  const document = await response.json();
  const operations: [method: string, path: string, Operation][] = [];
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(Object(methods))) {
      operations.push([method.toUpperCase(), path, operation as Operation]);
    }
  }
  return { document, operations };
}

/** Header fields whose form is that of HTTP itself. */
const FREE_TEXT = new Set(["range", "if-none-match", "if-range", "prefer"]);

Deno.test("every parameter of every operation says what is enforced of it", async (t) => {
  using relay = await TestRelay.open();
  const { operations } = await readDocument(relay);
  let count = 0;
  for (const [method, path, { parameters = [] }] of operations) {
    for (const { name, in: place, schema } of parameters) {
      if (FREE_TEXT.has(name)) continue;
      count++;
      await t.step(`${method} ${path}: ${place} ${name}`, () => {
        if (schema["type"] === "integer") {
          assert.equal(typeof schema["minimum"], "number");
          assert.equal(typeof schema["maximum"], "number");
        } else {
          assert.ok(schema["enum"] ?? schema["pattern"], "a pattern");
        }
      });
    }
  }
  assert.ok(count >= 14);
});

Deno.test("the document's bounds are those that are enforced", async () => {
  using relay = await TestRelay.open();
  const { document } = await readDocument(relay);
  const quote = document.components.schemas.QuoteRequest.properties;
  const base = { bytes: 1, seconds: 3_600 };
  const post = async (members: object) => {
    const response = await relay.fetch("/v1/quotes", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...base, ...members }),
    });
    await response.body?.cancel();
    return response.status;
  };
  for (const name of ["bytes", "seconds"] as const) {
    const { minimum, maximum } = quote[name];
    assert.equal(await post({ [name]: minimum }), 200, `${name} ${minimum}`);
    assert.equal(await post({ [name]: maximum }), 200, `${name} ${maximum}`);
    assert.notEqual(await post({ [name]: minimum - 1 }), 200);
    assert.notEqual(await post({ [name]: maximum + 1 }), 200);
  }
  assert.ok(!new RegExp(quote.mailbox.pattern).test("A".repeat(64)));
});

Deno.test("what the relay gives out is of the form that the document says it takes", async (t) => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const { cursor, object } = await owner.receive();
  const { handshake } = await askChallenge(relay, owner.publicKey);
  const given: Record<string, string> = {
    "mailbox": owner.mailbox,
    "object": object,
    "cursor": cursor,
    "after": cursor,
    "last-event-id": cursor,
    "handshake": handshake,
    "reader": "phone",
  };
  const { operations } = await readDocument(relay);
  for (const [method, path, { parameters = [] }] of operations) {
    for (const { name, schema } of parameters) {
      if (schema["pattern"] === undefined) continue;
      await t.step(`${method} ${path}: ${name}`, () => {
        const form = new RegExp(String(schema["pattern"]));
        assert.match(given[name] ?? "nothing is known of it", form);
      });
    }
  }
});

Deno.test("the document has every cap with its value in force, and each is a setting", async () => {
  using relay = await TestRelay.open({ caps: { streams: 7 } });
  const { document } = await readDocument(relay);
  const limits = document["x-limits"];
  assert.deepEqual(Object.keys(limits), Object.keys(CAP_NOTES));
  assert.deepEqual(Object.keys(DEFAULT_CAPS), Object.keys(CAP_NOTES));
  assert.equal(limits.streams.value, 7);
  for (
    const [name, { value, description }] of Object.entries<{
      value: number;
      description: string;
    }>(limits)
  ) {
    assert.ok(name in SETTINGS, name);
    assert.equal(typeof value, "number");
    assert.notEqual(description, "");
  }
});

/** Operations for the operator's own tools. */
const FREE = new Set([
  "GET /health",
  "GET /health/ready",
  "GET /metrics",
]);

Deno.test("every unpaid operation is 429 for an address that asked too often, as documented", async (t) => {
  using relay = await TestRelay.open({ caps: { addressRate: 2 } });
  const { operations } = await readDocument(relay);
  const info = { remoteAddr: { hostname: "2001:db8::1" } };
  const neighbour = { remoteAddr: { hostname: "2001:db8::2" } };
  for (let i = 0; i < 2; i++) await relay.fetch("/docs", {}, info);
  for (const [method, path, { responses }] of operations) {
    await t.step(`${method} ${path}`, async () => {
      const place = path.replaceAll(/\{\w+\}/g, "0");
      // What is paid for is charged once it is refused.
      const response = await relay.fetch(place, { method }, neighbour);
      if (FREE.has(`${method} ${path}`)) {
        assert.notEqual(response.status, 429);
        return;
      }
      assert.equal(response.status, 429);
      assert.equal((await response.json()).code, "rate-limited");
      assert.equal(response.headers.get("RateLimit"), '"address";r=0;t=30');
      assert.equal(
        response.headers.get("RateLimit-Policy"),
        '"address";q=2;w=60',
      );
      assert.equal(response.headers.get("Retry-After"), "30");
      for (const header of Object.keys(responses["429"]?.headers ?? { X: 0 })) {
        assert.ok(response.headers.has(header), header);
      }
    });
  }
  const stranger = { remoteAddr: { hostname: "2001:db8:0:1::1" } };
  assert.equal((await relay.fetch("/docs", {}, stranger)).status, 200);
  relay.clock.advance(30_000);
  assert.equal((await relay.fetch("/docs", {}, info)).status, 200);
  assert.equal((await relay.fetch("/docs", {}, info)).status, 429);
});

Deno.test("behind a trusted proxy it is the client who asked too often", async () => {
  using relay = await TestRelay.open({ caps: { addressRate: 1 }, proxies: 1 });
  const from = (client: string) =>
    relay.fetch(
      "/docs",
      { headers: { "X-Forwarded-For": `6.6.6.6, ${client}` } },
      { remoteAddr: { hostname: "10.0.0.1" } },
    );
  assert.equal((await from("1.1.1.1")).status, 200);
  assert.equal((await from("1.1.1.1")).status, 429);
  assert.equal((await from("2.2.2.2")).status, 200);
});

Deno.test("a token that is used too often is 429, whatever address it comes from", async () => {
  using relay = await TestRelay.open({ caps: { tokenRate: 2 } });
  const owner = await Owner.open(relay);
  const token = await owner.token();
  const read = (bearer: string) =>
    relay.fetch(`/v1/mailboxes/${owner.mailbox}/messages`, {
      headers: { Authorization: `Bearer ${bearer}` },
    });
  assert.equal((await read(token)).status, 200);
  assert.equal((await read(token)).status, 200);
  const refused = await read(token);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get("RateLimit-Policy"), '"token";q=2;w=60');
  assert.equal((await read(await owner.token())).status, 200);
  assert.deepEqual(relay.app.use.unpaid.tokens.refused, 1);
});
