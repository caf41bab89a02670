/** What may pass is tried again, for as long as patience lasts, and no longer. */
import assert from "node:assert/strict";
import {
  makeIdentity,
  readAll,
  Relay,
  RelayError,
  send,
  Session,
} from "../../client/mod.ts";
import { pauseAfter, withRetries } from "../../client/retry.ts";
import { ClientError } from "../../client/error.ts";
import { type ProblemCode, PROBLEMS } from "../../lib/problem.ts";
import { ManualClock } from "../manual_clock.ts";
import { assertClientError } from "./assert_client_error.ts";
import { CountedSignal } from "./counted_signal.ts";
import { closedUrl, FakeRelay, problem } from "./fake_relay.ts";
import { listenBehind, TcpProxy } from "./tcp_proxy.ts";

const unreachable = () => new ClientError("relay-unreachable", "gone");
const busy = (retryAfter?: number) =>
  new RelayError("busy", 503, { detail: "busy", retryAfter });
const limited = (retryAfter: string | null = null) =>
  new RelayError("rate-limited", 429, {}, retryAfter);

/** Lets a clock run on for as long as some work takes. */
async function runOn<T>(
  clock: ManualClock,
  work: Promise<T>,
): Promise<T> {
  let isOver = false;
  const end = () => void (isOver = true);
  work.then(end, end);
  while (!isOver) {
    if (clock.timers > 0) clock.advance(10);
    await new Promise((resolve) => setTimeout(resolve));
  }
  return await work;
}

Deno.test("withRetries() tries again what may pass, and nothing else", async () => {
  const clock = new ManualClock();
  const passing = [unreachable(), busy(0), limited(), unreachable()];
  let tries = 0;
  const trying = withRetries(() => {
    const error = passing[tries++];
    return error === undefined
      ? Promise.resolve("here")
      : Promise.reject(error);
  }, { patience: 10_000, clock });
  assert.deepEqual([await runOn(clock, trying), tries], ["here", 5]);

  const codes = Object.keys(PROBLEMS) as ProblemCode[];
  const lasting = [
    ...codes.filter((code) => code !== "busy" && code !== "rate-limited")
      .map((code) =>
        new RelayError(code, PROBLEMS[code].status, { retryAfter: 1 })
      ),
    new ClientError("relay-nonsense", "what"),
    new ClientError("name-unknown", "who"),
    new ClientError("price-too-high", "much"),
    new TypeError("our own mistake"),
  ];
  for (const error of lasting) {
    let tries = 0;
    const failing = withRetries(() => {
      tries++;
      return Promise.reject(error);
    }, { patience: 10_000, clock });
    await assert.rejects(failing, error);
    assert.equal(tries, 1);
  }
  assert.equal(clock.timers, 0);
});

Deno.test("withRetries() waits no longer than patience lasts, and says how often and for how long it tried", async () => {
  const clock = new ManualClock();
  const began = clock.monotonic();
  let tries = 0;
  const failing = withRetries(() => {
    tries++;
    return Promise.reject(unreachable());
  }, { patience: 5_000, clock });
  failing.catch(() => {});
  await assert.rejects(runOn(clock, failing));
  const { message, cause } = await assertClientError(
    failing,
    "relay-unreachable",
  );
  const spent = clock.monotonic() - began;
  // Pauses of at most 0.2, 0.4, 0.8, 1.6 and 3.2 s, and at least half of that.
  assert.ok(tries === 5 || tries === 6, `${tries} tries`);
  assert.ok(spent > 1_500 && spent <= 5_000, `${spent} ms`);
  assert.match(message, /^gone; tried [56] times in \d\.\d s$/);
  assert.ok(cause instanceof ClientError);
});

Deno.test("withRetries() does not begin a pause that patience would not outlast", async () => {
  const clock = new ManualClock();
  const table: [retryAfter: number, tries: number][] = [[5, 2], [5.001, 1]];
  for (const [retryAfter, expected] of table) {
    let tries = 0;
    const failing = withRetries(() => {
      tries++;
      return Promise.reject(busy(retryAfter));
    }, { patience: 5_000, clock });
    await assert.rejects(runOn(clock, failing), RelayError);
    assert.equal(tries, expected);
    assert.equal(clock.timers, 0);
  }
});

Deno.test("pauseAfter() grows, is bounded, and heeds what the relay asks for", () => {
  for (let tries = 1; tries < 20; tries++) {
    const most = Math.min(200 * 2 ** (tries - 1), 5_000);
    assert.equal(pauseAfter(tries, null, () => 0), most / 2);
    assert.equal(pauseAfter(tries, null, () => 1), most);
    const drawn = pauseAfter(tries);
    assert.ok(drawn >= most / 2 && drawn <= most, `${tries}: ${drawn}`);
  }
  assert.equal(pauseAfter(1, busy(7)), 7_000);
  assert.equal(pauseAfter(9, busy(1), () => 1), 5_000);
  assert.equal(pauseAfter(1, limited("9")), 9_000);
  assert.equal(pauseAfter(1, busy(1e9)), 600_000);
  assert.equal(pauseAfter(1, busy(NaN), () => 1), 200);
});

Deno.test("withRetries() ends at once when its signal does, with its reason, and leaves nothing on it", async () => {
  const clock = new ManualClock();
  const counted = new CountedSignal();
  const reason = new Error("enough");
  const failing = withRetries(() => Promise.reject(busy(60)), {
    patience: 100_000,
    signal: counted.signal,
    clock,
  });
  failing.catch(() => {});
  await clock.waitedFor(1);
  assert.equal(counted.listeners, 1);
  counted.end(reason);
  await assert.rejects(failing, reason);
  assert.equal(counted.listeners, 0);
  assert.equal(clock.timers, 0);
});

Deno.test("withRetries() that its signal ended throws the reason, however the attempt failed", async () => {
  const errors = [unreachable(), busy(), new TypeError("our own mistake")];
  for (const error of errors) {
    for (const patience of [0, 100_000]) {
      const end = new AbortController();
      const reason = new Error("enough");
      const failing = withRetries(() => {
        end.abort(reason);
        return Promise.reject(error);
      }, { patience, signal: end.signal, clock: new ManualClock() });
      await assert.rejects(failing, reason);
    }
  }
});

Deno.test("a relay that is gone is told with how it was tried", async () => {
  const clock = new ManualClock();
  const relay = new Relay(closedUrl(), { patience: 600, clock });
  const { message } = await assertClientError(
    runOn(clock, relay.descriptor()),
    "relay-unreachable",
  );
  assert.match(message, /tried [23] times in \d\.\d s$/);
});

Deno.test("a relay that is busy, or asked too often, is asked again", async () => {
  const refusals = [
    () => problem(503, { code: "busy", status: 503, detail: "full" }),
    () => problem(429, { code: "rate-limited", retryAfter: 2 }),
  ];
  let asked = 0;
  await using fake = new FakeRelay(() =>
    refusals[asked++]?.() ??
      Response.json({ work: { target: "00ff", hashes: 1 } })
  );
  const clock = new ManualClock();
  const began = clock.monotonic();
  const quote = await runOn(
    clock,
    new Relay(fake.url, { clock }).quote(1, 3_600),
  );
  assert.deepEqual([quote.target, asked], [255n, 3]);
  assert.ok(clock.monotonic() - began >= 2_000);
});

Deno.test("a lost answer ends in the same receipt, and in one message", async () => {
  // Of the post's answer not even the head gets through, the first time.
  let isPosting = false;
  await using proxy: TcpProxy = new TcpProxy({
    judge(text) {
      isPosting ||= text.startsWith("POST /v1/messages");
      return "pass";
    },
    cutBefore: (): boolean => isPosting && proxy.cuts === 0,
  });
  await using server = await listenBehind(proxy);
  const direct = new Relay(server.url);
  const [from, bob] = [await makeIdentity(1_024), await makeIdentity(1_024)];
  const session = new Session(direct, bob);
  await session.open();
  const uploads: number[] = [];
  const sent = await send({
    relay: new Relay(proxy.url),
    from,
    to: bob.key.publicKey,
    application: "test",
    data: new Uint8Array(100),
    hold: 3_600,
    onUpload: (bytes) => uploads.push(bytes),
  });
  assert.equal(proxy.cuts, 1);
  assert.ok(uploads.length > 1);
  const pages = await Array.fromAsync(readAll(session, null));
  const messages = pages.flatMap(({ messages }) => messages);
  assert.deepEqual(messages.map(({ id }) => id), [sent.id]);
});
