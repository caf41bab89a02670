/** Tokens on every route that asks for one: whose, for what, and proven how. */
import assert from "node:assert/strict";
import { PROOF_WINDOW } from "../../lib/dpop.ts";
import { TOKEN_LIFETIME } from "../../lib/token.ts";
import { assertProblem } from "./assert_problem.ts";
import { BAD_PROOFS } from "./bad_proofs.ts";
import { BAD_TOKENS } from "./bad_tokens.ts";
import {
  bearerToken,
  dpopHeaders,
  type Scene,
  type TokenRequest,
} from "./credentials.ts";
import { Owner } from "./owner.ts";
import { ProofKey } from "./proof_key.ts";
import { ORIGIN, TestRelay, type TestRelayOptions } from "./relay_fixture.ts";
import { makeRelayKeys } from "./shared_keys.ts";
import { assertUnchanged } from "./unchanged.ts";

/** A scene, closed with its relays. */
async function openScene(
  options?: TestRelayOptions,
): Promise<Scene & Disposable> {
  const relay = await TestRelay.open(options);
  const otherRelay = await TestRelay.open({ keys: await makeRelayKeys() });
  return {
    relay,
    otherRelay,
    owner: await Owner.open(relay),
    proofKey: await ProofKey.make(),
    otherKey: await ProofKey.make(),
    [Symbol.dispose]() {
      relay[Symbol.dispose]();
      otherRelay[Symbol.dispose]();
    },
  };
}

/** Every route that asks for a token; none of these requests does anything. */
async function requestsOf({ relay, owner }: Scene): Promise<TokenRequest[]> {
  const { object } = await owner.receive();
  const mailbox = `/v1/mailboxes/${owner.mailbox}`;
  const start = `${relay.relay.store.epoch}-${"0".repeat(20)}`;
  const body = JSON.stringify({ through: start });
  return [
    { method: "GET", path: `${mailbox}/messages`, scope: "read" },
    { method: "POST", path: `${mailbox}/ack`, scope: "ack", body },
    { method: "DELETE", path: `${mailbox}/messages/${start}`, scope: "ack" },
    { method: "GET", path: `/v1/objects/${object}`, scope: "read" },
    { method: "HEAD", path: `/v1/objects/${object}`, scope: "read" },
    { method: "POST", path: `${mailbox}/socket-tickets`, scope: "read" },
  ];
}

function send(
  { relay }: Scene,
  { method, path, body }: TokenRequest,
  headers: Record<string, string>,
  query = "",
): Promise<Response> {
  return relay.fetch(path + query, {
    method,
    headers: {
      ...headers,
      ...(body !== undefined && { "Content-Type": "application/json" }),
    },
    ...(body !== undefined && { body }),
  });
}

/** Fails unless a request is refused with 401 and how to do better. */
async function assertUnauthorized(
  scene: Scene,
  request: TokenRequest,
  headers: Record<string, string>,
): Promise<void> {
  const response = await assertUnchanged(
    scene.relay,
    () => send(scene, request, headers),
  );
  assert.equal(response.status, 401);
  const challenge = response.headers.get("WWW-Authenticate") ?? "";
  assert.match(challenge, /DPoP algs="[^"]*EdDSA/);
  assert.match(challenge, /Bearer/);
  assert.equal(
    challenge.includes('error="invalid_token"'),
    "Authorization" in headers,
  );
  if (request.method === "HEAD") return await response.body?.cancel();
  await assertProblem(scene.relay, response, "unauthorized");
}

/** Fails unless a request is allowed. */
async function assertAllowed(response: Response): Promise<void> {
  assert.ok(response.ok, `${response.status} ${await response.text()}`);
}

Deno.test("the right token is allowed on every route, as Bearer and by DPoP", async (t) => {
  using scene = await openScene();
  for (const request of await requestsOf(scene)) {
    await t.step(`${request.method} ${request.path}`, async () => {
      const token = await bearerToken(scene, request.scope);
      for (const scheme of ["Bearer", "bearer", "BEARER"]) {
        const headers = { Authorization: `${scheme} ${token}` };
        await assertAllowed(await send(scene, request, headers));
      }
      const headers = await dpopHeaders(scene, request);
      await assertAllowed(await send(scene, request, headers));
    });
  }
});

Deno.test("a wrong token or proof is refused on every route, and nothing comes of it", async (t) => {
  using scene = await openScene();
  const requests = await requestsOf(scene);
  for (const { what, headers } of [...BAD_TOKENS, ...BAD_PROOFS]) {
    await t.step(what, async () => {
      for (const request of requests) {
        const made = await headers(scene, request);
        await assertUnauthorized(scene, request, made);
      }
    });
  }
  assert.deepEqual(scene.relay.failures, []);
});

Deno.test("a token in the query is none", async () => {
  using scene = await openScene();
  for (const request of await requestsOf(scene)) {
    const token = await bearerToken(scene, request.scope);
    const query = `?access_token=${token}`;
    const response = await send(scene, request, {}, query);
    assert.equal(response.status, 401);
    await response.body?.cancel();
  }
});

Deno.test("a token is good until it ends, and not at its end", async () => {
  using scene = await openScene();
  const [request] = await requestsOf(scene);
  assert.ok(request);
  const headers = {
    Authorization: `Bearer ${await bearerToken(scene, request.scope)}`,
  };
  const { clock } = scene.relay;
  clock.advance(TOKEN_LIFETIME - 1);
  await assertAllowed(await send(scene, request, headers));
  clock.advance(1);
  await assertUnauthorized(scene, request, headers);
});

Deno.test("a token without the scope is forbidden, whatever others it has", async (t) => {
  using scene = await openScene();
  for (const request of await requestsOf(scene)) {
    await t.step(`${request.method} ${request.path}`, async () => {
      const other = request.scope === "read" ? "ack" : "read";
      const token = await bearerToken(scene, other, "settings", "name");
      const response = await assertUnchanged(
        scene.relay,
        () => send(scene, request, { Authorization: `Bearer ${token}` }),
      );
      assert.equal(response.status, 403);
      if (request.method === "HEAD") return;
      await assertProblem(scene.relay, response, "forbidden");
    });
  }
});

Deno.test("a token of another mailbox is forbidden there, and shows no object of it", async (t) => {
  using scene = await openScene();
  const mallory = { ...scene, owner: await Owner.open(scene.relay) };
  for (const request of await requestsOf(scene)) {
    await t.step(`${request.method} ${request.path}`, async () => {
      const token = await bearerToken(mallory, "read", "ack");
      const response = await assertUnchanged(
        scene.relay,
        () => send(scene, request, { Authorization: `Bearer ${token}` }),
      );
      const isObject = request.path.startsWith("/v1/objects/");
      assert.equal(response.status, isObject ? 404 : 403);
      if (request.method === "HEAD") return;
      const code = isObject ? "object-unknown" : "forbidden";
      await assertProblem(scene.relay, response, code);
    });
  }
});

Deno.test("a token of a mailbox whose id differs in one digit is forbidden, whichever that is", async () => {
  using scene = await openScene();
  const { mailbox } = scene.owner;
  const Authorization = `Bearer ${await bearerToken(scene, "read")}`;
  for (let place = 0; place < mailbox.length; place++) {
    const digit = mailbox[place] === "0" ? "1" : "0";
    const other = mailbox.slice(0, place) + digit + mailbox.slice(place + 1);
    const path = `/v1/mailboxes/${other}/messages`;
    const refused = await scene.relay.fetch(path, {
      headers: { Authorization },
    });
    assert.equal(refused.status, 403, `digit ${place}`);
    await refused.body?.cancel();
  }
});

Deno.test("a proof is good once: again or at the same time it is refused", async () => {
  using scene = await openScene();
  for (const request of await requestsOf(scene)) {
    const headers = await dpopHeaders(scene, request);
    const answers = await Promise.all(
      [1, 2, 3].map(() => send(scene, request, headers)),
    );
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses.slice(1), [401, 401]);
    assert.ok(Number(statuses[0]) < 300);
    await Promise.all(answers.map((answer) => answer.text()));
    await assertUnauthorized(scene, request, headers);
  }
});

Deno.test("a proof that is used stays used, however late it comes again", async (t) => {
  for (const ahead of [-PROOF_WINDOW, 0, PROOF_WINDOW]) {
    await t.step(`made ${ahead} s ahead of the relay's clock`, async () => {
      using scene = await openScene();
      const { clock } = scene.relay;
      const [request] = await requestsOf(scene);
      assert.ok(request);
      const headers = await dpopHeaders(scene, request, {
        time: clock.time + 1_000 * ahead,
      });
      await assertAllowed(await send(scene, request, headers));
      for (let seconds = 10; seconds <= 4 * PROOF_WINDOW; seconds += 10) {
        clock.advance(10_000);
        const again = await send(scene, request, headers);
        assert.equal(again.status, 401, `again after ${seconds} s`);
        await again.body?.cancel();
      }
    });
  }
});

Deno.test("a proof's time may differ by a minute from the relay's clock, and by no more", async (t) => {
  const table = [[-61, 401], [-60, 200], [0, 200], [60, 200], [61, 401]];
  using scene = await openScene();
  const [request] = await requestsOf(scene);
  assert.ok(request);
  for (const [seconds = 0, status] of table) {
    await t.step(`${seconds} s: ${status}`, async () => {
      const headers = await dpopHeaders(scene, request, {
        time: scene.relay.clock.time + 1_000 * seconds,
      });
      const response = await send(scene, request, headers);
      assert.equal(response.status, status);
      await response.body?.cancel();
    });
  }
});

Deno.test("a proof's URL has no query, or one that does not count", async () => {
  using scene = await openScene();
  const [request] = await requestsOf(scene);
  assert.ok(request);
  const url = ORIGIN + request.path;
  for (const named of [url, `${url}?limit=1`, `${url}#top`]) {
    const headers = await dpopHeaders(scene, request, { url: named });
    await assertAllowed(await send(scene, request, headers, "?limit=1"));
  }
});

Deno.test("a proof may name what the operator named, whatever host the request came by", async () => {
  using scene = await openScene({
    urlAliases: ["http://127.0.0.1:8000", "https://alias.test"],
  });
  const [request] = await requestsOf(scene);
  assert.ok(request);
  const table: [came: string, named: string, status: number][] = [
    [ORIGIN, ORIGIN, 200],
    ["http://127.0.0.1:8000", "http://127.0.0.1:8000", 200],
    ["http://127.0.0.1:8000", ORIGIN, 200],
    ["http://127.0.0.1:8000", "https://alias.test", 200],
    [ORIGIN, "https://alias.test", 200],
    ["http://localhost:8000", "http://localhost:8000", 401],
    ["http://127.0.0.1:8001", "http://127.0.0.1:8001", 401],
    ["https://other.test", "https://other.test", 401],
    ["http://127.0.0.1.other.test", "http://127.0.0.1.other.test", 401],
    ["https://other.test", ORIGIN, 200],
  ];
  for (const [came, named, status] of table) {
    const headers = await dpopHeaders(scene, request, {
      url: named + request.path,
    });
    const response = await scene.relay.fetch(came + request.path, { headers });
    assert.equal(response.status, status, `${named} by ${came}`);
    await response.body?.cancel();
  }
});

Deno.test("one proof's id may be used by two keys, but once by each", async () => {
  using scene = await openScene();
  const [request] = await requestsOf(scene);
  assert.ok(request);
  const parts = { claims: { jti: "the same" } };
  const one = await dpopHeaders(scene, request, parts);
  const swapped = { ...scene, proofKey: scene.otherKey };
  const other = await dpopHeaders(swapped, request, parts);
  await assertAllowed(await send(scene, request, one));
  await assertAllowed(await send(scene, request, other));
  const again = await dpopHeaders(scene, request, parts);
  await assertUnauthorized(scene, request, again);
});

Deno.test("a proof of ES256 is as good as one of EdDSA", async () => {
  using scene = await openScene();
  const proofKey = await ProofKey.make("ES256");
  const swapped = { ...scene, proofKey };
  for (const request of await requestsOf(scene)) {
    const headers = await dpopHeaders(swapped, request);
    await assertAllowed(await send(scene, request, headers));
  }
});
