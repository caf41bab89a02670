/** Sessions: a token for as long as it lasts, and then another. */
import assert from "node:assert/strict";
import { decodeJwt, decodeProtectedHeader } from "jose";
import {
  acknowledge,
  makeIdentity,
  readPage,
  Relay,
  RelayError,
  Session,
} from "../../client/mod.ts";
import { type ProblemCode, PROBLEMS } from "../../lib/problem.ts";
import { TOKEN_LIFETIME } from "../../lib/token.ts";
import { ManualClock } from "../manual_clock.ts";
import { MINUTE } from "../routes/clock.ts";
import { listen } from "../routes/listening_relay.ts";
import { assertClientError } from "./assert_client_error.ts";
import { FakeHome } from "./fake_home.ts";
import { FakeRelay, problem } from "./fake_relay.ts";

/** A relay that notes what it is asked for. */
class NotedRelay extends Relay {
  readonly asked: string[] = [];

  override fetch(path: string, request?: RequestInit): Promise<Response> {
    this.asked.push(`${request?.method ?? "GET"} ${path}`);
    return super.fetch(path, request);
  }

  /** How many handshakes were answered. */
  get handshakes(): number {
    return this.asked.filter((asked) => /^POST \/v1\/handshakes\/./.test(asked))
      .length;
  }
}

Deno.test("a session shakes hands once, and uses its token until a minute before its end", async () => {
  const clock = new ManualClock();
  await using server = await listen(":memory:", clock.now);
  const relay = new NotedRelay(server.url, { clock });
  const session = new Session(relay, await makeIdentity(1_024));
  for (let n = 0; n < 3; n++) await readPage(session, null);
  assert.equal(relay.handshakes, 1);
  // A token's times are whole seconds.
  clock.advance(TOKEN_LIFETIME - MINUTE - 1_000);
  await readPage(session, null);
  assert.equal(relay.handshakes, 1);
  clock.advance(2_000);
  await readPage(session, null);
  await readPage(session, null);
  assert.equal(relay.handshakes, 2);
});

Deno.test("a session that slept longer than its token lives shakes hands again", async () => {
  const clock = new ManualClock();
  await using server = await listen(":memory:", clock.now);
  const relay = new NotedRelay(server.url, { clock });
  const session = new Session(relay, await makeIdentity(1_024));
  assert.equal((await session.open()).created, true);
  clock.advance(10 * TOKEN_LIFETIME);
  const { next } = await readPage(session, null);
  await acknowledge(session, next, "phone");
  assert.equal((await session.open()).created, false);
  assert.equal(relay.handshakes, 2);
});

Deno.test("a session may ask for many things at once", async () => {
  await using server = await listen();
  const session = new Session(
    new Relay(server.url),
    await makeIdentity(1_024),
  );
  const pages = await Promise.all(
    Array.from({ length: 8 }, () => readPage(session, null)),
  );
  for (const page of pages) assert.deepEqual(page, pages[0]);
});

Deno.test("open() says whether the mailbox is new, to each session of its owner", async () => {
  await using server = await listen();
  const relay = new Relay(server.url);
  const identity = await makeIdentity(1_024);
  for (const created of [true, false]) {
    const session = new Session(relay, identity);
    assert.equal((await session.open()).created, created);
    assert.equal((await session.open()).created, created);
  }
});

Deno.test("a session may do what its scopes say, and no more", async () => {
  await using server = await listen();
  const relay = new Relay(server.url);
  const identity = await makeIdentity(1_024);
  const reader = new Session(relay, identity, ["read"]);
  const { next } = await readPage(reader, null);
  const forbidden = (error: unknown) =>
    error instanceof RelayError && error.code === "forbidden" &&
    error.status === 403;
  await assert.rejects(acknowledge(reader, next, "phone"), forbidden);
  const acker = new Session(relay, identity, ["ack"]);
  await assert.rejects(readPage(acker, null), forbidden);
  await acknowledge(acker, next, "phone");
});

Deno.test("a session is refused another's mailbox", async () => {
  await using server = await listen();
  const relay = new Relay(server.url);
  const alice = await makeIdentity(1_024);
  const session = new Session(relay, await makeIdentity(1_024));
  await new Session(relay, alice).open();
  await assert.rejects(
    session.fetch(`/v1/mailboxes/${alice.mailbox}/messages`),
    (error) => error instanceof RelayError && error.code === "forbidden",
  );
});

Deno.test("fetch() renews a token that the relay knows no more, once; no other refusal is asked again", async (t) => {
  const cases: readonly [
    code: ProblemCode,
    refusals: number,
    tokens: string[],
    outcome: ProblemCode | null,
  ][] = [
    ["unauthorized", 1, ["token-1", "token-2"], null],
    ["unauthorized", 9, ["token-1", "token-2"], "unauthorized"],
    ["handshake-failed", 1, ["token-1"], "handshake-failed"],
    ["forbidden", 1, ["token-1"], "forbidden"],
    ["rate-limited", 1, ["token-1"], "rate-limited"],
    ["busy", 1, ["token-1"], "busy"],
  ];
  for (const [code, refusals, tokens, outcome] of cases) {
    await t.step(`${code}, ${refusals} times`, async () => {
      let left = refusals;
      await using home = new FakeHome(() =>
        left-- > 0
          ? problem(PROBLEMS[code].status, { code })
          : Response.json({})
      );
      const session = new Session(
        new Relay(home.url),
        await makeIdentity(1_024),
      );
      const said = await session.fetch("/v1/here").then(
        async (response) => {
          await response.body?.cancel();
          return null;
        },
        (error) => error.code,
      );
      assert.equal(said, outcome);
      assert.deepEqual(
        home.headers.map((headers) => headers.get("Authorization")),
        tokens.map((token) => `DPoP ${token}`),
      );
    });
  }
});

Deno.test("a proof names its request and its token alone, as RFC 9449 has it", async () => {
  await using home = new FakeHome(() => Response.json({}));
  const clock = new ManualClock(Date.now());
  const session = new Session(
    new Relay(home.url, { clock }),
    await makeIdentity(1_024),
  );
  for (
    const [path, method] of [["/v1/here?after=1#there", "DELETE"], [
      "/v1/here",
      "GET",
    ]] as const
  ) {
    const response = await session.fetch(path, { method });
    await response.body?.cancel();
  }
  const proofs = home.headers.map((headers) => headers.get("DPoP") ?? "");
  const [first, second] = proofs.map((proof) => decodeJwt(proof));
  const ath = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode("token-1")),
  ).toBase64({ alphabet: "base64url", omitPadding: true });
  const iat = Math.floor(clock.now() / 1_000);
  const htu = `${home.url}/v1/here`;
  assert.deepEqual({ ...first, jti: "" }, {
    htm: "DELETE",
    htu,
    ath,
    iat,
    jti: "",
  });
  assert.deepEqual({ ...second, jti: "" }, {
    htm: "GET",
    htu,
    ath,
    iat,
    jti: "",
  });
  assert.notEqual(first?.jti, second?.jti);
  const { jwk = {}, ...header } = decodeProtectedHeader(proofs[0] ?? "");
  assert.deepEqual(header, { alg: "EdDSA", typ: "dpop+jwt" });
  assert.deepEqual("d" in jwk, false);
});

const CHALLENGE = {
  handshake: "x",
  relayKey: "00",
  challenge: "00",
  work: { target: "00" },
};

/** What no relay answers to the first call of a handshake. */
const NO_CHALLENGES: readonly unknown[] = [
  {},
  CHALLENGE, // its relay key is none
  { ...CHALLENGE, handshake: "../health" },
  { ...CHALLENGE, handshake: "" },
  { ...CHALLENGE, relayKey: "" },
  { ...CHALLENGE, relayKey: "xyz" },
  { ...CHALLENGE, challenge: 1 },
  { ...CHALLENGE, work: {} },
  { ...CHALLENGE, work: { target: "" } },
  { ...CHALLENGE, work: { target: "-1" } },
];

Deno.test("a session does not answer a challenge that is none", async (t) => {
  const identity = await makeIdentity(1_024);
  for (const challenge of NO_CHALLENGES) {
    await t.step(JSON.stringify(challenge), async () => {
      await using fake = new FakeRelay(() => Response.json(challenge));
      const session = new Session(new Relay(fake.url), identity);
      await assertClientError(session.open(), "relay-nonsense");
      assert.deepEqual(fake.asked, ["POST /v1/handshakes"]);
    });
  }
});

Deno.test("what a relay lists is checked to be a list of messages", async (t) => {
  await using server = await listen();
  const identity = await makeIdentity(1_024);
  const page = { messages: [], next: "", more: false, reset: false };
  const lists: readonly unknown[] = [
    {},
    [],
    null,
    { ...page, messages: null },
    { ...page, messages: [{}] },
    { ...page, next: undefined },
    { ...page, more: "no" },
  ];
  for (const list of lists) {
    await t.step(JSON.stringify(list), async () => {
      // The handshake is the real relay's, the list is not.
      class LyingRelay extends Relay {
        override async fetch(path: string, request?: RequestInit) {
          const response = await super.fetch(path, request);
          if (!path.includes("/messages")) return response;
          await response.body?.cancel();
          return Response.json(list);
        }
      }
      const session = new Session(new LyingRelay(server.url), identity);
      await assertClientError(readPage(session, null), "relay-nonsense");
    });
  }
});
