/** The header fields of every answer: none too few, and none too many. */
import assert from "node:assert/strict";
import { makeIdentity } from "../../client/identity.ts";
import { postJson } from "./contract_world.ts";
import { askChallenge, makeAnswer, sendAnswer } from "./handshake_answer.ts";
import { Owner, postEnvelope } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

/** Who asks, and what there is to ask for. */
interface Scene {
  readonly relay: TestRelay;
  readonly owner: Owner;
  readonly cursor: string;
  readonly object: string;
}

async function openScene(relay: TestRelay): Promise<Scene> {
  const owner = await Owner.open(relay, undefined, ["read", "ack", "settings"]);
  const { cursor, object } = await owner.receive(undefined, "?hold=3600");
  return { relay, owner, cursor, object };
}

/** The fields that every answer has, and whose values are tested elsewhere. */
const OF_ALL = new Set([
  "access-control-allow-origin",
  "access-control-expose-headers",
  "x-request-id",
]);

/** Fields that a page on another origin may read, or has no use for. */
const UNEXPOSED = new Set([
  "cache-control",
  "content-length",
  "content-type",
  // For browsers, balancers and caches alone.
  "accept-ranges",
  "content-security-policy",
  "preference-applied",
  "x-accel-buffering",
  "x-content-type-options",
]);

const JSON_TYPE = "application/json";
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

type Fields = Readonly<Record<string, string | RegExp>>;
type Ask = (scene: Scene) => Promise<Response>;

const PROBLEM: Fields = {
  "cache-control": "no-store",
  "content-type": "application/problem+json",
};

const page = ({ owner }: Scene, headers: HeadersInit = {}, query = "") =>
  owner.fetch(`/v1/mailboxes/${owner.mailbox}/messages${query}`, { headers });

/** What is asked, and the fields of its answer beside those of all. */
const TABLE: Readonly<Record<string, readonly [Ask, number, Fields]>> = {
  "the descriptor": [
    ({ relay }) => relay.fetch("/.well-known/restante"),
    200,
    {
      "cache-control": "public, max-age=60",
      "content-type": JSON_TYPE,
      "etag": /^W\/"[0-9a-f]{32}"$/,
    },
  ],
  "the document": [
    ({ relay }) => relay.fetch("/openapi.json"),
    200,
    {
      "cache-control": "public, max-age=60",
      "content-length": /^\d+$/,
      "content-type": JSON_TYPE,
      "etag": /^"[0-9a-f]{32}"$/,
    },
  ],
  "the document, kept": [
    ({ relay }) =>
      relay.fetch("/openapi.json", { headers: { "If-None-Match": "*" } }),
    304,
    { "cache-control": "public, max-age=60", "etag": /^"[0-9a-f]{32}"$/ },
  ],
  "the page of the document": [
    ({ relay }) => relay.fetch("/docs"),
    200,
    {
      "content-security-policy": POLICY,
      "content-type": "text/html; charset=UTF-8",
    },
  ],
  "its script": [
    ({ relay }) => relay.fetch("/docs/start.js"),
    200,
    { "content-type": "text/javascript" },
  ],
  "its style": [
    ({ relay }) => relay.fetch("/docs/swagger-ui.css"),
    200,
    {
      "cache-control": "public, max-age=86400",
      "content-length": /^\d+$/,
      "content-type": "text/css",
      "etag": /^"[0-9a-f]{32}"$/,
    },
  ],
  "its style, kept": [
    ({ relay }) =>
      relay.fetch("/docs/swagger-ui.css", {
        headers: { "If-None-Match": "*" },
      }),
    304,
    { "cache-control": "public, max-age=86400", "etag": /^"[0-9a-f]{32}"$/ },
  ],
  "the page of a problem": [
    ({ relay }) => relay.fetch("/problems/busy"),
    200,
    {
      "content-security-policy": POLICY,
      "content-type": "text/html; charset=UTF-8",
    },
  ],
  "health": [
    ({ relay }) => relay.fetch("/health"),
    200,
    { "cache-control": "no-store", "content-type": JSON_TYPE },
  ],
  "readiness": [
    ({ relay }) => relay.fetch("/health/ready"),
    200,
    { "cache-control": "no-store", "content-type": JSON_TYPE },
  ],
  "the metrics": [
    ({ relay }) =>
      relay.fetchFrom("127.0.0.1", "http://127.0.0.1:8000/metrics"),
    200,
    {
      "cache-control": "no-store",
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
    },
  ],
  "a message that is stored": [
    ({ relay, owner }) => postEnvelope(relay, owner.envelope()),
    201,
    {
      "content-type": JSON_TYPE,
      "etag": /^"[0-9a-f]{64}"$/,
      "location": /^\/v1\/objects\/[0-9a-f]{64}$/,
    },
  ],
  "a quote": [
    ({ relay }) => postJson(relay, "/v1/quotes", { bytes: 1, seconds: 3_600 }),
    200,
    { "content-type": JSON_TYPE },
  ],
  "a challenge": [
    ({ relay, owner }) =>
      postJson(relay, "/v1/handshakes", { publicKey: owner.publicKey.toHex() }),
    201,
    { "cache-control": "no-store", "content-type": JSON_TYPE },
  ],
  "a token": [
    async ({ relay }) => {
      const { key: signer } = await makeIdentity(1_024);
      const challenge = await askChallenge(relay, signer.publicKey);
      const { time } = relay.clock;
      const answer = await makeAnswer({ challenge, signer, time });
      return await sendAnswer(relay, challenge.handshake, answer);
    },
    200,
    { "cache-control": "no-store", "content-type": JSON_TYPE },
  ],
  "a ticket": [
    ({ owner }) =>
      owner.fetch(`/v1/mailboxes/${owner.mailbox}/socket-tickets`, {
        method: "POST",
      }),
    201,
    { "cache-control": "no-store", "content-type": JSON_TYPE },
  ],
  "a mailbox": [
    ({ relay, owner }) => relay.fetch(`/v1/mailboxes/${owner.mailbox}`),
    200,
    { "content-type": JSON_TYPE },
  ],
  "a page": [
    (scene) => page(scene),
    200,
    {
      "cache-control": "no-store",
      "content-length": /^\d+$/,
      "content-type": JSON_TYPE,
    },
  ],
  "a page that is waited for, for no longer than may be": [
    (scene) => page(scene, { Prefer: "wait=61" }),
    200,
    {
      "cache-control": "no-store",
      "content-length": /^\d+$/,
      "content-type": JSON_TYPE,
      "preference-applied": "wait=60",
    },
  ],
  "a page of digests": [
    (scene) => page(scene, {}, "?delivery=link&bandwidth=100000"),
    200,
    {
      "cache-control": "no-store",
      "content-length": "50",
      "content-type": "application/vnd.restante.digest",
      "restante-more": "false",
      "restante-next": /^[0-9a-f]{12}-/,
      "restante-reset": "false",
    },
  ],
  "a page of hints, the first of two, of another store": [
    async (scene) => {
      await scene.owner.receive();
      const after = `${"f".repeat(12)}-${"0".repeat(20)}`;
      return await page(
        scene,
        {},
        `?delivery=link&bandwidth=1000&limit=1&after=${after}`,
      );
    },
    200,
    {
      "cache-control": "no-store",
      "content-length": "32",
      "content-type": "application/vnd.restante.hint",
      "restante-more": "true",
      "restante-next": /^[0-9a-f]{12}-/,
      "restante-reset": "true",
    },
  ],
  "events": [
    (scene) => page(scene, { Accept: "text/event-stream" }),
    200,
    {
      "cache-control": "no-store",
      "content-type": "text/event-stream",
      "x-accel-buffering": "no",
    },
  ],
  "an object": [
    ({ owner, object }) => owner.fetch(`/v1/objects/${object}`),
    200,
    {
      "accept-ranges": "bytes",
      "cache-control": "private, max-age=3600, immutable",
      "content-length": /^\d+$/,
      "content-type": "application/vnd.minima.maxtxpow",
      "etag": /^"[0-9a-f]{64}"$/,
      "x-content-type-options": "nosniff",
    },
  ],
  "a part of an object": [
    ({ owner, object }) =>
      owner.fetch(`/v1/objects/${object}`, { headers: { Range: "bytes=0-9" } }),
    206,
    {
      "accept-ranges": "bytes",
      "cache-control": "private, max-age=3600, immutable",
      "content-length": "10",
      "content-range": /^bytes 0-9\/\d+$/,
      "content-type": "application/vnd.minima.maxtxpow",
      "etag": /^"[0-9a-f]{64}"$/,
      "x-content-type-options": "nosniff",
    },
  ],
  "an object, kept": [
    ({ owner, object }) =>
      owner.fetch(`/v1/objects/${object}`, {
        headers: { "If-None-Match": "*" },
      }),
    304,
    {
      "accept-ranges": "bytes",
      "cache-control": "private, max-age=3600, immutable",
      "content-type": "application/vnd.minima.maxtxpow",
      "etag": /^"[0-9a-f]{64}"$/,
      "x-content-type-options": "nosniff",
    },
  ],
  "a part behind the end": [
    ({ owner, object }) =>
      owner.fetch(`/v1/objects/${object}`, {
        headers: { Range: "bytes=99999-" },
      }),
    416,
    { ...PROBLEM, "content-range": /^bytes \*\/\d+$/ },
  ],
  "an acknowledgement": [
    ({ owner, cursor }) => owner.acknowledge(cursor),
    200,
    { "content-type": JSON_TYPE },
  ],
  "a deletion": [({ owner, cursor }) => owner.delete(cursor), 204, {}],
  "the end of a mailbox": [
    ({ owner }) =>
      owner.fetch(`/v1/mailboxes/${owner.mailbox}`, { method: "DELETE" }),
    204,
    {},
  ],
  "no token": [
    ({ relay, owner }) =>
      relay.fetch(`/v1/mailboxes/${owner.mailbox}/messages`),
    401,
    {
      ...PROBLEM,
      "www-authenticate": 'DPoP algs="EdDSA ES256", Bearer realm="restante"',
    },
  ],
  "a token that is none": [
    ({ relay, owner }) =>
      relay.fetch(`/v1/mailboxes/${owner.mailbox}/messages`, {
        headers: { Authorization: "Bearer x" },
      }),
    401,
    {
      ...PROBLEM,
      "www-authenticate":
        'DPoP algs="EdDSA ES256", error="invalid_token", Bearer realm="restante", error="invalid_token"',
    },
  ],
  "an answer to no challenge": [
    ({ relay }) => sendAnswer(relay, "0", new Uint8Array(9)),
    401,
    { ...PROBLEM, "www-authenticate": 'Handshake realm="restante"' },
  ],
  "a method that the path does not have": [
    ({ relay }) => relay.fetch("/v1/messages"),
    405,
    { ...PROBLEM, "allow": "OPTIONS, POST" },
  ],
  "a path that there is not": [
    ({ relay }) => relay.fetch("/missing"),
    404,
    PROBLEM,
  ],
  "one request too many of a connection": [
    ({ relay }) =>
      relay.fetch("/health", {}, {
        remoteAddr: { hostname: "192.0.2.1" },
        isOneTooMany: true,
      }),
    503,
    { ...PROBLEM, "retry-after": "1" },
  ],
  "a token that is used too often": [
    async ({ relay }) => {
      const { unpaid: { tokens } } = relay.app.use;
      const owner = await Owner.open(relay);
      const Authorization = `Bearer ${await owner.token()}`;
      const path = `/v1/mailboxes/${owner.mailbox}/messages`;
      const ask = () => relay.fetch(path, { headers: { Authorization } });
      for (let n = 0; n < tokens.quota; n++) await (await ask()).body?.cancel();
      return await ask();
    },
    429,
    {
      ...PROBLEM,
      "ratelimit": '"token";r=0;t=12',
      "ratelimit-policy": '"token";q=5;w=60',
      "retry-after": "12",
    },
  ],
  "a request while the relay stops": [
    async ({ relay }) => {
      await relay.app.drain();
      return await relay.fetch("/health");
    },
    503,
    { ...PROBLEM, "retry-after": "2" },
  ],
};

for (const [what, [ask, status, fields]] of Object.entries(TABLE)) {
  Deno.test(`${what}: ${status}, with the header fields that it is to have`, async () => {
    using relay = await TestRelay.open({ caps: { tokenRate: 5 } });
    const scene = await openScene(relay);
    const response = await ask(scene);
    await response.body?.cancel();
    assert.equal(response.status, status);
    const names = [...response.headers.keys()].filter((name) =>
      !OF_ALL.has(name)
    );
    assert.deepEqual(names.sort(), Object.keys(fields).sort());
    for (const [name, value] of Object.entries(fields)) {
      const said = response.headers.get(name) ?? "";
      if (typeof value === "string") assert.equal(said, value, name);
      else assert.match(said, value, name);
    }
    const exposed = response.headers.get("Access-Control-Expose-Headers") ?? "";
    const readable = new Set(exposed.toLowerCase().split(","));
    for (const name of [...names, "x-request-id"]) {
      assert.ok(
        readable.has(name) || UNEXPOSED.has(name),
        `${name} is exposed`,
      );
    }
    for (const name of OF_ALL) assert.ok(response.headers.has(name), name);
  });
}
