/** Reading as it comes: four transports, one cursor, and every way to end. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { EventSourceParserStream, type SentEvent } from "./event_source.ts";
import { fill } from "./filled_mailbox.ts";
import { Owner } from "./owner.ts";
import { TRANSPORTS } from "./readers.ts";
import { TestRelay } from "./relay_fixture.ts";

/** A relay that also answers WebSockets, which need a real connection. */
async function serve(options: Parameters<typeof TestRelay.open>[0] = {}) {
  const relay = await TestRelay.open(options);
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => relay.app.fetch(request),
  );
  return {
    relay,
    socketUrl: `ws://127.0.0.1:${server.addr.port}`,
    async [Symbol.asyncDispose]() {
      await relay.app.drain();
      await server.shutdown();
      relay[Symbol.dispose]();
    },
  };
}

function messagesPath(owner: Owner): string {
  return `/v1/mailboxes/${owner.mailbox}/messages`;
}

async function openEvents(
  owner: Owner,
  headers: Record<string, string> = {},
): Promise<ReadableStreamDefaultReader<SentEvent>> {
  const response = await owner.fetch(messagesPath(owner), {
    headers: { Accept: "text/event-stream", ...headers },
  });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("Content-Type"), "text/event-stream");
  assert.equal(response.headers.get("Cache-Control"), "no-store");
  return response.body!.pipeThrough(new EventSourceParserStream()).getReader();
}

for (const [name, open] of Object.entries(TRANSPORTS)) {
  Deno.test(`${name}: what is held and what comes, in order, once`, async () => {
    await using server = await serve();
    const owner = await Owner.open(server.relay);
    const before = await fill(owner, 7);
    const reader = await open(owner, null, server.socketUrl);
    for (const { id, cursor } of before) {
      const message = await reader.next();
      assert.deepEqual([message.id, message.cursor], [id, cursor]);
    }
    for (let i = 0; i < 5; i++) {
      const waiting = reader.next();
      const [sent] = await fill(owner, 1);
      assert.equal((await waiting).id, sent?.id);
    }
    await reader.close();
  });

  Deno.test(`${name}: nothing is missed where every ring is lost`, async () => {
    await using server = await serve({
      doorbells: { isHearing: false, lookEvery: 20 },
    });
    const owner = await Owner.open(server.relay);
    const reader = await open(owner, null, server.socketUrl);
    for (let i = 0; i < 3; i++) {
      const waiting = reader.next();
      const [sent] = await fill(owner, 1);
      assert.equal((await waiting).id, sent?.id);
    }
    await reader.close();
  });
}

Deno.test("any switch of transports mid-stream loses nothing and repeats nothing", async () => {
  await using server = await serve();
  const names = Object.keys(TRANSPORTS);
  const stays = fc.array(
    fc.record({
      transport: fc.constantFrom(...names),
      count: fc.nat(4),
      posts: fc.nat(4),
    }),
    { minLength: 1, maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(stays, async (stays) => {
      const owner = await Owner.open(server.relay);
      const sent: string[] = [];
      const got: string[] = [];
      let after: string | null = null;
      for (const { transport, count, posts } of stays) {
        const open = TRANSPORTS[transport];
        assert.ok(open);
        const reader = await open(owner, after, server.socketUrl);
        sent.push(...(await fill(owner, posts)).map(({ id }) => id));
        for (let i = 0; i < count && got.length < sent.length; i++) {
          const message = await reader.next();
          got.push(message.id);
          after = message.cursor;
        }
        await reader.close();
      }
      assert.deepEqual(got, sent.slice(0, got.length));
      const rest = await owner.read(after === null ? "" : `?after=${after}`);
      assert.deepEqual([...got, ...rest.messages.map(({ id }) => id)], sent);
    }),
    { numRuns: 40 },
  );
});

Deno.test("a long poll is answered when time is up, and says what it did", async () => {
  await using server = await serve();
  const owner = await Owner.open(server.relay);
  const { clock } = server.relay;
  let isAnswered = false;
  const asked = owner.fetch(messagesPath(owner), {
    headers: { Prefer: "respond-async, wait=20" },
  }).finally(() => isAnswered = true);
  await clock.waitedFor();
  clock.advance(19_999);
  await owner.read(); // asked later, and answered
  assert.equal(isAnswered, false);
  clock.advance(1);
  const response = await asked;
  assert.equal(clock.timers, 0);
  assert.equal(response.headers.get("Preference-Applied"), "wait=20");
  const page = await response.json();
  assert.deepEqual([page.messages, page.more, page.reset], [[], false, false]);
});

Deno.test("a long poll from a cursor of another epoch says so at once", async () => {
  await using server = await serve();
  const owner = await Owner.open(server.relay);
  const after = `${"f".repeat(12)}-${"0".repeat(20)}`;
  const response = await owner.fetch(`${messagesPath(owner)}?after=${after}`, {
    headers: { Prefer: "wait=60" },
  });
  assert.equal((await response.json()).reset, true);
});

Deno.test("a stream of events opens at once, and says whether it was reset", async () => {
  await using server = await serve();
  const owner = await Owner.open(server.relay);
  const cases: [Record<string, string>, boolean][] = [
    [{}, false],
    [{ "Last-Event-ID": `${"f".repeat(12)}-${"0".repeat(20)}` }, true],
  ];
  for (const [headers, reset] of cases) {
    const events = await openEvents(owner, headers);
    const { value } = await events.read();
    assert.deepEqual([value?.event, JSON.parse(value?.data ?? "null")], [
      "open",
      { reset },
    ]);
    await events.cancel();
  }
});

Deno.test("a stream of events opens with a cursor only where there is nothing to send: who breaks off then has missed nothing", async () => {
  await using server = await serve();
  const owner = await Owner.open(server.relay);
  const empty = await openEvents(owner);
  const { value: opened } = await empty.read();
  assert.deepEqual([opened?.event, opened?.id], [
    "open",
    (await owner.read()).next,
  ]);
  await empty.cancel();
  const [first] = await fill(owner, 2);
  const full = await openEvents(owner);
  const { value } = await full.read();
  assert.deepEqual([value?.event, value?.id], ["open", null]);
  assert.equal((await full.read()).value?.id, first?.cursor);
  await full.cancel();
});

Deno.test("reading is refused for its words before anything is answered or held, whichever way", async (t) => {
  await using server = await serve();
  const { relay } = server;
  const owner = await Owner.open(relay);
  const ways: Record<string, readonly [path: string, headers: HeadersInit]> = {
    page: [messagesPath(owner), {}],
    poll: [messagesPath(owner), { Prefer: "wait=5" }],
    events: [messagesPath(owner), { Accept: "text/event-stream" }],
    socket: [`/v1/mailboxes/${owner.mailbox}/socket`, {
      "Upgrade": "websocket",
      "Connection": "Upgrade",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }],
  };
  const pushed = new Set(["events", "socket"]);
  const words = [
    "after=x",
    "after=",
    `after=${"f".repeat(12)}-${"0".repeat(20)}x`,
    "bandwidth=x",
    "bandwidth=-1",
    "bandwidth=1000000000001",
    "delivery=all",
    "reader=a%20b",
    "delivery=link&bandwidth=10000",
  ];
  for (const [way, [path, headers]] of Object.entries(ways)) {
    for (const word of words) {
      if (word.startsWith("delivery=link") && !pushed.has(way)) continue;
      await t.step(`${way}: ${word}`, async () => {
        const refused = await owner.fetch(`${path}?${word}`, { headers });
        assert.equal(refused.status, 400);
        assert.equal((await refused.json()).code, "malformed");
        assert.equal(relay.app.use.streams.size, 0);
      });
    }
  }
});

Deno.test("a stream of events ends with the token, and gives nothing after it", async () => {
  await using server = await serve();
  const owner = await Owner.open(server.relay);
  const events = await openEvents(owner);
  assert.equal((await events.read()).value?.event, "open");
  const waiting = events.read();
  server.relay.clock.time += 16 * 60_000;
  await fill(owner, 1);
  const { value } = await waiting;
  assert.deepEqual([value?.event, JSON.parse(value?.data ?? "null")], ["end", {
    reason: "token-expired",
  }]);
  assert.equal((await events.read()).done, true);
});

Deno.test("streams, sockets and polls end when the relay is about to stop", async () => {
  await using server = await serve();
  const { relay, socketUrl } = server;
  const owner = await Owner.open(relay);
  const events = await openEvents(owner);
  await events.read();
  const poll = owner.fetch(messagesPath(owner), {
    headers: { Prefer: "wait=60" },
  });
  const socket = new WebSocket(
    `${socketUrl}/v1/mailboxes/${owner.mailbox}/socket`,
    ["restante.v1", `bearer.${await owner.token()}`],
  );
  await new Promise((resolve) => socket.onopen = resolve);
  assert.equal(socket.protocol, "restante.v1");
  const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
  await relay.app.drain();
  const { value } = await events.read();
  assert.deepEqual([value?.event, JSON.parse(value?.data ?? "null")], ["end", {
    reason: "shutdown",
  }]);
  assert.equal((await events.read()).done, true);
  assert.deepEqual((await (await poll).json()).messages, []);
  const { code, reason } = await closed;
  assert.deepEqual([code, reason], [1001, "shutdown"]);
});

Deno.test("a socket needs a token, a cursor that is one, and a WebSocket", async () => {
  await using server = await serve();
  const owner = await Owner.open(server.relay);
  const path = `/v1/mailboxes/${owner.mailbox}/socket`;
  const bare = await server.relay.fetch(path);
  assert.equal(bare.status, 401);
  assert.equal((await owner.fetch(`${path}?after=x`)).status, 400);
  assert.equal((await owner.fetch(`${path}?bandwidth=x`)).status, 400);
  assert.equal((await owner.fetch(path)).status, 400);
  const other = await Owner.open(server.relay);
  assert.equal((await other.fetch(path)).status, 403);
});

Deno.test("a long poll of a caller who has gone is no failure of the relay's", async () => {
  await using server = await serve();
  const { relay } = server;
  const owner = await Owner.open(relay);
  const response = await owner.fetch(messagesPath(owner), {
    headers: { Prefer: "wait=30" },
    signal: AbortSignal.abort(),
  });
  assert.equal(response.status, 200);
  assert.deepEqual(relay.failures, []);
});
