/** What counts to an address and to a token, and what does not. */
import assert from "node:assert/strict";
import { issueToken, type Scope } from "../../lib/token.ts";
import { assertProblem } from "./assert_problem.ts";
import { Owner } from "./owner.ts";
import { ProofKey } from "./proof_key.ts";
import { TestRelay } from "./relay_fixture.ts";

/** Somebody's connection. */
const INFO = { remoteAddr: { hostname: "192.0.2.1" } };

const UPGRADE = {
  "Upgrade": "websocket",
  "Connection": "Upgrade",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** A mailbox with a message, and one token of it. */
interface Scene {
  readonly relay: TestRelay;
  readonly path: string;
  readonly cursor: string;
  readonly object: string;
  readonly bearer: string;
}

async function openScene(relay: TestRelay): Promise<Scene> {
  const scopes: Scope[] = ["read", "ack", "settings"];
  const owner = await Owner.open(relay, undefined, scopes);
  const { cursor, object } = await owner.receive();
  const path = `/v1/mailboxes/${owner.mailbox}`;
  return { relay, path, cursor, object, bearer: await owner.token() };
}

/** Asks with the scene's token. */
async function ask(
  { relay, bearer }: Scene,
  path: string,
  { headers, ...init }: RequestInit = {},
): Promise<Response> {
  return await relay.fetch(path, {
    ...init,
    headers: {
      "Authorization": `Bearer ${bearer}`,
      "Content-Type": "application/json",
      ...headers,
    },
  });
}

/** Every way to use a token. */
const WAYS: Readonly<Record<string, (scene: Scene) => Promise<Response>>> = {
  page: (scene) => ask(scene, `${scene.path}/messages`),
  poll: (scene) =>
    ask(scene, `${scene.path}/messages`, { headers: { Prefer: "wait=1" } }),
  events: (scene) =>
    ask(scene, `${scene.path}/messages`, {
      headers: { Accept: "text/event-stream" },
    }),
  socket: (scene) => ask(scene, `${scene.path}/socket`, { headers: UPGRADE }),
  "socket, the token as a subprotocol": ({ relay, path, bearer }) =>
    relay.fetch(`${path}/socket`, {
      headers: {
        ...UPGRADE,
        "Sec-WebSocket-Protocol": `restante.v1, bearer.${bearer}`,
      },
    }),
  ticket: (scene) =>
    ask(scene, `${scene.path}/socket-tickets`, { method: "POST" }),
  object: (scene) => ask(scene, `/v1/objects/${scene.object}`),
  acknowledgement: (scene) =>
    ask(scene, `${scene.path}/ack`, {
      method: "POST",
      body: JSON.stringify({ through: scene.cursor }),
    }),
  deletion: (scene) =>
    ask(scene, `${scene.path}/messages/${scene.cursor}`, { method: "DELETE" }),
  "end of the mailbox": (scene) => ask(scene, scene.path, { method: "DELETE" }),
};

Deno.test("chargeToken() is asked by every way to use a token, before anything is done", async (t) => {
  for (const [way, use] of Object.entries(WAYS)) {
    await t.step(`${way}: the first counts`, async () => {
      using relay = await TestRelay.open({ caps: { tokenRate: 1 } });
      const scene = await openScene(relay);
      const first = await use(scene);
      assert.ok(first.ok || first.status === 101, `${first.status}`);
      await first.body?.cancel();
      const next = await ask(scene, `${scene.path}/messages`);
      await assertProblem(relay, next, "rate-limited");
    });
    await t.step(`${way}: the second is refused`, async () => {
      using relay = await TestRelay.open({ caps: { tokenRate: 1 } });
      const scene = await openScene(relay);
      const listed = await ask(scene, `${scene.path}/messages`);
      assert.equal((await listed.json()).messages.length, 1);
      const before = await relay.dump();
      const refused = await use(scene);
      await assertProblem(relay, refused, "rate-limited");
      assert.deepEqual(await relay.dump(), before);
      const { unpaid: { tokens }, streams } = relay.app.use;
      assert.deepEqual([tokens.refused, streams.size], [1, 0]);
    });
  }
});

Deno.test("chargeToken() counts what a ticket opens to the token that it was fetched with", async () => {
  const present = async (scene: Scene) => {
    const { ticket } = await (await WAYS["ticket"]?.(scene))?.json();
    return await scene.relay.fetch(`${scene.path}/socket`, {
      headers: { ...UPGRADE, "Sec-WebSocket-Protocol": `ticket.${ticket}` },
    });
  };
  using strict = await TestRelay.open({ caps: { tokenRate: 1 } });
  const refused = await present(await openScene(strict));
  await assertProblem(strict, refused, "rate-limited");
  assert.equal(strict.app.use.streams.size, 0);

  using relay = await TestRelay.open({ caps: { tokenRate: 2 } });
  const scene = await openScene(relay);
  assert.equal((await present(scene)).status, 101);
  const next = await ask(scene, `${scene.path}/messages`);
  await assertProblem(relay, next, "rate-limited");
});

Deno.test("chargeToken() is not asked for a bound token that comes without a proof that holds", async () => {
  using relay = await TestRelay.open({ caps: { tokenRate: 1 } });
  const { mailbox } = await Owner.open(relay);
  const [key, thief] = [await ProofKey.make(), await ProofKey.make()];
  const { time } = relay.clock;
  const grant = { mailbox, scopes: ["read"] as const, jkt: key.jkt };
  const { token } = await issueToken(relay.relay.keys.signing, grant, time);
  const path = `/v1/mailboxes/${mailbox}/messages`;
  const url = relay.relay.url + path;
  const prove = (by: ProofKey) => by.prove({ method: "GET", url, token, time });
  const from = (headers: Record<string, string>) =>
    relay.fetch(path, {
      headers: { Authorization: `DPoP ${token}`, ...headers },
    });
  for (const headers of [{}, { DPoP: "x" }, { DPoP: await prove(thief) }]) {
    await assertProblem(relay, await from(headers), "unauthorized");
  }
  assert.equal((await from({ DPoP: await prove(key) })).status, 200);
});

/** Posts an envelope from the address. */
function post(
  relay: TestRelay,
  body: BodyInit,
  query = "",
): Promise<Response> {
  const headers = { "Content-Type": "application/octet-stream" };
  const init = { method: "POST", headers, body };
  return relay.fetch(`/v1/messages${query}`, init, INFO);
}

/** What an address asks first, how that ends, and whether it counts. */
const ASKED: Readonly<
  Record<
    string,
    readonly [
      ask: (relay: TestRelay, owner: Owner) => Promise<Response>,
      status: number,
      isCounted: boolean,
    ]
  >
> = {
  "a message that is stored": [
    (relay, owner) => post(relay, owner.envelope()),
    201,
    false,
  ],
  "a message that was stored": [
    async (relay, owner) => {
      const envelope = owner.envelope();
      await owner.receive(envelope);
      return await post(relay, envelope);
    },
    200,
    true,
  ],
  "a message that is held for longer": [
    async (relay, owner) => {
      const envelope = owner.envelope();
      await owner.receive(envelope, "?hold=3600");
      const again = await post(relay, envelope);
      assert.equal((await again.clone().json()).extended, true);
      return again;
    },
    200,
    false,
  ],
  "a message that is none": [(relay) => post(relay, "x"), 400, true],
  "a message to nobody": [
    async (relay) => {
      using other = await TestRelay.open({ clock: relay.clock });
      return await post(relay, (await Owner.open(other)).envelope());
    },
    404,
    true,
  ],
  "a message of too little work": [
    (relay, owner) => post(relay, owner.envelope(), "?hold=2592000"),
    428,
    true,
  ],
  "a message whose store fails": [
    (relay, owner) => {
      const envelope = owner.envelope();
      relay.relay.store[Symbol.dispose]();
      return post(relay, envelope);
    },
    503,
    false,
  ],
  "a page": [
    (relay, { mailbox }) =>
      relay.fetch(`/v1/mailboxes/${mailbox}/messages`, {}, INFO),
    401,
    true,
  ],
  "a path that there is not": [
    (relay) => relay.fetch("/missing", {}, INFO),
    404,
    true,
  ],
  "another method of a free path": [
    (relay) => relay.fetch("/health", { method: "POST" }, INFO),
    405,
    true,
  ],
  "one request too many of its connection": [
    (relay) => relay.fetch("/docs", {}, { ...INFO, isOneTooMany: true }),
    503,
    false,
  ],
  "a preflight": [
    (relay) => relay.fetch("/v1/quotes", { method: "OPTIONS" }, INFO),
    204,
    false,
  ],
  "health": [(relay) => relay.fetch("/health", {}, INFO), 200, false],
  "readiness": [(relay) => relay.fetch("/health/ready", {}, INFO), 200, false],
  "the metrics": [(relay) => relay.fetch("/metrics", {}, INFO), 404, false],
};

for (const [what, [askFirst, status, isCounted]] of Object.entries(ASKED)) {
  Deno.test(`chargeAddress() ${isCounted ? "counts" : "does not count"} ${what}`, async () => {
    using relay = await TestRelay.open({ caps: { addressRate: 1 } });
    const owner = await Owner.open(relay);
    const first = await askFirst(relay, owner);
    await first.body?.cancel();
    assert.equal(first.status, status);
    const next = await relay.fetch("/docs", {}, INFO);
    assert.equal(next.status, isCounted ? 429 : 200);
    assert.equal(relay.app.use.unpaid.addresses.refused, isCounted ? 1 : 0);
  });
}

Deno.test("expectAddress() refuses a message before its body is read, and counts that", async () => {
  using relay = await TestRelay.open({ caps: { addressRate: 1 } });
  const owner = await Owner.open(relay);
  assert.equal((await relay.fetch("/docs", {}, INFO)).status, 200);
  const envelope = owner.envelope();
  let pulls = 0;
  const body = new ReadableStream({
    pull(controller) {
      pulls++;
      controller.enqueue(envelope);
      controller.close();
    },
  }, { highWaterMark: 0 });
  const refused = await post(relay, body);
  assert.equal(refused.headers.get("Retry-After"), "60");
  await assertProblem(relay, refused, "rate-limited");
  assert.deepEqual([pulls, relay.app.use.unpaid.addresses.refused], [0, 1]);
  assert.equal((await owner.read()).messages.length, 0);
  relay.clock.advance(60_000);
  assert.equal((await post(relay, envelope)).status, 201);
  assert.equal((await post(relay, owner.envelope())).status, 201, "it looks");
});
