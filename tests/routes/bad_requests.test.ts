/** Requests that are wrong apart from any envelope: JSON, cursors, paths. */
import assert from "node:assert/strict";
import type { ProblemCode } from "../../lib/problem.ts";
import { assertProblem } from "./assert_problem.ts";
import { postJson } from "./contract_world.ts";
import { Owner } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";
import { assertUnchanged } from "./unchanged.ts";

const HOUR = 3_600;

/** JSON that is read by every route, and is right for none. */
const NO_JSON: readonly string[] = [
  "",
  " ",
  "{",
  "{}",
  "[]",
  "null",
  "true",
  "0",
  '"text"',
  "{'bytes': 1}",
  '{"bytes":1,}',
  "\u0000",
  '{"__proto__":{"bytes":1,"seconds":3600}}',
  "[".repeat(8_000),
  `{"a":${"[".repeat(4_000)}${"]".repeat(4_000)}}`,
];

/** Bodies of `POST /v1/quotes`. */
const BAD_QUOTES: readonly [unknown, ProblemCode][] = [
  [{ bytes: 0, seconds: HOUR }, "malformed"],
  [{ bytes: -1, seconds: HOUR }, "malformed"],
  [{ bytes: 1.5, seconds: HOUR }, "malformed"],
  [{ bytes: "1", seconds: HOUR }, "malformed"],
  [{ bytes: null, seconds: HOUR }, "malformed"],
  [{ bytes: 2 ** 53, seconds: HOUR }, "malformed"],
  ['{"bytes":1e999,"seconds":3600}', "malformed"],
  [{ bytes: 327_688, seconds: HOUR }, "too-large"],
  [{ bytes: 1, seconds: HOUR - 1 }, "malformed"],
  [{ bytes: 1, seconds: 30 * 24 * HOUR + 1 }, "malformed"],
  [{ bytes: 1, seconds: HOUR, mailbox: "" }, "malformed"],
  [{ bytes: 1, seconds: HOUR, mailbox: "A".repeat(64) }, "malformed"],
  [{ bytes: 1, seconds: HOUR, mailbox: null }, "malformed"],
  [{ bytes: 1, seconds: HOUR, mailbox: "0".repeat(64) }, "mailbox-unknown"],
];

const SPKI = "302a300506032b6570032100" + "00".repeat(32);

/** Bodies of `POST /v1/handshakes`. */
const BAD_KEYS: readonly unknown[] = [
  { publicKey: "" },
  { publicKey: "0" },
  { publicKey: "00" },
  { publicKey: `0x${SPKI}` },
  { publicKey: SPKI.toUpperCase() },
  { publicKey: `${SPKI}00` },
  { publicKey: SPKI.slice(2) },
  { publicKey: [SPKI] },
  { publicKey: "00".repeat(4_097) },
];

/** Bodies of the acknowledgement. */
const BAD_ACKS = (start: string): readonly unknown[] => [
  { through: "" },
  { through: 0 },
  { through: start.toUpperCase().replaceAll("0", "A") },
  { through: `${start}0` },
  { through: start, reader: "" },
  { through: start, reader: "a b" },
  { through: start, reader: "a/b" },
  { through: start, reader: "é" },
  { through: start, reader: "a".repeat(65) },
  { through: start, reader: 1 },
  { reader: "phone" },
];

/** A body, where it goes, and what is said of it. */
type Row = [path: string, body: unknown, code: ProblemCode];

Deno.test("routes that take JSON refuse other JSON, and store nothing", async (t) => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const { next: start } = await owner.read();
  const ack = `/v1/mailboxes/${owner.mailbox}/ack`;
  const headers = {
    "Content-Type": "application/json",
    "Authorization": `Bearer ${await owner.token()}`,
  };
  const table: Row[] = [
    ...["/v1/quotes", "/v1/handshakes", ack].flatMap((path) =>
      NO_JSON.map((text): Row => [path, text, "malformed"])
    ),
    ...BAD_QUOTES.map(([body, code]): Row => ["/v1/quotes", body, code]),
    ...BAD_KEYS.map((body): Row => ["/v1/handshakes", body, "malformed"]),
    ...BAD_ACKS(start).map((body): Row => [ack, body, "malformed"]),
  ];
  for (const [path, body, code] of table) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    await t.step(
      `${path} ${text.slice(0, 60)}: ${code}`,
      () =>
        assertUnchanged(relay, async () => {
          const response = await postJson(relay, path, text, headers);
          await assertProblem(relay, response, code);
        }),
    );
  }
  assert.deepEqual(relay.failures, []);
});

Deno.test("a JSON body over 16 KiB is refused, said or not, before it is read to its end", async () => {
  using relay = await TestRelay.open();
  const headers = { "Content-Type": "application/json" };
  const said = await relay.fetch("/v1/quotes", {
    method: "POST",
    headers: { ...headers, "Content-Length": "16385" },
    body: "{}",
  });
  assert.equal(
    (await assertProblem(relay, said, "too-large"))["limit"],
    16_384,
  );

  let read = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      read += 1_024;
      controller.enqueue(new Uint8Array(1_024).fill(0x20));
    },
  }, { highWaterMark: 0 });
  const unsaid = await relay.fetch("/v1/quotes", {
    method: "POST",
    headers,
    body: endless,
  });
  await assertProblem(relay, unsaid, "too-large");
  assert.ok(read <= 16_384 + 2 * 1_024, `${read} bytes were read`);

  const full = JSON.stringify({ bytes: 1, seconds: HOUR }).padEnd(16_384);
  assert.equal((await postJson(relay, "/v1/quotes", full)).status, 200);
});

/** Parameters of the list of messages. */
const BAD_READS: readonly string[] = [
  "limit=0",
  "limit=-1",
  "limit=1001",
  "limit=1.5",
  "limit=all",
  "limit=",
  "limit=1&limit=2",
  "bandwidth=-1",
  "bandwidth=0.5",
  "bandwidth=fast",
  "after=",
  "after=0",
  "after=00000000000000000000",
  "after=000000000000-0000000000000000000",
  "after=000000000000-000000000000000000000",
  "after=000000000000-0000000000000000000g",
  "after=00000000000A-00000000000000000000",
  "after=000000000000-00000000000000000000%00",
  "after=%FF",
];

Deno.test("reading refuses parameters, cursors, ids and hashes that are none", async (t) => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const path = `/v1/mailboxes/${owner.mailbox}/messages`;
  for (const query of BAD_READS) {
    await t.step(query, () =>
      assertUnchanged(relay, async () => {
        const response = await owner.fetch(`${path}?${query}`);
        await assertProblem(relay, response, "malformed");
      }));
  }
  for (const cursor of ["0", "%00", "000000000000-0000000000000000000g"]) {
    const response = await owner.delete(cursor);
    await assertProblem(relay, response, "malformed");
  }
  for (const mailbox of ["0", "A".repeat(64), "%E0%A4%A", "%00"]) {
    const response = await relay.fetch(`/v1/mailboxes/${mailbox}`);
    await assertProblem(relay, response, "malformed");
  }
  for (const hash of ["0", "A".repeat(64), "0".repeat(63), "0".repeat(65)]) {
    const response = await owner.fetch(`/v1/objects/${hash}`);
    await assertProblem(relay, response, "malformed");
  }
});

const ID = "0".repeat(64);

const WRONG_PATHS: readonly [method: string, path: string][] = [
  ["GET", "/"],
  ["GET", "/v1"],
  ["GET", "/v2/messages"],
  ["POST", "/v1/messages/"],
  ["POST", "/V1/messages"],
  ["POST", "/v1//messages"],
  ["POST", "/v1/handshakes/"],
  ["GET", "/v1/mailboxes"],
  ["GET", "/.well-known/restante/"],
  ["GET", "/.well-known/other"],
  ["GET", "/problems/"],
  ["GET", "/docs/other"],
  ["GET", "/docs/../deno.json"],
  ["GET", "/%00"],
  ["PUT", "/openapi-json"],
  ["PUT", "/health/openapi.json"],
  ["PUT", "/openapi.json/health"],
  ["PUT", "/problems/busy/more"],
];

Deno.test("what is not there is not found, and nothing comes of it", async (t) => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  for (const [method, path] of WRONG_PATHS) {
    await t.step(`${method} ${path}`, () =>
      assertUnchanged(relay, async () => {
        const response = await owner.fetch(path, { method });
        await assertProblem(relay, response, "not-found");
        assert.equal(response.headers.get("Allow"), null);
      }));
  }
  assert.deepEqual(relay.failures, []);
});

const WRONG_METHODS: readonly [
  method: string,
  path: string,
  allow: readonly string[],
][] = [
  ["GET", "/v1/messages", ["POST"]],
  ["PUT", "/v1/messages", ["POST"]],
  ["PROPFIND", "/v1/messages", ["POST"]],
  ["GET", "/v1/quotes", ["POST"]],
  ["GET", "/v1/handshakes", ["POST"]],
  ["GET", `/v1/handshakes/${"0".repeat(44)}`, ["POST"]],
  ["PATCH", `/v1/mailboxes/${ID}`, ["DELETE", "GET", "HEAD"]],
  ["POST", `/v1/mailboxes/${ID}/messages`, ["GET", "HEAD"]],
  ["GET", `/v1/mailboxes/${ID}/messages/0`, ["DELETE"]],
  ["GET", `/v1/mailboxes/${ID}/ack`, ["POST"]],
  ["POST", `/v1/mailboxes/${ID}/socket`, ["GET", "HEAD"]],
  ["DELETE", `/v1/objects/${ID}`, ["GET", "HEAD"]],
  ["POST", "/openapi.json", ["GET", "HEAD"]],
  ["POST", "/health", ["GET", "HEAD"]],
  ["POST", "/.well-known/restante", ["GET", "HEAD"]],
  ["PUT", "/docs", ["GET", "HEAD"]],
  ["POST", "/docs/swagger-ui.css", ["GET", "HEAD"]],
  ["DELETE", "/problems/busy", ["GET", "HEAD"]],
];

Deno.test("a method that a path does not have is 405 with those that it has", async (t) => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  for (const [method, path, allow] of WRONG_METHODS) {
    await t.step(`${method} ${path}`, () =>
      assertUnchanged(relay, async () => {
        const response = await owner.fetch(path, { method });
        await assertProblem(relay, response, "method-not-allowed");
        const allowed = response.headers.get("Allow")?.split(", ") ?? [];
        assert.deepEqual(allowed, [...allow, "OPTIONS"].sort());
      }));
  }
  assert.deepEqual(relay.failures, []);
});
