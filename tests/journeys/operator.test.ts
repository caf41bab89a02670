/** A relay as its operator sees it: metrics, log, settings, admin. */
import assert from "node:assert/strict";
import {
  acknowledge,
  makeIdentity,
  readPage,
  Relay,
  send,
  Session,
  watch,
} from "../../client/mod.ts";
import { readExposition, valueOf } from "../exposition.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { linesOf, OperatedRelay } from "./operated_relay.ts";
import { restante, restanteJson } from "./process.ts";

async function metricsOf({ url }: OperatedRelay) {
  const response = await fetch(`${url}/metrics`);
  assert.equal(response.status, 200);
  return readExposition(await response.text());
}

Deno.test("after a day's work the metrics tell it, and the log names nobody", async () => {
  await using folder = await TempDirectory.make();
  const store = folder.file("store.kv");
  await using relay = await OperatedRelay.start(["--kv", store]);
  const client = new Relay(relay.url);
  const alice = await makeIdentity(1_024);
  const bob = new Session(client, await makeIdentity(1_024));
  await bob.open();
  const post = (size: number) =>
    send({
      relay: client,
      from: alice,
      to: bob.identity.key.publicKey,
      application: "test",
      data: crypto.getRandomValues(new Uint8Array(size)),
      hold: 3_600,
    });
  const sent = [await post(100), await post(5_000)];
  const stranger = await fetch(`${relay.url}/v1/mailboxes/${"0".repeat(64)}`);
  assert.equal((await stranger.json()).code, "mailbox-unknown");
  const bad = await fetch(`${relay.url}/v1/messages`, {
    method: "POST",
    headers: { "Content-Type": "application/octet-stream" },
    body: new Uint8Array(9),
  });
  assert.equal((await bad.json()).code, "malformed");
  assert.equal((await readPage(bob, null)).messages.length, 2);
  for await (const { cursor } of watch(bob, { after: null })) {
    await acknowledge(bob, cursor, "laptop");
    if (cursor === sent[1]?.cursor) break;
  }

  const stream = await bob.fetch(
    `/v1/mailboxes/${bob.identity.mailbox}/messages`,
    { headers: { Accept: "text/event-stream" } },
  );
  const families = await metricsOf(relay);
  await stream.body?.cancel();
  const value = (name: string, labels: Record<string, string> = {}) =>
    valueOf(families, name, labels) ?? NaN;
  const exact: [string, Record<string, string>, number][] = [
    ["restante_messages_total", { outcome: "stored" }, 2],
    ["restante_messages_total", { outcome: "repeated" }, 0],
    [
      "restante_message_bytes_total",
      { outcome: "stored" },
      sent.reduce((sum, { size }) => sum + size, 0),
    ],
    [
      "restante_work_hashes_total",
      {},
      sent.reduce((sum, { paid }) => sum + paid.hashes, 0),
    ],
    ["restante_refusals_total", { code: "mailbox-unknown" }, 1],
    ["restante_refusals_total", { code: "malformed" }, 1],
    ["restante_refusals_total", { code: "internal" }, 0],
    ["restante_handshakes_total", { step: "failed" }, 0],
    ["restante_streams", { transport: "events" }, 1],
    ["restante_streams", { transport: "poll" }, 0],
    ["restante_subscriptions", {}, 1],
    ["restante_bodies", {}, 0],
    ["restante_body_bytes", {}, 0],
    ["restante_rate_limited_total", { limit: "address" }, 0],
    ["restante_rate_limited_total", { limit: "token" }, 0],
    ["restante_cap", { cap: "streams" }, 8_000],
    ["restante_cap", { cap: "frameBytes" }, 4_096],
    ["restante_cap_refusals_total", { cap: "connections" }, 0],
    ["restante_cap_refusals_total", { cap: "tokenStreams" }, 0],
    ["restante_queue_parts", {}, 0],
    ["restante_queue_bytes", {}, 0],
    ["restante_price_factor", {}, 1],
    ["restante_sweeps_total", { outcome: "failed" }, 0],
    ["restante_sweep_backlog_seconds", {}, 0],
    ["restante_watch_renewals_total", { reason: "failure" }, 0],
  ];
  for (const [name, labels, expected] of exact) {
    assert.equal(
      value(name, labels),
      expected,
      `${name} ${Object.values(labels)}`,
    );
  }
  const parts = value("restante_commit_batch_parts_sum");
  assert.ok(parts >= 2 && parts >= value("restante_commit_batch_parts_count"));
  assert.ok(value("restante_commit_seconds_count") >= parts);
  const shaken = value("restante_handshakes_total", { step: "answered" });
  assert.ok(shaken >= 1);
  assert.equal(value("restante_handshakes_total", { step: "asked" }), shaken);
  const positive = [
    "restante_read_seconds_count",
    "restante_commit_seconds_sum",
    "restante_uptime_seconds",
    "restante_heap_bytes",
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
    "restante_connections",
  ];
  for (const name of positive) assert.ok(value(name) > 0, name);
  const fill = value("restante_fill_ratio");
  assert.ok(fill >= 0 && fill < 0.001, String(fill));

  const { code, log } = await relay.stop();
  assert.equal(code, 0);
  const lines = linesOf(log);
  assert.deepEqual(
    lines.map(({ level, event }) => `${level} ${event}`),
    ["info start", "info stop", "info drain", "info stopped"],
  );
  assert.deepEqual(
    [lines[0]?.["listening"], lines[0]?.["url"], lines[0]?.["store"]],
    [relay.url, relay.url, store],
  );
  assert.equal(lines[2]?.["hasDrained"], true);
  const secrets = [
    bob.identity.mailbox,
    bob.identity.key.publicKey.toHex(),
    alice.key.publicKey.toHex(),
    ...sent.flatMap(({ id, object }) => [id, object]),
  ];
  for (const secret of secrets) assert.ok(!log.includes(secret), secret);
  assert.doesNotMatch(log, /Mx[0-9A-Z]{9}/);
});

Deno.test("the relay's settings are what its descriptor says, and what its log is like", async () => {
  await using relay = await OperatedRelay.start(
    ["--kv", ":memory:", "--log", "text"],
    {
      RESTANTE_WORK_HASHES: "20000",
      RESTANTE_WORK_BYTES: "8192",
      RESTANTE_WORK_SECONDS: "3600",
      RESTANTE_RELAY_FEE: "7",
      RESTANTE_STORAGE_FEE: "9",
      RESTANTE_METRICS: "off",
      // What the arguments say goes before these.
      RESTANTE_KV: "/nonexistent/store.kv",
      RESTANTE_LOG: "json",
    },
  );
  const descriptor = await (await fetch(`${relay.url}/.well-known/restante`))
    .json();
  const { minimum, hashes, bytes, seconds } = descriptor.work;
  assert.deepEqual([hashes, bytes, seconds], [20_000, 8_192, 3_600]);
  assert.equal(BigInt(`0x${minimum}`), (2n ** 256n - 1n) / 20_000n);
  assert.deepEqual(descriptor.prices, {
    unit: "μ",
    relayPer465Bytes: 7,
    storagePerMiBHour: 9,
  });
  const quote = await fetch(`${relay.url}/v1/quotes`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ bytes: 16_384, seconds: 7_200 }),
  });
  const { work, fee } = await quote.json();
  assert.equal(work.hashes, 80_000);
  assert.equal(fee.amount, 7 * Math.ceil(16_384 / 465) + 1);
  const metrics = await fetch(`${relay.url}/metrics`);
  assert.equal((await metrics.json()).code, "not-found");
  const { log } = await relay.stop();
  assert.match(log, /^\S+Z info {2}start .*store=:memory:/);
  assert.match(log, /^address {2}Mx[0-9A-Z]+@127\.0\.0\.1:\d+$/m);
  assert.match(log, / info {2}stopped\n$/);
});

Deno.test("restante admin looks after mailboxes beside the relay that serves them", async () => {
  await using folder = await TempDirectory.make();
  const store = folder.file("store.kv");
  await using relay = await OperatedRelay.start(["--kv", store]);
  const client = new Relay(relay.url);
  const alice = await makeIdentity(1_024);
  const bob = new Session(client, await makeIdentity(1_024));
  await bob.open();
  const { mailbox } = bob.identity;
  for (let i = 0; i < 2; i++) {
    await send({
      relay: client,
      from: alice,
      to: bob.identity.key.publicKey,
      application: "test",
      data: new Uint8Array(100),
      hold: 3_600,
    });
  }
  const admin = <T>(...args: string[]) =>
    restanteJson<T>("admin", ...args, "--kv", store);

  interface Listed {
    id: string;
    usage: { messages: number; bytes: number };
    quota: { messages: number };
    factor: number;
    hasOwnQuota: boolean;
  }
  const list = () =>
    admin<{ mailboxes: Listed[]; total: number }>("mailboxes", "--limit", "1");
  const { mailboxes: [listed], total } = await list();
  assert.equal(total, 1);
  assert.deepEqual(
    [listed?.id, listed?.usage.messages, listed?.factor, listed?.hasOwnQuota],
    [mailbox, 2, 1, false],
  );

  const own = await admin<Record<string, unknown>>(
    "quota",
    mailbox,
    "--messages",
    "4",
  );
  const byDefault = { bytes: 64 * 2 ** 20, messages: 100_000 };
  assert.deepEqual(own, {
    mailbox,
    quota: { ...byDefault, messages: 4 },
    isOwn: true,
  });
  const { mailboxes: [narrow] } = await list();
  assert.deepEqual(
    [narrow?.quota.messages, narrow?.factor, narrow?.hasOwnQuota],
    [4, 2 ** 5, true],
  );
  const early = await restante(["admin", "--json", "price", "--kv", store]);
  assert.equal(JSON.parse(early.stdout).relay.factor, 1);
  const text = await restante(["admin", "mailboxes", "--kv", store]);
  assert.match(
    text.stdout,
    new RegExp(
      `^${mailbox} {2}2 messages, \\d+ bytes, 50\\.0 % full, price × 32, quota of its own\n1 of 1 mailboxes\n$`,
    ),
  );
  assert.deepEqual(await admin("quota", mailbox, "--reset"), {
    mailbox,
    quota: byDefault,
    isOwn: false,
  });
  assert.equal((await list()).mailboxes[0]?.hasOwnQuota, false);

  const price = await admin<
    { work: { hashes: number }; relay: { factor: number } }
  >("price");
  assert.deepEqual([price.work.hashes, price.relay.factor], [10_000, 1]);

  const seconds = String(Math.ceil(Date.now() / 1_000)); // and not milliseconds
  for (const before of ["2020-01-31", seconds]) {
    const none = await admin<{ messages: number }>(
      "evict",
      mailbox,
      "--before",
      before,
      "--yes",
    );
    assert.equal(none.messages, 0);
  }
  const { messages, bytes } = await admin<{ messages: number; bytes: number }>(
    "evict",
    mailbox,
    "--all",
    "--yes",
  );
  assert.equal(messages, 2);
  // Marks stay, and count, for as long as the same work could be sent again.
  const freed = (listed?.usage.bytes ?? 0) - bytes;
  assert.ok(freed > 0 && freed < bytes, `${bytes} freed`);
  assert.equal((await readPage(bob, null)).messages.length, 0);

  const before = Date.now();
  const { revokedAt } = await admin<{ revokedAt: number }>("revoke", mailbox);
  assert.ok(revokedAt >= before && revokedAt <= Date.now());
});

Deno.test("restante admin says what is wrong before it touches anything", async (t) => {
  await using folder = await TempDirectory.make();
  const store = folder.file("store.kv");
  const id = "0".repeat(64);
  const table: [args: string[], code: string][] = [
    [["mailboxes", "--limit", "0"], "usage"],
    [["mailboxes", "--limit", "1e3"], "usage"],
    [["mailboxes", "--limit", "100001"], "usage"],
    [["mailboxes", "--limit", "100000"], "store-missing"],
    [["evict", id, "--all"], "usage"],
    [["evict", id, "--before", "1"], "usage"],
    [["evict", id, "--yes"], "usage"],
    [["evict", id, "--all", "--before", "1", "--yes"], "usage"],
    [["evict", id, "--before", "yesterday", "--yes"], "usage"],
    [["evict", id, "--before", "9".repeat(20), "--yes"], "usage"],
    [["evict", "1f0c", "--all", "--yes"], "malformed"],
    [["quota", id], "usage"],
    [["quota", id, "--bytes", "0"], "usage"],
    [["quota", id, "--messages", "1000000000000001"], "usage"],
    [["quota", id, "--messages", "1000000000000000"], "store-missing"],
    [["quota", id, "--bytes", "1", "--reset"], "usage"],
    [["revoke", "x"], "malformed"],
    [["revoke", id], "store-missing"],
    [["price"], "store-missing"],
  ];
  for (const [args, code] of table) {
    await t.step(args.join(" ").replace(id, "ID"), async () => {
      const failed = await restante(
        ["admin", ...args, "--kv", store, "--json"],
      );
      assert.equal(failed.code, 1);
      assert.equal(JSON.parse(failed.stderr).code, code);
    });
  }
  await assert.rejects(Deno.stat(store), Deno.errors.NotFound);
});
