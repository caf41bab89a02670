/** Every call takes a signal, and ends with its reason as soon as it is aborted. */
import assert from "node:assert/strict";
import { z } from "zod";
import {
  acknowledge,
  fetchMessage,
  makeIdentity,
  readAll,
  readPage,
  type ReceivedMessage,
  Relay,
  resolveRecipient,
  send,
  Session,
  type StoredMessage,
  type Transport,
  watch,
} from "../../client/mod.ts";
import { listen } from "../routes/listening_relay.ts";
import { CountedSignal } from "./counted_signal.ts";
import { FakeHome } from "./fake_home.ts";
import { ALICE, settled } from "./scripted.ts";
import { listenBehind, TcpProxy } from "./tcp_proxy.ts";

/** Milliseconds in which a call has to end: those of a busy machine. */
const PROMPTLY = 1_000;

const MESSAGE: ReceivedMessage = {
  cursor: "",
  id: "",
  object: "0".repeat(64),
  storedAt: 0,
  holdUntil: 0,
  size: 0,
  letter: null,
  failure: "withheld",
};

Deno.test("every call ends with its signal's reason, before it began or while it waits", async (t) => {
  let isAnswering = true;
  let swallowed = Promise.withResolvers<void>();
  await using proxy = new TcpProxy({
    judge() {
      if (isAnswering) return "pass";
      swallowed.resolve();
      return "swallow";
    },
  });
  await using _server = await listenBehind(proxy);
  const relay = new Relay(proxy.url);
  const [from, bob] = [await makeIdentity(1_024), await makeIdentity(1_024)];
  const session = new Session(relay, bob);
  await session.open();
  isAnswering = false;

  const message = {
    relay,
    from,
    to: bob.key.publicKey,
    application: "test",
    data: new Uint8Array(1),
    hold: 3_600,
  };
  const calls: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
    fetch: (signal) => relay.fetch("/", { signal }),
    "Session.fetch": (signal) => session.fetch("/", { signal }),
    descriptor: (signal) => relay.descriptor({ signal }),
    verifyingKey: (signal) => relay.verifyingKey({ signal }),
    quote: (signal) => relay.quote(1_000, 3_600, undefined, { signal }),
    postMessage: (signal) => relay.postMessage(new Uint8Array(1), { signal }),
    "postMessage with progress": (signal) =>
      relay.postMessage(new Uint8Array(1), { signal, onUpload() {} }),
    send: (signal) => send({ ...message, signal }),
    "Session.open": (signal) => new Session(relay, bob).open({ signal }),
    readPage: (signal) => readPage(session, null, { signal }),
    "readPage that waits": (signal) =>
      readPage(session, null, { signal, wait: 25 }),
    readAll: (signal) => readAll(session, null, { signal }).next(),
    fetchMessage: (signal) => fetchMessage(session, MESSAGE, { signal }),
    acknowledge: (signal) => acknowledge(session, "", "phone", { signal }),
    "watch by socket": (signal) =>
      watch(session, { signal, transports: ["socket"] }).next(),
    "watch by events": (signal) =>
      watch(session, { signal, transports: ["events"] }).next(),
    "watch by poll": (signal) =>
      watch(session, { signal, transports: ["poll"] }).next(),
  };
  for (const [name, call] of Object.entries(calls)) {
    await t.step(name, async () => {
      const reason = new Error(`enough of ${name}`);
      await assert.rejects(call(AbortSignal.abort(reason)), reason);
      const counted = new CountedSignal();
      swallowed = Promise.withResolvers();
      const calling = call(counted.signal);
      calling.catch(() => {});
      await swallowed.promise; // it is on its way, and nobody answers
      const aborted = performance.now();
      counted.end(reason);
      await assert.rejects(calling, reason);
      const took = performance.now() - aborted;
      assert.ok(took < PROMPTLY, `${took} ms`);
      assert.equal(counted.listeners, 0);
    });
  }
});

/** A call's requests, by how they begin: at each, nobody answers. */
const STAGES: Readonly<
  Record<string, readonly [begins: string, nth: number][]>
> = {
  send: [
    ["POST /v1/quotes", 1],
    ["GET /.well-known/restante", 1],
    ["POST /v1/messages", 1],
  ],
  "send, of what the relay's key did not sign": [
    ["GET /.well-known/restante", 2],
  ],
  "Session.open": [
    ["POST /v1/handshakes ", 1],
    ["POST /v1/handshakes/", 1],
  ],
  readPage: [
    ["POST /v1/handshakes/", 1],
    ["GET /v1/mailboxes/", 1],
  ],
  fetchMessage: [["GET /v1/objects/", 1]],
  acknowledge: [["POST /v1/mailboxes/", 1]],
  resolveRecipient: [["GET /v1/names/", 1]],
};

/** A relay whose receipts are nobody's. */
class ForgetfulRelay extends Relay {
  override async postMessage(
    ...args: Parameters<Relay["postMessage"]>
  ): Promise<StoredMessage> {
    const stored = await super.postMessage(...args);
    return { ...stored, receipt: "a.b.c" };
  }
}

Deno.test("every call ends with its signal's reason, whichever of its requests is not answered", async (t) => {
  let [begins, left] = ["", 0];
  let swallowed = Promise.withResolvers<void>();
  await using proxy = new TcpProxy({
    judge(text) {
      if (!text.startsWith(begins) || --left > 0) return "pass";
      swallowed.resolve();
      return "swallow";
    },
  });
  await using _server = await listenBehind(proxy);
  begins = "nothing";
  await new Session(new Relay(proxy.url), ALICE).open();
  const message = {
    from: ALICE,
    to: ALICE.key.publicKey,
    application: "test",
    data: new Uint8Array(1),
    hold: 3_600,
  };
  for (const [name, stages] of Object.entries(STAGES)) {
    for (const [stage, nth] of stages) {
      await t.step(`${name}: ${stage}, ${nth}`, async () => {
        proxy.cutAll(); // so that each request is seen from its start
        const relay = new Relay(proxy.url);
        const session = new Session(relay, ALICE);
        const calls: Record<string, (signal: AbortSignal) => Promise<unknown>> =
          {
            send: (signal) => send({ ...message, relay, signal }),
            "send, of what the relay's key did not sign": (signal) =>
              send({
                ...message,
                relay: new ForgetfulRelay(proxy.url),
                signal,
              }),
            "Session.open": (signal) => session.open({ signal }),
            readPage: (signal) => readPage(session, null, { signal }),
            fetchMessage: (signal) =>
              fetchMessage(session, MESSAGE, { signal }),
            acknowledge: (signal) =>
              acknowledge(session, "", "phone", { signal }),
            resolveRecipient: (signal) =>
              resolveRecipient("alice", { relay, signal }),
          };
        const reason = new Error(`enough of ${name}`);
        const counted = new CountedSignal();
        swallowed = Promise.withResolvers();
        [begins, left] = [stage, nth];
        let failure: unknown = null;
        const calling = calls[name]?.(counted.signal);
        const ended = calling?.catch((error) => failure = error);
        await swallowed.promise;
        counted.end(reason);
        const atOnce = await settled(() => failure);
        const connections = proxy.connections;
        begins = "nothing";
        proxy.cutAll(); // where it goes on waiting, that ends
        await ended;
        assert.equal(atOnce, reason);
        assert.equal(connections, 0, "a request goes on");
        assert.equal(counted.listeners, 0);
      });
    }
  }
});

Deno.test("every call ends with its signal's reason amid an answer, too", async (t) => {
  let begun = Promise.withResolvers<void>();
  const cut = () => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new Uint8Array([0x7b])),
    });
    setTimeout(() => begun.resolve()); // its head and a byte are on their way
    return new Response(body);
  };
  await using home = new FakeHome(cut);
  const relay = new Relay(home.url, { patience: 0 });
  const session = new Session(relay, ALICE);
  const calls: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
    answer: (signal) => relay.answer("/", z.object({}), {}, { signal }),
    json: (signal) => relay.json("/", z.object({}), { signal }),
    "Session.json": (signal) => session.json("/", z.object({}), { signal }),
    "Session.bytes": (signal) => session.bytes("/", { signal }),
    readPage: (signal) => readPage(session, null, { signal }),
    fetchMessage: (signal) => fetchMessage(session, MESSAGE, { signal }),
  };
  for (const [name, call] of Object.entries(calls)) {
    await t.step(name, async () => {
      begun = Promise.withResolvers();
      const reason = new Error(`enough of ${name}`);
      const counted = new CountedSignal();
      const ending = assert.rejects(call(counted.signal), reason);
      await begun.promise;
      await settled(() => {});
      counted.end(reason);
      await ending;
      assert.equal(counted.listeners, 0);
    });
  }
});

Deno.test("no call leaves a listener on its signal when it is done", async (t) => {
  await using server = await listen();
  const relay = new Relay(server.url);
  const [from, bob] = [await makeIdentity(1_024), await makeIdentity(1_024)];
  const session = new Session(relay, bob);
  await session.open();
  const counted = new CountedSignal();
  const { signal } = counted;
  const { object } = await send({
    relay,
    from,
    to: bob.key.publicKey,
    application: "test",
    data: new Uint8Array(1),
    hold: 3_600,
    signal,
  });
  assert.equal(counted.listeners, 0);
  const watchOnce = async (transport: Transport) => {
    const messages = watch(session, { signal, transports: [transport] });
    await messages.next();
    await messages.return(undefined);
  };
  const calls: Record<string, () => Promise<unknown>> = {
    descriptor: () => relay.descriptor({ signal }),
    quote: () => relay.quote(1_000, 3_600, undefined, { signal }),
    postMessage: () =>
      relay.postMessage(new Uint8Array(1), { signal }).catch(() => {}),
    "Session.open": () => new Session(relay, bob).open({ signal }),
    readPage: () => readPage(session, null, { signal }),
    readAll: () => Array.fromAsync(readAll(session, null, { signal })),
    fetchMessage: () =>
      fetchMessage(session, { ...MESSAGE, object }, { signal }),
    acknowledge: () =>
      acknowledge(session, "", "phone", { signal }).catch(() => {}),
    "watch by socket": () => watchOnce("socket"),
    "watch by events": () => watchOnce("events"),
    "watch by poll": () => watchOnce("poll"),
  };
  for (const [name, call] of Object.entries(calls)) {
    await t.step(name, async () => {
      await call();
      assert.equal(counted.listeners, 0);
    });
  }
});
