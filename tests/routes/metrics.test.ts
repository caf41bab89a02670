/** `GET /metrics` over HTTP, and that requests are counted there. */
import assert from "node:assert/strict";
import { makeIdentity } from "../../client/identity.ts";
import { readExposition, type ReadFamily, valueOf } from "../exposition.ts";
import { Problem } from "../../lib/problem.ts";
import { assertProblem } from "./assert_problem.ts";
import { postJson } from "./contract_world.ts";
import {
  askChallenge,
  makeAnswer,
  sendAnswer,
  shakeHands,
} from "./handshake_answer.ts";
import { Owner, postEnvelope } from "./owner.ts";
import { ORIGIN, TestRelay } from "./relay_fixture.ts";

const HERE = "http://127.0.0.1:8000/metrics";

async function read(relay: TestRelay): Promise<Map<string, ReadFamily>> {
  const { timers } = relay.clock;
  const response = await relay.fetchFrom("127.0.0.1", HERE);
  assert.equal(response.status, 200);
  assert.equal(
    response.headers.get("Content-Type"),
    "text/plain; version=0.0.4; charset=utf-8",
  );
  assert.equal(response.headers.get("Cache-Control"), "no-store");
  assert.equal(relay.clock.timers, timers, "its patience is called off");
  return readExposition(await response.text());
}

Deno.test("GET /metrics is there for the machine itself alone, and for others as if it was not", async () => {
  using relay = await TestRelay.open();
  await read(relay);
  const missing = await relay.fetchFrom("192.0.2.1", `${ORIGIN}/missing`);
  const table: [address: string, url: string, headers?: HeadersInit][] = [
    ["192.0.2.1", `${ORIGIN}/metrics`],
    ["192.0.2.1", HERE],
    ["127.0.0.1", `${ORIGIN}/metrics`],
    ["127.0.0.1", HERE, { "X-Forwarded-For": "127.0.0.1" }],
    ["127.0.0.1", HERE, { "Origin": "https://evil.test" }],
  ];
  for (const [address, url, headers] of table) {
    const response = await relay.fetchFrom(address, url, {
      headers: headers ?? {},
    });
    const { detail } = await assertProblem(relay, response, "not-found");
    assert.equal(detail, "there is no GET /metrics");
  }
  await assertProblem(relay, missing, "not-found");
  await assertProblem(relay, await relay.fetch("/metrics"), "not-found");
});

Deno.test("GET /metrics is for who has the token, or for all, or for none, if it is set so", async () => {
  const token = "a-secret-of-the-operator";
  using guarded = await TestRelay.open({ metricsTo: { token } });
  const ask = (relay: TestRelay, headers: HeadersInit = {}) =>
    relay.fetchFrom("192.0.2.1", `${ORIGIN}/metrics`, { headers });
  const shown = await ask(guarded, { Authorization: `Bearer ${token}` });
  assert.equal(shown.status, 200);
  readExposition(await shown.text());
  const refused = await ask(guarded, { Authorization: `Bearer ${token}x` });
  assert.match(refused.headers.get("WWW-Authenticate") ?? "", /Bearer/);
  await assertProblem(guarded, refused, "unauthorized");

  using open = await TestRelay.open({ metricsTo: "open" });
  assert.equal((await ask(open)).status, 200);
  using off = await TestRelay.open({ metricsTo: "off" });
  await assertProblem(off, await off.fetchFrom("127.0.0.1", HERE), "not-found");
});

Deno.test("GET /metrics waits two seconds for a number, and leaves it out then", async () => {
  using relay = await TestRelay.open();
  const { metrics } = relay.relay.meters;
  metrics.gauge("restante_late", "Never read.", () => new Promise(() => {}));
  metrics.gauge("restante_known", "Read at once.", () => 1);
  let isAnswered = false;
  const asked = relay.fetchFrom("127.0.0.1", HERE)
    .finally(() => isAnswered = true);
  await relay.clock.waitedFor();
  relay.clock.advance(1_999);
  await (await relay.fetch("/health")).body?.cancel(); // asked later, answered
  assert.equal(isAnswered, false);
  relay.clock.advance(1);
  const families = readExposition(await (await asked).text());
  assert.equal(valueOf(families, "restante_known", {}), 1);
  assert.equal(families.has("restante_late"), false);
});

Deno.test("an answer to a challenge that the store cannot take is none that failed", async () => {
  using relay = await TestRelay.open();
  const { key: signer } = await makeIdentity(1024);
  const challenge = await askChallenge(relay, signer.publicKey);
  const { time } = relay.clock;
  const answer = await makeAnswer({ challenge, signer, time });
  const { store } = relay.relay;
  const { getMany } = store;
  store.getMany = () => Promise.reject(new Problem("busy", "of the test"));
  const refused = await sendAnswer(relay, challenge.handshake, answer);
  store.getMany = getMany;
  await assertProblem(relay, refused, "busy");
  const families = await read(relay);
  const count = (step: string) =>
    valueOf(families, "restante_handshakes_total", { step });
  assert.deepEqual(["asked", "answered", "failed"].map(count), [1, 0, 0]);
});

Deno.test("what is posted, refused and answered is counted", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const envelope = owner.envelope({ size: 1_500, hashes: 11_000 });
  await owner.receive(envelope);
  assert.equal((await postEnvelope(relay, envelope)).status, 200);
  await owner.receive(owner.envelope({ size: 700, hashes: 20_000 }));
  await (await relay.fetch("/v1/mailboxes/0")).body?.cancel();
  await (await relay.fetch("/nowhere")).body?.cancel();
  await (await relay.fetch("/nowhere")).body?.cancel();
  const { key } = await makeIdentity(1024);
  await shakeHands(relay, key);
  const question = { publicKey: key.publicKey.toHex() };
  await postJson(relay, "/v1/handshakes", question);
  const failed = await relay.fetch("/v1/handshakes/0", {
    method: "POST",
    headers: { "Content-Type": "application/octet-stream" },
    body: new Uint8Array(10),
  });
  await assertProblem(relay, failed, "handshake-failed");
  const untyped = await relay.fetch("/v1/handshakes/0", {
    method: "POST",
    body: new Uint8Array(10),
  });
  await assertProblem(relay, untyped, "unsupported-media-type"); // it is none

  const families = await read(relay);
  const table: [string, Record<string, string>, number][] = [
    ["restante_messages_total", { outcome: "stored" }, 2],
    ["restante_messages_total", { outcome: "repeated" }, 1],
    ["restante_message_bytes_total", { outcome: "stored" }, 2_200],
    ["restante_message_bytes_total", { outcome: "repeated" }, 1_500],
    ["restante_work_hashes_total", {}, 31_000],
    ["restante_refusals_total", { code: "malformed" }, 1],
    ["restante_refusals_total", { code: "not-found" }, 2],
    ["restante_refusals_total", { code: "handshake-failed" }, 1],
    ["restante_refusals_total", { code: "busy" }, 0],
    ["restante_handshakes_total", { step: "asked" }, 2],
    ["restante_handshakes_total", { step: "answered" }, 1],
    ["restante_handshakes_total", { step: "failed" }, 1],
  ];
  for (const [name, labels, value] of table) {
    assert.equal(
      valueOf(families, name, labels),
      value,
      `${name} ${Object.values(labels)}`,
    );
  }
});
