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
import { assertClientError } from "./assert_client_error.ts";
import { closedUrl, FakeRelay, problem } from "./fake_relay.ts";
import { listenBehind, TcpProxy } from "./tcp_proxy.ts";

const unreachable = () => new ClientError("relay-unreachable", "gone");
const busy = (retryAfter?: number) =>
  new RelayError("busy", 503, { detail: "busy", retryAfter });

Deno.test("withRetries() tries again what may pass, and nothing else", async () => {
  const passing = [unreachable(), busy(0), unreachable()];
  let tries = 0;
  const given = await withRetries(() => {
    const error = passing[tries++];
    return error === undefined
      ? Promise.resolve("here")
      : Promise.reject(error);
  }, { patience: 10_000 });
  assert.deepEqual([given, tries], ["here", 4]);

  const lasting = [
    new RelayError("malformed", 400, {}),
    new RelayError("mailbox-full", 507, {}),
    new RelayError("unauthorized", 401, {}),
    new ClientError("relay-nonsense", "what"),
    new TypeError("our own mistake"),
  ];
  for (const error of lasting) {
    let tries = 0;
    const failing = withRetries(() => {
      tries++;
      return Promise.reject(error);
    }, { patience: 10_000 });
    await assert.rejects(failing, error);
    assert.equal(tries, 1);
  }
});

Deno.test("withRetries() says how often and for how long it tried", async () => {
  const { message, cause } = await assertClientError(
    withRetries(() => Promise.reject(unreachable()), { patience: 500 }),
    "relay-unreachable",
  );
  assert.match(message, /^gone; tried [23] times in 0\.\d s$/);
  assert.ok(cause instanceof ClientError);
});

Deno.test("pauseAfter() grows, is bounded, and heeds what the relay asks for", () => {
  for (let tries = 1; tries < 20; tries++) {
    const most = Math.min(200 * 2 ** (tries - 1), 5_000);
    const pause = pauseAfter(tries);
    assert.ok(pause >= most / 2 && pause <= most, `${tries}: ${pause}`);
  }
  assert.equal(pauseAfter(1, busy(7)), 7_000);
});

Deno.test("withRetries() ends at once when its signal does, with its reason", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const failing = withRetries(() => {
    queueMicrotask(() => controller.abort(reason));
    return Promise.reject(busy(60));
  }, { patience: 100_000, signal: controller.signal });
  await assert.rejects(failing, reason);
});

Deno.test("a relay that is gone is told with how it was tried", async () => {
  const relay = new Relay(closedUrl(), { patience: 600 });
  const { message } = await assertClientError(
    relay.descriptor(),
    "relay-unreachable",
  );
  assert.match(message, /tried \d+ times in \d\.\d s$/);
});

Deno.test("a busy relay is asked again", async () => {
  let asked = 0;
  await using fake = new FakeRelay(() =>
    ++asked < 3
      ? problem(503, { code: "busy", status: 503, detail: "full" })
      : Response.json({ work: { target: "00ff", hashes: 1 } })
  );
  const quote = await new Relay(fake.url).quote(1, 3_600);
  assert.deepEqual([quote.target, asked], [255n, 3]);
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
