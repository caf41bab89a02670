/** Whatever is wrong with a request: the right word for it, and no trace. */
import assert from "node:assert/strict";
import { envelopeBytes, NETWORK_LIMITS } from "../../lib/minima/maxtxpow.ts";
import { assertProblem } from "./assert_problem.ts";
import { BAD_ENVELOPES, goodEnvelope } from "./bad_envelopes.ts";
import { DAY, HOUR } from "./clock.ts";
import { Owner, postEnvelope } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";
import { assertUnchanged } from "./unchanged.ts";

const LIMIT = envelopeBytes(NETWORK_LIMITS);

Deno.test("POST /v1/messages says what is wrong with an envelope, and stores nothing", async (t) => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  for (const { what, code, make } of BAD_ENVELOPES) {
    await t.step(`${what}: ${code}`, async () => {
      const envelope = await make(owner);
      const problem = await assertUnchanged(
        relay,
        async () =>
          assertProblem(relay, await postEnvelope(relay, envelope), code),
      );
      if (code !== "work-insufficient") return;
      assert.match(String(problem["target"]), /^[0-9a-f]{64}$/);
      assert.ok(Number(problem["hashes"]) >= 10_000);
      assert.equal(problem["seconds"], 3_600);
    });
  }
  assert.equal((await postEnvelope(relay, goodEnvelope(owner))).status, 201);
  assert.deepEqual(relay.failures, []);
});

Deno.test("POST /v1/messages takes work from the edges of the window", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const { time } = relay.clock;
  await owner.receive(owner.envelope({ time: time - DAY }));
  await owner.receive(owner.envelope({ time: time + 2 * HOUR }));
});

const BAD_QUERIES: readonly string[] = [
  "hold=0",
  "hold=-3600",
  "hold=3599",
  "hold=2592001",
  "hold=3600.5",
  "hold=",
  "hold=soon",
  "hold=NaN",
  "hold=Infinity",
  "hold=1e400",
  "hold=3600&hold=7200",
  "minBandwidth=-1",
  "minBandwidth=4294967296",
  "minBandwidth=0.5",
  "minBandwidth=fast",
  "priority=",
  "priority=urgent",
  "priority=Normal",
  "priority=lazy&priority=lazy",
];

Deno.test("POST /v1/messages refuses parameters that are none, and stores nothing", async (t) => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const envelope = goodEnvelope(owner);
  for (const query of BAD_QUERIES) {
    await t.step(query, () =>
      assertUnchanged(relay, async () => {
        const response = await postEnvelope(relay, envelope, `?${query}`);
        await assertProblem(relay, response, "malformed");
      }));
  }
  assert.equal((await postEnvelope(relay, envelope)).status, 201);
});

Deno.test("POST /v1/messages refuses a hold that was not paid for, and says what would do", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  // 10,000 hashes keep 4,096 bytes for a day, and not for a second more.
  const envelope = owner.envelope({ size: 4_096 });
  const response = await assertUnchanged(
    relay,
    () => postEnvelope(relay, envelope, "?hold=86401"),
  );
  const problem = await assertProblem(relay, response, "work-insufficient");
  assert.equal(problem["seconds"], 86_401);
  const hashes = Number(problem["hashes"]);
  assert.equal(hashes, 10_001);
  const better = owner.envelope({ size: 4_096, hashes });
  const { storedAt, holdUntil } = await owner.receive(better, "?hold=86401");
  assert.equal(holdUntil - storedAt, 86_401_000);

  const stored = await owner.receive(envelope, "?hold=86400");
  assert.equal(stored.holdUntil - stored.storedAt, 86_400_000);
});

const MEDIA_TYPES: readonly (string | null)[] = [
  null,
  "",
  "text/plain",
  "application/json",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/octet-streams",
  "application/vnd.minima.maxtxpow+json",
  ";application/octet-stream",
];

Deno.test("POST /v1/messages refuses other media types, and stores nothing", async (t) => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const body = goodEnvelope(owner);
  for (const type of MEDIA_TYPES) {
    await t.step(type ?? "none", () =>
      assertUnchanged(relay, async () => {
        const headers = new Headers(
          type === null ? {} : {
            "Content-Type": type,
          },
        );
        const response = await relay.fetch("/v1/messages", {
          method: "POST",
          headers,
          body,
        });
        await assertProblem(relay, response, "unsupported-media-type");
      }));
  }
});

Deno.test("media types are taken in any case, and with parameters", async (t) => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const quote = '{"bytes":1500,"seconds":3600}';
  const table: [path: string, body: () => BodyInit, types: string[]][] = [
    ["/v1/messages", () => goodEnvelope(owner), [
      "application/vnd.minima.maxtxpow",
      "Application/Vnd.Minima.MaxTxPoW",
      "APPLICATION/OCTET-STREAM",
      "application/octet-stream;x=y",
      "application/octet-stream ; x=y",
    ]],
    ["/v1/quotes", () => quote, [
      "application/json",
      "Application/JSON",
      "application/json; charset=utf-8",
      "application/json ;charset=utf-8",
    ]],
  ];
  for (const [path, body, types] of table) {
    for (const type of types) {
      await t.step(`${path}: ${type}`, async () => {
        const response = await relay.fetch(path, {
          method: "POST",
          headers: { "Content-Type": type },
          body: body(),
        });
        assert.ok(response.ok, await response.text());
      });
    }
  }
});

Deno.test("POST /v1/messages refuses a body over the limit by its length, before it is read", async () => {
  using relay = await TestRelay.open();
  let read = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      read++;
      controller.enqueue(new Uint8Array(1_024));
    },
  }, { highWaterMark: 0 });
  const response = await relay.fetch("/v1/messages", {
    method: "POST",
    headers: {
      "Content-Type": "application/octet-stream",
      "Content-Length": String(LIMIT + 1),
    },
    body,
  });
  const problem = await assertProblem(relay, response, "too-large");
  assert.equal(problem["limit"], LIMIT);
  assert.equal(read, 0);
});

Deno.test("POST /v1/messages stops reading a body without end at the limit", async () => {
  using relay = await TestRelay.open();
  let read = 0;
  let ended = false;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      read += 1_024;
      controller.enqueue(new Uint8Array(1_024));
    },
    cancel() {
      ended = true;
    },
  }, { highWaterMark: 0 });
  const response = await postEnvelope(relay, body);
  await assertProblem(relay, response, "too-large");
  assert.ok(ended, "the stream was cancelled");
  assert.ok(read <= LIMIT + 2 * 1_024, `${read} bytes were read`);
});

Deno.test("a body that ends early is refused as malformed, whatever the route", async (t) => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const routes: readonly [string, string][] = [
    ["/v1/messages", "application/octet-stream"],
    ["/v1/quotes", "application/json"],
    ["/v1/handshakes", "application/json"],
    [`/v1/mailboxes/${owner.mailbox}/ack`, "application/json"],
  ];
  for (const [path, type] of routes) {
    await t.step(path, () =>
      assertUnchanged(relay, async () => {
        const body = new ReadableStream<Uint8Array>({
          pull: (controller) => controller.error(new Error("gone")),
        });
        const response = await owner.fetch(path, {
          method: "POST",
          headers: { "Content-Type": type },
          body,
        });
        await assertProblem(relay, response, "malformed");
      }));
  }
  assert.deepEqual(relay.failures, [], "it is no failure of the relay's");
});
