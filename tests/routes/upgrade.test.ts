/** From a request to a socket: what is held meanwhile, and given back. */
import assert from "node:assert/strict";
import type { ServeInfo } from "../../routes/serve_info.ts";
import { Owner } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

/** A connection that notes what is said of it. */
function connectionOf() {
  const said: string[] = [];
  const info: ServeInfo = {
    remoteAddr: { hostname: "127.0.0.1" },
    connection: {
      hold() {
        said.push("hold");
        return () => void said.push("release");
      },
      keepSocket: () => void said.push("keepSocket"),
      cut: () => void said.push("cut"),
    },
  };
  return { said, info };
}

/** A relay whose sockets are real, on connections that note what is said. */
async function serve(
  answer: (response: Response) => Response | Promise<Response> = (response) =>
    response,
) {
  const relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const { said, info } = connectionOf();
  const asked = Promise.withResolvers<Response>();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const response = await relay.app.fetch(request, info);
      asked.resolve(response);
      return await answer(response);
    },
  );
  return {
    relay,
    owner,
    said,
    asked: asked.promise,
    url:
      `ws://127.0.0.1:${server.addr.port}/v1/mailboxes/${owner.mailbox}/socket`,
    protocols: ["restante.v1", `bearer.${await owner.token()}`],
    async [Symbol.asyncDispose]() {
      await relay.app.drain();
      await server.shutdown();
      relay[Symbol.dispose]();
    },
  };
}

/** The head of a request for a socket. */
async function upgradeHead(owner: Owner): Promise<HeadersInit> {
  return {
    "Authorization": `Bearer ${await owner.token()}`,
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
}

Deno.test("upgrade() holds a connection from the answer on, keeps it once it is open, and lets go of it when it closes", async () => {
  await using server = await serve();
  const { relay, url, protocols, said } = server;
  const { streams } = relay.app.use;
  const socket = new WebSocket(url, protocols);
  await new Promise((resolve) => socket.onopen = resolve);
  // The relay's end opens in its own turn; it reads by two timers then.
  while (!said.includes("keepSocket")) await relay.fetch("/health");
  assert.deepEqual([said, streams.size], [["hold", "keepSocket"], 1]);
  relay.clock.advance(10_000);
  assert.deepEqual(relay.failures, [], "it has opened in time");
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
  while (relay.clock.timers > 0) await relay.fetch("/health");
  assert.deepEqual(said, ["hold", "keepSocket", "release"]);
  assert.equal(streams.size, 0);
});

Deno.test("upgrade() says after ten seconds that a socket has not opened, and keeps its place until it closes", async () => {
  const late = Promise.withResolvers<void>();
  await using server = await serve(async (response) => {
    await late.promise;
    return response;
  });
  const { relay, url, protocols, said, asked } = server;
  const socket = new WebSocket(url, protocols);
  const opened = new Promise((resolve) => socket.onopen = resolve);
  await asked;
  relay.clock.advance(9_999);
  assert.equal(relay.failures.length, 0);
  relay.clock.advance(1);
  assert.equal(relay.failures.length, 1, "it is told once");
  assert.deepEqual([said, relay.app.use.streams.size], [["hold"], 1]);
  late.resolve();
  await opened;
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
});

Deno.test("upgrade() takes nothing for a client that has left: no socket, no place, no failure", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const { said, info } = connectionOf();
  const left = new AbortController();
  const asked = relay.fetch(`/v1/mailboxes/${owner.mailbox}/socket`, {
    headers: await upgradeHead(owner),
    signal: left.signal,
  }, info);
  left.abort(); // while its token is looked at
  const refused = await asked;
  assert.equal(refused.status, 400);
  assert.deepEqual(said, []);
  assert.equal(relay.app.use.streams.size, 0);
  assert.deepEqual(relay.failures, [], "nobody tried");
});

Deno.test("upgrade() that fails is refused, logged, and gives its place back", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const { said, info } = connectionOf();
  const { upgradeWebSocket } = Deno;
  using _put = {
    [Symbol.dispose]: () => Object.assign(Deno, { upgradeWebSocket }),
  };
  const failure = new TypeError("as Deno fails of HTTP/1.0");
  Object.assign(Deno, {
    upgradeWebSocket() {
      throw failure;
    },
  });
  const refused = await relay.fetch(
    `/v1/mailboxes/${owner.mailbox}/socket`,
    { headers: await upgradeHead(owner) },
    info,
  );
  assert.equal(refused.status, 400);
  assert.deepEqual([said, relay.app.use.streams.size], [[], 0]);
  assert.deepEqual(relay.failures, [failure]);
});

Deno.test("parseUpgrade() takes the words of RFC 6455 in any case and any list, and no others", async (t) => {
  const key = "dGhlIHNhbXBsZSBub25jZQ==";
  const table: [field: string, value: string, isTaken: boolean][] = [
    ["Upgrade", "WebSocket", true],
    ["Upgrade", "h2c, websocket", true],
    ["Upgrade", "websocket,h2c", true],
    ["Upgrade", "websockets", false],
    ["Upgrade", "mywebsocket", false],
    ["Connection", "keep-alive, upgrade", true],
    ["Connection", "UPGRADE , close", true],
    ["Connection", "upgraded", false],
    ["Connection", "keep-alive", false],
    ["Sec-WebSocket-Version", "13", true],
    ["Sec-WebSocket-Version", "130", false],
    ["Sec-WebSocket-Version", "113", false],
    ["Sec-WebSocket-Version", "8", false],
    ["Sec-WebSocket-Key", key, true],
    ["Sec-WebSocket-Key", `A${key}`, false],
    ["Sec-WebSocket-Key", `${key}A`, false],
    ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZR==", false],
    ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j", false],
  ];
  for (const [field, value, isTaken] of table) {
    await t.step(`${field}: ${value}`, async () => {
      using relay = await TestRelay.open();
      const owner = await Owner.open(relay);
      const answer = await relay.fetch(
        `/v1/mailboxes/${owner.mailbox}/socket`,
        { headers: { ...await upgradeHead(owner), [field]: value } },
      );
      assert.equal(answer.status, isTaken ? 101 : 400);
      assert.equal(relay.app.use.streams.size, isTaken ? 1 : 0);
      await answer.body?.cancel();
    });
  }
});

Deno.test("parseUpgrade() takes GET alone", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const path = `/v1/mailboxes/${owner.mailbox}/socket`;
  const headers = await upgradeHead(owner);
  const answer = await relay.fetch(path, { method: "HEAD", headers });
  assert.equal(answer.status, 400);
  assert.equal(relay.app.use.streams.size, 0);
});
