/** Every request has an id: in its answer, in its problem, in its log lines. */
import assert from "node:assert/strict";
import { type Log, silentLog } from "../../lib/log.ts";
import type { Fields } from "../../lib/log_form.ts";
import { createApp } from "../../routes/app.ts";
import { Owner } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

const MADE = /^[0-9a-f]{16}$/;

Deno.test("every answer has an X-Request-Id, and every problem document the same", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const seen = new Set<string>();
  const answers = [
    await relay.fetch("/health"),
    await relay.fetch("/missing"),
    await relay.fetch("/v1/mailboxes/0"),
    await relay.fetch(`/v1/mailboxes/${owner.mailbox}/messages`),
    await relay.fetch("/v1/messages", { method: "POST" }),
    await relay.fetch("/docs"),
    await relay.fetch("/health", { method: "OPTIONS" }),
    await owner.fetch(`/v1/mailboxes/${owner.mailbox}/messages`),
  ];
  for (const response of answers) {
    const id = response.headers.get("X-Request-Id") ?? "";
    assert.match(id, MADE);
    assert.ok(!seen.has(id), "an id of its own");
    seen.add(id);
    if (response.status < 400) await response.body?.cancel();
    else assert.equal((await response.json()).requestId, id);
  }
});

Deno.test("an event stream has an X-Request-Id", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const response = await owner.fetch(
    `/v1/mailboxes/${owner.mailbox}/messages`,
    { headers: { Accept: "text/event-stream", "X-Request-Id": "mine" } },
  );
  assert.equal(response.headers.get("X-Request-Id"), "mine");
  await response.body?.cancel();
});

Deno.test("an id that the caller brings is kept if it is short and plain, else one is made", async () => {
  using relay = await TestRelay.open();
  const table: [string, boolean][] = [
    ["a", true],
    ["Az09._-", true],
    ["123e4567-e89b-12d3-a456-426614174000", true],
    ["x".repeat(40), true],
    ["x".repeat(41), false],
    ["0".repeat(64), false],
    ["two words", false],
    ["<b>", false],
    ['"', false],
    ["a,b", false],
    ["é", false],
  ];
  for (const [id, isKept] of table) {
    const response = await relay.fetch("/missing", {
      headers: { "X-Request-Id": id },
    });
    const given = response.headers.get("X-Request-Id") ?? "";
    if (isKept) assert.equal(given, id);
    else assert.match(given, MADE);
    assert.equal((await response.json()).requestId, given);
  }
});

Deno.test("a failed handshake has one body, whatever its request is called", async () => {
  using relay = await TestRelay.open();
  const bodies = [];
  for (const id of ["a", "b"]) {
    const response = await relay.fetch("/v1/handshakes/0", {
      method: "POST",
      headers: {
        "Content-Type": "application/octet-stream",
        "X-Request-Id": id,
      },
      body: new Uint8Array(3),
    });
    assert.equal(response.headers.get("X-Request-Id"), id);
    bodies.push(await response.text());
  }
  assert.equal(bodies[0], bodies[1]);
});

Deno.test("a failure of the relay's own is logged with the request's id and its route, without what the path names", async () => {
  const relay = await TestRelay.open();
  const lines: [level: string, event: string, Fields][] = [];
  const note = (level: string) => (event: string, fields: Fields = {}) =>
    void lines.push([level, event, fields]);
  const log: Log = { ...silentLog, warn: note("warn"), error: note("error") };
  const app = await createApp({ ...relay.relay, log });
  const { store } = relay.relay;
  const { get } = store;
  const cause = new TypeError("a bug");
  const mailbox = "0".repeat(64);
  const ask = (path: string) =>
    app.fetch(
      new Request(new URL(path, relay.relay.url), {
        headers: { "X-Request-Id": "mine" },
      }),
    );
  store.get = () => Promise.reject(cause);
  const failed = await ask(`/v1/mailboxes/${mailbox}`);
  assert.equal(failed.status, 500);
  store.get = get;
  await ask("/missing");
  await ask("/v1/mailboxes/0");
  relay[Symbol.dispose]();
  assert.equal((await ask(`/v1/mailboxes/${mailbox}`)).status, 503);
  assert.equal(lines.length, 2, "what callers do wrong is no failure");
  const [[level, event, fields] = [], [otherLevel, , other] = []] = lines;
  assert.deepEqual([level, event], ["error", "request-failed"]);
  assert.deepEqual(fields, {
    code: "internal",
    requestId: "mine",
    method: "GET",
    route: "/v1/mailboxes/:mailbox",
    error: cause,
  });
  assert.deepEqual([otherLevel, other?.["code"]], ["warn", "busy"]);
});
