/** The log: a line an event, discreet, and the same once a minute. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { LEVELS, LineLog, type LogOptions, silentLog } from "../../lib/log.ts";
import { Problem } from "../../lib/problem.ts";
import { ManualClock } from "../manual_clock.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** A log whose lines are kept. */
function openLog(options: Partial<LogOptions> = {}) {
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = new LineLog({
    write: (line) => lines.push(line),
    format: "json",
    level: "debug",
    now: clock.now,
    ...options,
  });
  const last = () => JSON.parse(lines.at(-1) ?? "null");
  return { clock, lines, log, last };
}

Deno.test("LineLog writes one JSON object a line, with time, level and event", () => {
  const { log, lines, clock } = openLog();
  for (const level of LEVELS) {
    log[level](`${level}-event`, { n: 1, text: "a\nb" });
  }
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    LEVELS.map((level) => ({
      time: new Date(clock.time).toISOString(),
      level,
      event: `${level}-event`,
      n: 1,
      text: "a\nb",
    })),
  );
  for (const line of lines) assert.doesNotMatch(line, /[^ -~]/);
});

Deno.test("LineLog writes what is at least of its level", () => {
  for (const [i, level] of LEVELS.entries()) {
    const { log, lines } = openLog({ level });
    for (const level of LEVELS) log[level]("event");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).level),
      LEVELS.slice(i),
    );
  }
});

Deno.test("LineLog.with() puts fields into every line, and none takes the place of time, level or event", () => {
  const { log, last, clock } = openLog();
  const bound = log.with({ requestId: "r", a: 1 }).with({ b: 2 });
  bound.info("event", { a: 3, time: "x", level: "y", event: "z" });
  assert.deepEqual(last(), {
    time: new Date(clock.time).toISOString(),
    level: "info",
    event: "event",
    requestId: "r",
    a: 3,
    b: 2,
  });
});

Deno.test("an outage is one line a minute, which says how often it was", () => {
  const { log, lines, last, clock } = openLog();
  const problem = new Problem("busy", "the store does not answer");
  const fail = () => log.warn("request-failed", { error: problem });
  for (let i = 0; i < 600; i++) {
    fail();
    clock.advance(100);
  }
  assert.equal(lines.length, 1);
  assert.ok(!("repeated" in last()));
  fail();
  assert.equal(lines.length, 2);
  assert.deepEqual([last().code, last().repeated], ["busy", 599]);
  clock.advance(MINUTE - 1);
  fail();
  assert.equal(lines.length, 2);
  clock.advance(1);
  fail();
  assert.deepEqual([lines.length, last().repeated], [3, 1]);
  clock.advance(MINUTE);
  fail();
  assert.ok(!("repeated" in last()), "nothing was kept back");
});

Deno.test("what is kept back is by event, code and level, and shared with the bound log", () => {
  const { log, lines } = openLog();
  log.warn("a", { code: "busy" });
  log.with({ requestId: "1" }).warn("a", { code: "busy" });
  assert.equal(lines.length, 1);
  log.warn("b", { code: "busy" });
  log.warn("a", { code: "other" });
  log.error("a", { code: "busy" });
  assert.equal(lines.length, 4);
  for (let i = 0; i < 3; i++) log.info("a", { code: "busy" });
  assert.equal(lines.length, 7, "what is no failure is never kept back");
});

Deno.test("two unexpected failures are not one that repeats", () => {
  const { log, lines } = openLog();
  const first = () => log.error("failed", { error: new TypeError("x") });
  const second = () => log.error("failed", { error: new TypeError("x") });
  for (let i = 0; i < 3; i++) {
    first();
    second();
  }
  assert.equal(lines.length, 2);
});

Deno.test("a clock that is set back keeps nothing back for long", () => {
  const { log, lines, clock } = openLog();
  log.warn("event");
  clock.time -= 24 * 60 * MINUTE;
  log.warn("event");
  assert.equal(lines.length, 2);
});

Deno.test("LineLog.close() says what was kept back, once", () => {
  const { log, lines, last } = openLog();
  for (let i = 0; i < 3; i++) log.warn("event", { code: "busy" });
  log.warn("once");
  log.close();
  assert.equal(lines.length, 3);
  const { level, event, code, repeated } = last();
  assert.deepEqual([level, event, code, repeated], [
    "warn",
    "event",
    "busy",
    2,
  ]);
  log.close();
  assert.equal(lines.length, 3);
});

Deno.test("a flood of different failures is remembered within bounds", () => {
  const { log, lines } = openLog();
  for (let i = 0; i < 10_000; i++) log.warn(`event-${i}`);
  log.warn("event-9999");
  assert.equal(lines.length, 10_000, "the newest is remembered");
  log.warn("event-0");
  assert.equal(lines.length, 10_001, "the oldest is forgotten");
});

Deno.test("an error has name, message and cause, and its stack if nobody expected it", () => {
  const { log, last } = openLog();
  const cause = new TypeError("below");
  log.error("failed", { error: new Error("above", { cause }) });
  const { code, error } = last();
  assert.equal(code, "internal");
  assert.deepEqual([error.name, error.message], ["Error", "above"]);
  assert.deepEqual(error.cause, { name: "TypeError", message: "below" });
  assert.match(error.stack, /log\.test\.ts/);

  log.warn("refused", { error: new Problem("busy", "not now") });
  assert.equal(last().code, "busy");
  assert.deepEqual(last().error, { name: "Problem", message: "not now" });
  log.warn("locked", { code: "busy", error: new TypeError("locked") });
  assert.deepEqual(last().error, { name: "TypeError", message: "locked" });
  log.warn("thrown", { error: "a text" });
  assert.deepEqual([last().code, last().error], ["internal", "a text"]);
  log.warn("odd", { error: Object.assign(new Error("x"), { code: "a b" }) });
  assert.equal(last().code, "internal");
});

Deno.test("an error has its stack in a line of its own alone, not among other fields or below another", () => {
  const { log, lines } = openLog();
  const error = new Error("of the test");
  log.info("event", { why: error, list: [error], nested: { error } });
  log.error("failed", { code: "busy", error });
  log.error("other", {
    error: new Problem("busy", "x", {}, { cause: error }),
  });
  for (const line of lines) assert.doesNotMatch(line, /stack|log\.test\.ts/);
  assert.equal(lines.length, 3);
});

const HEX = "0123456789abcdef".repeat(4);
const TOKEN =
  "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjAifQ.eyJzdWIiOiIwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZS1zaWduYXR1cmU";
const ADDRESS =
  `MxG18HGG6FJ038614Y8CW46US6G20810K0070CD00Z83282G60G1@relay.test:443`;

Deno.test("no id, key, token or address stands in full anywhere in a line", () => {
  for (const format of ["json", "text"] as const) {
    for (const secret of [HEX, TOKEN, ADDRESS, HEX.toUpperCase()]) {
      const { log, lines } = openLog({ format });
      const error = new Error(`of ${secret}`, { cause: new Error(secret) });
      log.error("event", {
        field: secret,
        nested: { list: [secret, { deep: `in ${secret}, too` }], [secret]: 1 },
        error,
      });
      log.warn("thrown", { error: secret });
      for (
        const part of secret.split(/[.@]/).filter((part) => part.length > 20)
      ) {
        assert.ok(!lines.join("\n").includes(part), `${part} in ${lines}`);
        assert.ok(!lines.join("\n").includes(part.slice(0, 12)), part);
      }
    }
  }
  const { log, last } = openLog();
  log.info("event", { mailbox: HEX, requestId: HEX.slice(0, 32) });
  assert.equal(last().mailbox, HEX.slice(0, 8));
  assert.equal(last().requestId, HEX.slice(0, 32), "looked for as it is");
  log.info("event", { address: ADDRESS, text: `to ${ADDRESS}.` });
  assert.equal(last().address, "Mx@relay.test:443", "of a key not even that");
  assert.equal(last().text, "to Mx@relay.test:443.");
});

Deno.test("whatever is logged is bounded, and moves no terminal's cursor", () => {
  fc.assert(fc.property(
    fc.anything({ withBigInt: true, withDate: true, withTypedArray: true }),
    fc.string({ unit: "binary" }),
    (value, text) => {
      for (const format of ["json", "text"] as const) {
        const { log, lines } = openLog({ format });
        log.info("event", { value, text, [text]: 1 });
        const [line = ""] = lines;
        assert.match(line, /^[ -~]+$/);
        if (format === "json") JSON.parse(line);
      }
    },
  ));
  const { log, lines } = openLog();
  const circle: unknown[] = [];
  circle.push(circle);
  log.info("event", {
    circle,
    long: "word ".repeat(100_000),
    many: Array.from({ length: 10_000 }, (_, i) => i),
    bytes: new Uint8Array(100_000),
    error: new Error("word ".repeat(100_000)),
  });
  assert.ok(String(lines[0]).length < 8_000);
});

Deno.test("the text form has a line an event, and the stack below it", () => {
  const { log, lines, clock } = openLog({ format: "text" });
  const time = new Date(clock.time).toISOString();
  log.info("start", { url: "http://127.0.0.1:8000", n: 1, two: "two words" });
  assert.equal(
    lines[0],
    `${time} info  start url=http://127.0.0.1:8000 n=1 two="two words"`,
  );
  log.warn("refused", { error: new Problem("busy", "not now") });
  assert.equal(
    lines[1],
    `${time} warn  refused code=busy error={"name":"Problem","message":"not now"}`,
  );
  log.warn("thrown", { error: "a text" });
  assert.equal(lines[2], `${time} warn  thrown code=internal error="a text"`);
  log.error("failed", { error: new Error("a\nb") });
  const [first = "", ...stack] = String(lines[3]).split("\n");
  assert.match(first, / failed code=internal error=.*"message":"a\\nb"}$/);
  assert.ok(stack.length > 1);
  for (const line of stack) assert.match(line, /^ {4}\S/);
});

Deno.test("silentLog takes everything", () => {
  for (const level of LEVELS) silentLog.with({ a: 1 })[level]("event", {});
  assert.equal(silentLog.with({}), silentLog);
});
