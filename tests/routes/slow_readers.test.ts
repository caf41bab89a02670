/** Readers that take nothing, say too much, or come in crowds. */
import assert from "node:assert/strict";
import { Problem } from "../../lib/problem.ts";
import { EventSourceParserStream } from "./event_source.ts";
import { fill } from "./filled_mailbox.ts";
import { Owner } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

/** A relay that also answers WebSockets, which need a real connection. */
async function serve(options: Parameters<typeof TestRelay.open>[0] = {}) {
  const relay = await TestRelay.open(options);
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request, info) =>
      relay.app.fetch(request, { remoteAddr: info.remoteAddr }),
  );
  return {
    relay,
    port: server.addr.port,
    socketUrl: `ws://127.0.0.1:${server.addr.port}`,
    async [Symbol.asyncDispose]() {
      await relay.app.drain();
      await server.shutdown();
      relay[Symbol.dispose]();
    },
  };
}

const messagesOf = ({ mailbox }: Owner) => `/v1/mailboxes/${mailbox}/messages`;

function openEvents(owner: Owner, init: RequestInit = {}): Promise<Response> {
  const headers = { Accept: "text/event-stream", ...init.headers };
  return owner.fetch(messagesOf(owner), { ...init, headers });
}

/** A socket that is open, and how it closes. */
async function openSocket(url: string, owner: Owner) {
  const socket = new WebSocket(
    `${url}/v1/mailboxes/${owner.mailbox}/socket`,
    ["restante.v1", `bearer.${await owner.token()}`],
  );
  const closed = new Promise<CloseEvent>((resolve) =>
    socket.addEventListener("close", resolve)
  );
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  return { socket, closed };
}

Deno.test("a reader of events that takes nothing is dropped, and gives its place back", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  await fill(owner, 3);
  let cuts = 0;
  const token = await owner.token();
  const response = await relay.fetch(messagesOf(owner), {
    headers: { Accept: "text/event-stream", Authorization: `Bearer ${token}` },
  }, {
    remoteAddr: { hostname: "127.0.0.1" },
    connection: {
      hold: () => () => {},
      keepSocket: () => {},
      cut: () => void cuts++,
    },
  });
  const { streams } = relay.app.use;
  assert.equal(streams.size, 1);
  const reader = response.body!.getReader();
  await reader.read(); // one part, and then no more
  assert.ok(streams.buffered > 0);
  relay.clock.advance(29_999);
  assert.equal(streams.dropped, 0);
  relay.clock.advance(1);
  assert.deepEqual([streams.dropped, streams.size, cuts], [1, 0, 1]);
  assert.equal(streams.buffered, 0);
  await assert.rejects(reader.read());
  assert.equal(relay.clock.timers, 0);
  assert.deepEqual(relay.failures, []);
});

Deno.test("a reader whose store fails meanwhile gives its place back, and is told so", async (t) => {
  const ways: Record<string, HeadersInit> = {
    events: { Accept: "text/event-stream" },
    poll: { Prefer: "wait=20" },
  };
  for (const [way, headers] of Object.entries(ways)) {
    await t.step(way, async () => {
      using relay = await TestRelay.open();
      const owner = await Owner.open(relay);
      const asked = owner.fetch(messagesOf(owner), { headers });
      if (way === "poll") await relay.clock.waitedFor();
      const reader = way === "poll"
        ? null
        : (await asked).body?.getReader() ?? null;
      await reader?.read();
      const { streams } = relay.app.use;
      assert.equal(streams.size, 1);
      const { list } = relay.relay.store;
      relay.relay.store.list = () =>
        Promise.reject(new Problem("busy", "of the test"));
      const failing = reader === null
        ? asked.then(({ status }) => assert.equal(status, 503))
        : assert.rejects(reader.read());
      await fill(owner, 1);
      await failing;
      relay.relay.store.list = list;
      assert.deepEqual([streams.size, streams.buffered], [0, 0]);
      assert.equal(relay.clock.timers, 0);
    });
  }
});

Deno.test("a stream of events makes no part before the one before was taken", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const sent = await fill(owner, 5);
  const response = await openEvents(owner);
  const reader = response.body!.getReader();
  const sizes = [];
  for (let i = 0; i <= sent.length; i++) {
    const { value } = await reader.read();
    sizes.push(value?.length);
    assert.equal(relay.app.use.streams.buffered, value?.length);
  }
  assert.equal(sizes.length, 6);
  const next = reader.read();
  await owner.read(); // asked later, and answered
  assert.equal(relay.app.use.streams.buffered, 0, "all was taken");
  await reader.cancel();
  assert.equal((await next).done, true);
  assert.deepEqual([relay.app.use.streams.size, relay.clock.timers], [0, 0]);
});

Deno.test("a part of a stream waits while those of others have all the room, and is given up when its reader leaves", async (t) => {
  for (const how of ["the other takes its part", "the reader leaves"]) {
    await t.step(how, async () => {
      using relay = await TestRelay.open({ caps: { bufferedBytes: 1_000 } });
      const owner = await Owner.open(relay);
      await fill(owner, 1, 3_600, 3_000);
      const { streams } = relay.app.use;
      const [first, second] = [await openEvents(owner), await openEvents(owner)]
        .map(({ body }) => body?.getReader());
      assert.ok(first && second);
      await first.read(); // it opens
      await first.read();
      const held = streams.buffered;
      assert.ok(held > 3_000, "the only one may have any size");
      let isTaken = false;
      const waiting = second.read().finally(() => isTaken = true);
      for (let look = 0; look < 5; look++) {
        await (await owner.fetch("/docs/start.js")).body?.cancel();
        relay.clock.advance(20);
      }
      assert.deepEqual([isTaken, streams.buffered], [false, held]);
      if (how === "the reader leaves") {
        await second.cancel();
        const path = `/v1/mailboxes/${owner.mailbox}`;
        await (await relay.fetch(path)).text(); // nothing goes on without end
        assert.equal((await waiting).done, true);
        assert.deepEqual([streams.size, streams.buffered], [1, held]);
      } else {
        const next = first.read(); // so that the part before is taken
        for (let look = 0; look < 100 && !isTaken; look++) {
          await (await owner.fetch("/docs/start.js")).body?.cancel();
          relay.clock.advance(20);
        }
        assert.equal((await waiting).done, false);
        await first.cancel();
        await next;
      }
      for (const reader of [first, second]) await reader.cancel();
      assert.deepEqual([streams.size, relay.clock.timers], [0, 0]);
    });
  }
});

Deno.test("a reader of events that takes something now and then stays", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  await fill(owner, 4);
  const response = await openEvents(owner);
  const reader = response.body!.getReader();
  for (let i = 0; i < 5; i++) {
    assert.equal((await reader.read()).done, false);
    relay.clock.advance(29_000);
  }
  assert.equal(relay.app.use.streams.dropped, 0);
  await reader.cancel();
});

Deno.test("HEAD of a stream of events takes no place", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const response = await openEvents(owner, { method: "HEAD" });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("Content-Type"), "text/event-stream");
  assert.deepEqual([relay.app.use.streams.size, relay.clock.timers], [0, 0]);
});

Deno.test("900 readers under one token find 64 places, however close they come", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const Authorization = `Bearer ${await owner.token()}`;
  const headers = { Accept: "text/event-stream", Authorization };
  const answers = await Promise.all(
    Array.from(
      { length: 900 },
      () => relay.fetch(messagesOf(owner), { headers }),
    ),
  );
  const refused = answers.filter(({ status }) => status === 429);
  assert.equal(refused.length, 900 - 64);
  for (const { headers } of refused) {
    assert.equal(headers.get("RateLimit-Policy"), '"token-streams";q=64');
    assert.equal(headers.get("Retry-After"), "10");
  }
  const polls = await relay.fetch(messagesOf(owner), {
    headers: { Prefer: "wait=5", Authorization },
  });
  assert.equal(polls.status, 429, "polls count as well");
  assert.equal(relay.app.use.streams.refused.token, 900 - 64 + 1);
  for (const { body } of answers) await body?.cancel();
  assert.equal(relay.app.use.streams.size, 0);
});

Deno.test("a long poll gives its place back, however it ends", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const { streams } = relay.app.use;
  const poll = (wait: number, query = "") =>
    owner.fetch(`${messagesOf(owner)}${query}`, {
      headers: { Prefer: `wait=${wait}` },
    });
  const waiting = poll(20);
  await relay.clock.waitedFor();
  assert.deepEqual(streams.counts, { events: 0, socket: 0, poll: 1 });
  await fill(owner, 1);
  assert.equal((await (await waiting).json()).messages.length, 1);
  assert.equal(streams.size, 0);
  const next = (await owner.read()).next;
  const late = poll(20, `?after=${next}`);
  await relay.clock.waitedFor();
  relay.clock.advance(20_000);
  assert.equal((await (await late).json()).messages.length, 0);
  assert.deepEqual([streams.size, relay.clock.timers], [0, 0]);
});

Deno.test("a frame over 4 KiB ends the socket with 1009, and one of 4 KiB does not", async () => {
  await using server = await serve();
  const owner = await Owner.open(server.relay);
  const { socket, closed } = await openSocket(server.socketUrl, owner);
  socket.send("x".repeat(4_096));
  socket.send(new Uint8Array(4_096));
  const heard = new Promise((resolve) => socket.onmessage = resolve);
  await fill(owner, 1);
  await heard; // it is still served
  socket.send("x".repeat(4_097));
  const { code } = await closed;
  assert.equal(code, 1009);
  const { streams } = server.relay.app.use;
  for (let n = 0; n < 1_000 && streams.size > 0; n++) await owner.read();
  assert.equal(server.relay.app.use.streams.size, 0);
});

Deno.test("a bad request for a socket takes no place, and a good one gives it back", async () => {
  await using server = await serve({ caps: { tokenStreams: 1 } });
  const owner = await Owner.open(server.relay);
  const { streams } = server.relay.app.use;
  const path = `/v1/mailboxes/${owner.mailbox}/socket`;
  for (const query of ["?delivery=x", "?delivery=link&bandwidth=1", ""]) {
    assert.equal((await owner.fetch(path + query)).status, 400);
    assert.equal(streams.size, 0);
  }
  for (let i = 0; i < 2; i++) {
    const { socket, closed } = await openSocket(server.socketUrl, owner);
    assert.equal(streams.counts.socket, 1);
    socket.close();
    await closed;
    // The relay hears of it in its own turn.
    for (let n = 0; n < 1_000 && streams.size > 0; n++) await owner.read();
    assert.equal(streams.size, 0);
  }
  assert.deepEqual(server.relay.failures, []);
});

Deno.test("the protocols of a socket may come without a space, as ws sends them", async () => {
  await using server = await serve();
  const owner = await Owner.open(server.relay);
  for (const between of [",", ", ", " , "]) {
    using connection = await Deno.connect({
      hostname: "127.0.0.1",
      port: server.port,
    });
    const head = [
      `GET /v1/mailboxes/${owner.mailbox}/socket HTTP/1.1`,
      "Host: relay",
      "Connection: keep-alive, Upgrade",
      "Upgrade: WebSocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      `Sec-WebSocket-Protocol: restante.v1${between}bearer.${await owner
        .token()}`,
      "",
      "",
    ].join("\r\n");
    await connection.write(new TextEncoder().encode(head));
    const bytes = new Uint8Array(4_096);
    const length = await connection.read(bytes) ?? 0;
    const text = new TextDecoder().decode(bytes.subarray(0, length));
    assert.match(text, /^HTTP\/1\.1 101 /);
    assert.match(text, /sec-websocket-protocol: restante\.v1\r\n/i);
  }
});

Deno.test("an EventSource that connects again goes on at its Last-Event-ID, whatever its `after`", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const [first, second, third] = await fill(owner, 3);
  assert.ok(first && second && third);
  const path = `${messagesOf(owner)}?after=${first.cursor}`;
  const response = await owner.fetch(path, {
    headers: { "Accept": "text/event-stream", "Last-Event-ID": second.cursor },
  });
  const events = response.body!.pipeThrough(new EventSourceParserStream())
    .getReader();
  assert.equal((await events.read()).value?.event, "open");
  assert.equal((await events.read()).value?.id, third.cursor);
  await events.cancel();
  const empty = await owner.fetch(path, { headers: { "Last-Event-ID": "" } });
  assert.equal((await empty.json()).messages[0].cursor, second.cursor);
  const bad = await owner.fetch(path, { headers: { "Last-Event-ID": "x" } });
  assert.equal(bad.status, 400);
});

Deno.test("another device's acknowledgement deletes nothing that a named reader has read", async (t) => {
  await using server = await serve();
  const ways: Record<string, (owner: Owner) => Promise<unknown>> = {
    page: (owner) => owner.read("?reader=phone"),
    events: async (owner) => {
      const response = await owner.fetch(
        `${messagesOf(owner)}?reader=phone`,
        { headers: { Accept: "text/event-stream" } },
      );
      await response.body?.cancel();
    },
    poll: async (owner) => {
      const response = await owner.fetch(
        `${messagesOf(owner)}?reader=phone`,
        { headers: { Prefer: "wait=5" } },
      );
      await response.json();
    },
    socket: async (owner) => {
      const url = `${server.socketUrl}/v1/mailboxes/${owner.mailbox}/socket`;
      const token = await owner.token();
      const socket = new WebSocket(`${url}?reader=phone`, [
        "restante.v1",
        `bearer.${token}`,
      ]);
      await new Promise((resolve) => socket.onmessage = resolve);
      const closed = new Promise((resolve) => socket.onclose = resolve);
      socket.close();
      await closed;
    },
  };
  for (const [way, read] of Object.entries(ways)) {
    await t.step(way, async () => {
      const owner = await Owner.open(server.relay);
      const [message] = await fill(owner, 1);
      assert.ok(message);
      await read(owner);
      await owner.acknowledge(message.cursor, "tablet");
      assert.equal((await owner.read()).messages.length, 1);
      await owner.acknowledge(message.cursor, "phone");
      assert.equal((await owner.read()).messages.length, 0);
    });
  }
});

Deno.test("a reader may say its name whichever way it reads, if it is one", async (t) => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const ways: Record<string, HeadersInit> = {
    page: {},
    events: { Accept: "text/event-stream" },
  };
  for (const [way, headers] of Object.entries(ways)) {
    await t.step(way, async () => {
      const good = ["phone", "a", "A.b-c_9", "x".repeat(64)];
      const bad = ["", "a b", "a/b", "é", "x".repeat(65)];
      for (const name of [...good, ...bad]) {
        const response = await owner.fetch(
          `${messagesOf(owner)}?reader=${encodeURIComponent(name)}`,
          { headers },
        );
        assert.equal(response.status, good.includes(name) ? 200 : 400, name);
        await response.body?.cancel();
      }
    });
  }
});
