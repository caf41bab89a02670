/** What is read at a scrape, and what the store's reports become. */
import assert from "node:assert/strict";
import { keys } from "../../kv/kinds.ts";
import { openStore } from "../../kv/store/store.ts";
import { silentLog } from "../../lib/log.ts";
import type { Fields } from "../../lib/log_form.ts";
import { Metrics } from "../../lib/metrics.ts";
import { PROBLEMS } from "../../lib/problem.ts";
import { VERSION } from "../../lib/version.ts";
import { Meters } from "../../relay/meters.ts";
import {
  logSweeps,
  observe,
  SweepState,
  watchStore,
} from "../../relay/observe.ts";
import { observeProcess, softLimit } from "../../relay/process_gauges.ts";
import { readExposition, valueOf } from "../exposition.ts";
import { ManualClock } from "../manual_clock.ts";

Deno.test("observe() shows each source under its name, as it is now", async () => {
  const metrics = new Metrics();
  const queue = {
    waiting: 3,
    waitingBytes: 4,
    underWay: 18,
    refused: 19,
    window: 22,
  };
  observe(metrics, {
    queue: () => queue,
    bells: () => ({ watches: 9, failures: 2, failedLooks: 20, readers: 21 }),
    room: {
      usage: () => Promise.resolve({ bytes: 300, messages: 2 }),
      quota: { bytes: 1_000, messages: 10 },
    },
    streams: () => [["events", 5], ["socket", 6], ["poll", 7]],
    bufferedBytes: () => 8,
    bodies: () => 9,
    bodyBytes: () => 10,
    connections: () => 11,
    rateLimited: () => [["address", 12], ["token", 13]],
    caps: () => [["connections", 14]],
    capRefusals: () => [["streams", 15]],
    sweepAge: () => 16,
    oldestDue: () => Promise.resolve(17),
  });
  const table: [string, Record<string, string>, number][] = [
    ["restante_queue_parts", {}, 3],
    ["restante_queue_bytes", {}, 4],
    ["restante_queue_commits", {}, 18],
    ["restante_queue_window", {}, 22],
    ["restante_queue_refused_total", {}, 19],
    ["restante_watch_renewals_total", { reason: "age" }, 6],
    ["restante_watch_renewals_total", { reason: "failure" }, 2],
    ["restante_failed_looks_total", {}, 20],
    ["restante_subscriptions", {}, 21],
    ["restante_kept_bytes", {}, 300],
    ["restante_kept_messages", {}, 2],
    ["restante_quota_bytes", {}, 1_000],
    ["restante_quota_messages", {}, 10],
    ["restante_fill_ratio", {}, 0.3],
    ["restante_price_factor", {}, 2],
    ["restante_streams", { transport: "events" }, 5],
    ["restante_streams", { transport: "socket" }, 6],
    ["restante_streams", { transport: "poll" }, 7],
    ["restante_buffered_bytes", {}, 8],
    ["restante_bodies", {}, 9],
    ["restante_body_bytes", {}, 10],
    ["restante_connections", {}, 11],
    ["restante_rate_limited_total", { limit: "address" }, 12],
    ["restante_rate_limited_total", { limit: "token" }, 13],
    ["restante_cap", { cap: "connections" }, 14],
    ["restante_cap_refusals_total", { cap: "streams" }, 15],
    ["restante_sweep_age_seconds", {}, 16],
    ["restante_sweep_backlog_seconds", {}, 17],
  ];
  const families = readExposition(await metrics.text());
  for (const [name, labels, value] of table) {
    assert.equal(valueOf(families, name, labels), value, name);
  }
  assert.deepEqual(
    new Set(families.keys()),
    new Set(table.map(([name]) => name)),
  );
  queue.waiting = 0;
  const later = readExposition(await metrics.text());
  assert.equal(valueOf(later, "restante_queue_parts"), 0);
});

Deno.test("observe() shows nothing of what nobody tells", async () => {
  const metrics = new Metrics();
  observe(metrics, {});
  assert.equal(await metrics.text(), "");
});

Deno.test("a store that does not answer hides the fill, and nothing else", async () => {
  const metrics = new Metrics();
  observe(metrics, {
    room: {
      usage: () => Promise.reject(new Error("busy")),
      quota: { bytes: 1_000, messages: 10 },
    },
    connections: () => 1,
  });
  assert.deepEqual([...readExposition(await metrics.text()).keys()], [
    "restante_connections",
    "restante_quota_bytes",
    "restante_quota_messages",
  ]);
});

Deno.test("Meters knows every label before it counts, so that a rise can be seen", async () => {
  const families = readExposition(await new Meters().metrics.text());
  const labelsOf = (name: string, label: string) =>
    families.get(name)?.samples.map(({ labels }) => labels[label]);
  assert.deepEqual(
    labelsOf("restante_refusals_total", "code"),
    Object.keys(PROBLEMS).toSorted(),
  );
  assert.deepEqual(labelsOf("restante_messages_total", "outcome"), [
    "extended",
    "repeated",
    "stored",
  ]);
  assert.deepEqual(labelsOf("restante_handshakes_total", "step"), [
    "answered",
    "asked",
    "failed",
  ]);
  for (const { samples } of families.values()) {
    for (const { value } of samples) assert.equal(value, 0);
  }
});

Deno.test("Meters counts what it is told", async () => {
  const meters = new Meters();
  meters.accepted({ outcome: "stored", bytes: 100, hashes: 10_000 });
  meters.accepted({ outcome: "stored", bytes: 50, hashes: 20_000 });
  meters.accepted({ outcome: "repeated", bytes: 100, hashes: 0 });
  meters.refused("busy");
  meters.shook("asked");
  meters.shook("failed");
  meters.batched(7);
  meters.answered("commit", 0.02);
  meters.answered("read", 0.002);
  meters.swept(5);
  meters.sweepFailed();
  const families = readExposition(await meters.metrics.text());
  const table: [string, Record<string, string>, number][] = [
    ["restante_messages_total", { outcome: "stored" }, 2],
    ["restante_messages_total", { outcome: "repeated" }, 1],
    ["restante_message_bytes_total", { outcome: "stored" }, 150],
    ["restante_message_bytes_total", { outcome: "repeated" }, 100],
    ["restante_work_hashes_total", {}, 30_000],
    ["restante_refusals_total", { code: "busy" }, 1],
    ["restante_handshakes_total", { step: "asked" }, 1],
    ["restante_handshakes_total", { step: "answered" }, 0],
    ["restante_handshakes_total", { step: "failed" }, 1],
    ["restante_commit_batch_parts_bucket", { le: "5" }, 0],
    ["restante_commit_batch_parts_bucket", { le: "10" }, 1],
    ["restante_commit_seconds_bucket", { le: "0.01" }, 0],
    ["restante_commit_seconds_bucket", { le: "0.03" }, 1],
    ["restante_read_seconds_bucket", { le: "0.001" }, 0],
    ["restante_read_seconds_bucket", { le: "0.003" }, 1],
    ["restante_sweeps_total", { outcome: "ended" }, 1],
    ["restante_sweeps_total", { outcome: "failed" }, 1],
    ["restante_swept_total", {}, 5],
  ];
  for (const [name, labels, value] of table) {
    assert.equal(valueOf(families, name, labels), value, name);
  }
});

Deno.test("logSweeps() counts and logs sweeps, and tells the last one's age", async () => {
  const clock = new ManualClock();
  const meters = new Meters();
  const sweeps = new SweepState(clock.now);
  const events: [string, string, Fields | undefined][] = [];
  const note = (level: string) => (event: string, fields?: Fields) =>
    void events.push([level, event, fields]);
  const log = {
    ...silentLog,
    debug: note("debug"),
    info: note("info"),
    warn: note("warn"),
  };
  const onSweep = logSweeps({ meters, log, sweeps });
  clock.advance(90_000);
  assert.equal(sweeps.age(), 90, "since the start");
  onSweep({ rows: 3, isDone: true });
  assert.equal(sweeps.age(), 0);
  clock.advance(5_000);
  const error = new Error("away");
  onSweep({ error });
  assert.equal(sweeps.age(), 5, "one that failed is none");
  onSweep({ rows: 0, isDone: true });
  assert.deepEqual(events, [
    ["info", "sweep", { rows: 3, isDone: true }],
    ["warn", "sweep-failed", { error }],
    ["debug", "sweep", { rows: 0, isDone: true }],
  ]);
  const families = readExposition(await meters.metrics.text());
  const table: [string, Record<string, string>, number][] = [
    ["restante_sweeps_total", { outcome: "ended" }, 2],
    ["restante_sweeps_total", { outcome: "failed" }, 1],
    ["restante_swept_total", {}, 3],
  ];
  for (const [name, labels, value] of table) {
    assert.equal(valueOf(families, name, labels), value, name);
  }
});

Deno.test("watchStore() counts what the store is asked, in seconds", async () => {
  using store = await openStore(":memory:");
  const meters = new Meters();
  watchStore(store, meters);
  store.onAnswer("commit", 20);
  store.onAnswer("read", 2_000);
  store.commits.onBatch(7, 20);
  await store.get(keys.store());
  await store.commit((operation) => operation.delete(keys.trial("x", 1)));
  const families = readExposition(await meters.metrics.text());
  const value = (name: string) => valueOf(families, name) ?? NaN;
  assert.equal(value("restante_commit_seconds_count"), 2);
  assert.equal(value("restante_read_seconds_count"), 2);
  assert.equal(value("restante_commit_batch_parts_sum"), 7);
  const read = value("restante_read_seconds_sum");
  const commit = value("restante_commit_seconds_sum");
  assert.ok(read >= 2 && read < 12, String(read));
  assert.ok(commit >= 0.02 && commit < 10, String(commit));
});

Deno.test("observeProcess() tells what runs, since when, and what it takes", async () => {
  const clock = new ManualClock();
  const metrics = new Metrics();
  observeProcess(metrics, clock.now);
  const startedAt = clock.time;
  clock.advance(60_000);
  const families = readExposition(await metrics.text());
  const value = (name: string) => valueOf(families, name) ?? NaN;
  assert.equal(value("process_start_time_seconds"), startedAt / 1_000);
  assert.equal(value("restante_uptime_seconds"), 60);
  assert.equal(
    valueOf(families, "restante_build_info", {
      version: VERSION,
      deno: Deno.version.deno,
    }),
    1,
  );
  // Far more than it could be in another unit, and far less.
  const rss = value("process_resident_memory_bytes");
  assert.ok(rss > 2 ** 24 && rss < 2 ** 36, String(rss));
  const heap = value("restante_heap_bytes");
  assert.ok(heap > 2 ** 20 && heap < rss, String(heap));
  const cpu = value("process_cpu_seconds_total");
  assert.ok(cpu > 0.01 && cpu < 10_000, String(cpu));
  if (Deno.build.os !== "linux") return;
  const [open, most] = [value("process_open_fds"), value("process_max_fds")];
  assert.ok(open >= 3 && open < most, `${open} of ${most}`);
});

Deno.test("softLimit() is the first number of the line", () => {
  const text = (soft: string) =>
    `Limit  Soft Limit  Hard Limit  Units\nMax processes  5  6\nMax open files            ${soft}              4096              files\n`;
  assert.equal(softLimit(text("1024")), 1_024);
  assert.equal(softLimit(text("unlimited")), Infinity);
  assert.throws(() => softLimit("Max processes 5"), TypeError);
});
