/** How a socket is opened: by headers where it can, else by a ticket. */
import assert from "node:assert/strict";
import { assertClientError } from "./assert_client_error.ts";
import { problem } from "./fake_relay.ts";
import {
  cursorAt,
  isUpgrade,
  listedAt,
  MAILBOX,
  openScene,
  pageOf,
  sendTo,
  settled,
  takeCursors,
  upgrade,
} from "./scripted.ts";

const TICKET = "t".repeat(43);

/** A platform whose WebSockets take protocols alone, as in browsers. */
class BrowserWebSocket extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    if (typeof protocols === "object" && !Array.isArray(protocols)) {
      throw new DOMException(`bad protocol "${protocols}"`, "SyntaxError");
    }
    super(url, protocols);
  }
}

/** A platform whose WebSockets take options, but no headers. */
class HeadlessWebSocket extends WebSocket {
  /** All that were made. */
  static readonly made: WebSocket[] = [];

  constructor(url: string | URL, given?: string | string[]) {
    const { protocols } = given as unknown as { protocols?: string[] };
    super(url, protocols ?? given);
    HeadlessWebSocket.made.push(this);
  }
}

/** Puts another WebSocket in place of the platform's for a while. */
function usePlatform(platform: unknown): Disposable {
  const own = globalThis.WebSocket;
  globalThis.WebSocket = platform as typeof WebSocket;
  return { [Symbol.dispose]: () => void (globalThis.WebSocket = own) };
}

Deno.test("a socket brings the token in its headers, with a proof, and in no other way", async () => {
  await using scene = openScene(
    "socket",
    (request) => upgrade(request, (socket) => sendTo(socket, 1)),
  );
  const messages = scene.watch({ after: cursorAt(0) });
  await takeCursors(messages, 1);
  await messages.return(undefined);
  const [headers, ...others] = scene.home.headers;
  assert.ok(headers && others.length === 0);
  await scene.home.requireProof(headers, "GET", `${MAILBOX}/socket`);
  assert.equal(
    headers.get("Sec-WebSocket-Protocol"),
    "restante.v1.binary, restante.v1",
  );
  assert.equal(
    scene.home.asked.at(-1),
    `GET ${MAILBOX}/socket?after=${cursorAt(0)}`,
  );
});

for (const platform of [BrowserWebSocket, HeadlessWebSocket]) {
  Deno.test(`a socket that can send no headers brings a ticket for once, never the token (${platform.name})`, async () => {
    using _ = usePlatform(platform);
    await using scene = openScene("socket", (request) => {
      if (!isUpgrade(request)) {
        return Response.json(
          { ticket: TICKET, expires: Date.now() + 30_000 },
          { status: 201 },
        );
      }
      const protocols = request.headers.get("Sec-WebSocket-Protocol") ?? "";
      if (!protocols.includes("ticket.")) {
        return problem(401, { code: "unauthorized" });
      }
      return upgrade(request, (socket) => sendTo(socket, 1));
    });
    const messages = scene.watch();
    assert.deepEqual(await takeCursors(messages, 1), [cursorAt(1)]);
    await messages.return(undefined);
    const { headers } = scene.home;
    const sockets = headers.filter((own) => own.has("Upgrade"));
    assert.equal(
      sockets.at(-1)?.get("Sec-WebSocket-Protocol"),
      `restante.v1.binary, restante.v1, ticket.${TICKET}`,
    );
    for (const own of sockets) assert.equal(own.get("Authorization"), null);
    const path = `${MAILBOX}/socket-tickets`;
    assert.ok(scene.home.asked.includes(`POST ${path}`));
    const asking = headers.find((own) => own.has("DPoP"));
    assert.ok(asking);
    await scene.home.requireProof(asking, "POST", path);
  });
}

Deno.test("a socket that was tried without its headers is closed", async () => {
  using _ = usePlatform(HeadlessWebSocket);
  HeadlessWebSocket.made.length = 0;
  await using scene = openScene(
    "socket",
    (request) =>
      isUpgrade(request)
        ? upgrade(request, (socket) => sendTo(socket, 1))
        : Response.json({ ticket: TICKET, expires: 1 }),
  );
  const messages = scene.watch();
  await takeCursors(messages, 1);
  const [tried, taken, ...others] = HeadlessWebSocket.made;
  assert.equal(others.length, 0);
  assert.equal(taken?.readyState, WebSocket.OPEN);
  assert.ok((tried?.readyState ?? 0) >= WebSocket.CLOSING, "it is left open");
  await messages.return(undefined);
});

Deno.test("asking for a ticket ends with the signal of its watch", async () => {
  using _ = usePlatform(BrowserWebSocket);
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  await using scene = openScene("socket", () => {
    asked.resolve();
    return answer.promise;
  });
  const end = new AbortController();
  let failure: unknown = null;
  scene.watch({ signal: end.signal }).next().catch((error) => failure = error);
  await asked.promise;
  const reason = new Error("enough");
  end.abort(reason);
  await settled(() => answer.resolve(new Response()));
  assert.equal(failure, reason);
  assert.equal(scene.clock.timers, 0);
});

Deno.test("a ticket that is none is nonsense", async (t) => {
  using _ = usePlatform(BrowserWebSocket);
  const tickets: unknown[] = [
    {},
    { ticket: TICKET },
    { ticket: `${TICKET}x`, expires: 1 },
    { ticket: TICKET.slice(1), expires: 1 },
    { ticket: `${TICKET.slice(1)}, `, expires: 1 },
    { ticket: TICKET, expires: -1 },
  ];
  for (const ticket of tickets) {
    await t.step(JSON.stringify(ticket), async () => {
      await using scene = openScene("socket", () => Response.json(ticket));
      await assertClientError(scene.watch().next(), "relay-nonsense");
    });
  }
});

Deno.test("watch() goes on without WebSockets where the platform has none", async () => {
  using _ = usePlatform(undefined);
  await using scene = openScene(
    "socket",
    () => pageOf([listedAt(1)], cursorAt(1)),
  );
  const messages = scene.watch({ transports: ["socket", "poll"] });
  assert.deepEqual(await takeCursors(messages, 1), [cursorAt(1)]);
  await messages.return(undefined);
  assert.deepEqual(scene.events, [
    { kind: "blocked", transport: "socket" },
    { kind: "connected", transport: "poll" },
  ]);
});
