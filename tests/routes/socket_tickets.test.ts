/** Tickets for WebSockets: what they open, how often, and what they do not. */
import assert from "node:assert/strict";
import { issueToken, TOKEN_LIFETIME } from "../../lib/token.ts";
import { revokeTokens } from "../../kv/mail/admin.ts";
import { KNOWN_FOR } from "../../relay/revocations.ts";
import { assertProblem } from "./assert_problem.ts";
import { MINUTE, SECOND } from "./clock.ts";
import { ProofKey } from "./proof_key.ts";
import { fill } from "./filled_mailbox.ts";
import { Owner } from "./owner.ts";
import { TestRelay, type TestRelayOptions } from "./relay_fixture.ts";

/** A relay that also answers WebSockets, which need a real connection. */
async function serve(options?: TestRelayOptions) {
  const relay = await TestRelay.open(options);
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => relay.app.fetch(request),
  );
  return {
    relay,
    origin: `127.0.0.1:${server.addr.port}`,
    async [Symbol.asyncDispose]() {
      await relay.app.drain();
      await server.shutdown();
      relay[Symbol.dispose]();
    },
  };
}

interface Ticket {
  readonly ticket: string;
  readonly expires: number;
}

async function fetchTicket(owner: Owner): Promise<Ticket> {
  const path = `/v1/mailboxes/${owner.mailbox}/socket-tickets`;
  const response = await owner.fetch(path, { method: "POST" });
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("Cache-Control"), "no-store");
  return await response.json();
}

/** The first message that a socket brings, or null if it does not open. */
async function firstMessage(
  url: string,
  protocols: string[],
): Promise<string | null> {
  const socket = new WebSocket(url, protocols);
  const closed = Promise.withResolvers<void>();
  socket.onclose = () => closed.resolve();
  const message = await new Promise<string | null>((resolve) => {
    socket.onmessage = ({ data }) => resolve(JSON.parse(data).id);
    socket.onerror = () => resolve(null);
  });
  if (message !== null) assert.equal(socket.protocol, "restante.v1");
  socket.close();
  await closed.promise;
  return message;
}

/** An upgrade that a test looks at the refusal of. */
function upgrade(
  relay: TestRelay,
  path: string,
  headers: Record<string, string>,
): Promise<Response> {
  return relay.fetch(path, {
    headers: {
      "Upgrade": "websocket",
      "Connection": "Upgrade",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...headers,
    },
  });
}

Deno.test("a ticket opens one WebSocket, and not a second", async () => {
  await using server = await serve();
  const { relay, origin } = server;
  const owner = await Owner.open(relay);
  const [sent] = await fill(owner, 1);
  const { ticket, expires } = await fetchTicket(owner);
  assert.match(ticket, /^[\w-]{43}$/);
  assert.equal(expires, relay.clock.time + 30 * SECOND);
  const url = `ws://${origin}/v1/mailboxes/${owner.mailbox}/socket`;
  const protocols = ["restante.v1", `ticket.${ticket}`];
  assert.equal(await firstMessage(url, protocols), sent?.id);
  assert.equal(await firstMessage(url, protocols), null);
});

Deno.test("a ticket is not used up by a request that is refused for its words", async () => {
  await using server = await serve();
  const { relay, origin } = server;
  const owner = await Owner.open(relay);
  const [sent] = await fill(owner, 1);
  const { ticket } = await fetchTicket(owner);
  const path = `/v1/mailboxes/${owner.mailbox}/socket`;
  const protocols = ["restante.v1", `ticket.${ticket}`];
  const offered = { "Sec-WebSocket-Protocol": protocols.join(", ") };
  const asks: [string, Record<string, string>][] = [
    ["?delivery=x", {}],
    ["?after=x", {}],
    ["", { "Sec-WebSocket-Version": "8" }],
    ["", { "Sec-WebSocket-Version": "130" }],
  ];
  for (const [query, headers] of asks) {
    const refused = await upgrade(relay, path + query, {
      ...offered,
      ...headers,
    });
    assert.equal(refused.status, 400, query);
    await refused.body?.cancel();
  }
  const url = `ws://${origin}${path}`;
  assert.equal(await firstMessage(url, protocols), sent?.id);
});

Deno.test("a ticket is not used up by a request that finds no place", async () => {
  await using server = await serve({ caps: { mailboxStreams: 1 } });
  const { relay, origin } = server;
  const owner = await Owner.open(relay);
  const [sent] = await fill(owner, 1);
  const { ticket } = await fetchTicket(owner);
  const path = `/v1/mailboxes/${owner.mailbox}/socket`;
  const protocols = ["restante.v1", `ticket.${ticket}`];
  const waiting = await owner.fetch(
    `/v1/mailboxes/${owner.mailbox}/messages`,
    { headers: { "Accept": "text/event-stream" } },
  );
  const refused = await upgrade(relay, path, {
    "Sec-WebSocket-Protocol": protocols.join(", "),
  });
  await assertProblem(relay, refused, "rate-limited");
  await waiting.body?.cancel();
  const url = `ws://${origin}${path}`;
  assert.equal(await firstMessage(url, protocols), sent?.id);
});

Deno.test("of many sockets that bring one ticket at once one opens, and no other keeps a place", async () => {
  await using server = await serve();
  const { relay, origin } = server;
  const owner = await Owner.open(relay);
  await fill(owner, 1);
  const { ticket } = await fetchTicket(owner);
  const url = `ws://${origin}/v1/mailboxes/${owner.mailbox}/socket`;
  const protocols = ["restante.v1", `ticket.${ticket}`];
  const opened = await Promise.all(
    Array.from({ length: 8 }, () => firstMessage(url, protocols)),
  );
  assert.equal(opened.filter((id) => id !== null).length, 1);
  await relay.app.drain();
  assert.equal(relay.app.use.streams.size, 0);
});

Deno.test("tickets are different each time, and none of them is in the store", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const tickets = new Set<string>();
  for (let n = 0; n < 5; n++) tickets.add((await fetchTicket(owner)).ticket);
  assert.equal(tickets.size, 5);
  const stored = Deno.inspect(await relay.dump(), {
    depth: 10,
    strAbbreviateSize: 1e6,
  });
  for (const ticket of tickets) assert.ok(!stored.includes(ticket));
});

Deno.test("a ticket is none after 30 seconds, at another mailbox, or in another place", async (t) => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const other = await Owner.open(relay);
  const path = `/v1/mailboxes/${owner.mailbox}/socket`;
  const present = (path: string, ticket: string, separator = ", ") =>
    upgrade(relay, path, {
      "Sec-WebSocket-Protocol": `restante.v1${separator}ticket.${ticket}`,
    });
  const cases: Record<string, (ticket: string) => Promise<Response>> = {
    "after 30 seconds": (ticket) => {
      relay.clock.advance(30 * SECOND);
      return present(path, ticket);
    },
    "at another mailbox": (ticket) =>
      present(`/v1/mailboxes/${other.mailbox}/socket`, ticket),
    "with another end": (ticket) =>
      present(path, ticket.slice(0, -1) + (ticket.endsWith("A") ? "B" : "A")),
    "cut short": (ticket) => present(path, ticket.slice(0, -1)),
    "with more behind it": (ticket) => present(path, `${ticket}A`),
    "as a bearer token": (ticket) =>
      upgrade(relay, path, {
        "Sec-WebSocket-Protocol": `restante.v1, bearer.${ticket}`,
      }),
    "in Authorization": (ticket) =>
      upgrade(relay, path, { Authorization: `Bearer ${ticket}` }),
    "beside another Authorization": (ticket) =>
      upgrade(relay, path, {
        Authorization: "Bearer x",
        "Sec-WebSocket-Protocol": `restante.v1, ticket.${ticket}`,
      }),
    "to list the mailbox": (ticket) =>
      present(`/v1/mailboxes/${owner.mailbox}/messages`, ticket),
  };
  for (const [what, ask] of Object.entries(cases)) {
    await t.step(what, async () => {
      const { ticket } = await fetchTicket(owner);
      const response = await ask(ticket);
      assert.equal(response.status, 401, await response.text());
    });
  }
  assert.deepEqual(relay.failures, []);
});

Deno.test("a token or a ticket among the subprotocols is none beside an Authorization, whatever that is", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const path = `/v1/mailboxes/${owner.mailbox}/socket`;
  const other = await Owner.open(relay, undefined, ["ack"]);
  const { ticket } = await fetchTicket(owner);
  for (const brought of [`bearer.${await owner.token()}`, `ticket.${ticket}`]) {
    const offered = { "Sec-WebSocket-Protocol": `restante.v1, ${brought}` };
    const table: [authorization: string, status: number][] = [
      ["Bearer x", 401],
      ["", 401],
      [`Bearer ${await other.token()}`, 403],
    ];
    for (const [Authorization, status] of table) {
      const refused = await upgrade(relay, path, { ...offered, Authorization });
      assert.equal(refused.status, status, Authorization);
      await refused.body?.cancel();
    }
    assert.equal((await upgrade(relay, path, offered)).status, 101);
  }
});

Deno.test("a ticket may stand beside the subprotocol without a space", async () => {
  await using server = await serve();
  const { relay, origin } = server;
  const owner = await Owner.open(relay);
  for (const separator of [",", ", ", ",  "]) {
    const { ticket } = await fetchTicket(owner);
    const response = await fetch(
      `http://${origin}/v1/mailboxes/${owner.mailbox}/socket`,
      {
        headers: {
          "Sec-WebSocket-Protocol": `restante.v1${separator}ticket.${ticket}`,
        },
      },
    );
    // It is let in, and no WebSocket.
    assert.equal(response.status, 400);
    await response.body?.cancel();
  }
});

Deno.test("a ticket of a bound token is fetched with a proof and spent without", async () => {
  await using server = await serve();
  const { relay, origin } = server;
  const owner = await Owner.open(relay);
  const [sent] = await fill(owner, 1);
  const proofKey = await ProofKey.make();
  const { signing } = relay.relay.keys;
  const { time } = relay.clock;
  const { mailbox } = owner;
  const grant = { mailbox, scopes: ["read"] as const, jkt: proofKey.jkt };
  const { token } = await issueToken(signing, grant, time);
  const path = `/v1/mailboxes/${mailbox}/socket-tickets`;
  const url = relay.relay.url + path;
  const proof = await proofKey.prove({ method: "POST", url, token, time });
  const Authorization = `DPoP ${token}`;
  const bare = await relay.fetch(path, {
    method: "POST",
    headers: { Authorization },
  });
  assert.equal(bare.status, 401);
  const response = await relay.fetch(path, {
    method: "POST",
    headers: { Authorization, DPoP: proof },
  });
  const { ticket } = await response.json();
  const socket = `ws://${origin}/v1/mailboxes/${mailbox}/socket`;
  const protocols = ["restante.v1", `ticket.${ticket}`];
  assert.equal(await firstMessage(socket, protocols), sent?.id);
});

Deno.test("a ticket ends with its token, and what it opened does so too", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const token = await owner.token();
  const ends = relay.clock.time + TOKEN_LIFETIME;
  relay.clock.advance(TOKEN_LIFETIME - 10 * SECOND);
  const response = await relay.fetch(
    `/v1/mailboxes/${owner.mailbox}/socket-tickets`,
    { method: "POST", headers: { Authorization: `Bearer ${token}` } },
  );
  const { expires } = await response.json();
  assert.equal(expires, ends);
});

Deno.test("a socket that a ticket opened is closed when the token ends", async () => {
  await using server = await serve();
  const { relay, origin } = server;
  const owner = await Owner.open(relay);
  const { ticket } = await fetchTicket(owner);
  const socket = new WebSocket(
    `ws://${origin}/v1/mailboxes/${owner.mailbox}/socket`,
    ["restante.v1", `ticket.${ticket}`],
  );
  await new Promise((resolve) => socket.onopen = resolve);
  const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
  // Past the ticket's own end it goes on.
  relay.clock.advance(MINUTE);
  const message = new Promise((resolve) => socket.onmessage = resolve);
  await fill(owner, 1);
  await message;
  relay.clock.advance(TOKEN_LIFETIME);
  const [last] = await fill(owner, 1);
  assert.ok(last);
  assert.equal((await closed).code, 4001);
});

Deno.test("a ticket of a token that was revoked opens nothing", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const { ticket } = await fetchTicket(owner);
  await revokeTokens(relay.relay.store, owner.mailbox, relay.clock.time);
  relay.clock.advance(KNOWN_FOR);
  const path = `/v1/mailboxes/${owner.mailbox}/socket`;
  const refused = await upgrade(relay, path, {
    "Sec-WebSocket-Protocol": `restante.v1, ticket.${ticket}`,
  });
  await assertProblem(relay, refused, "unauthorized");
});
