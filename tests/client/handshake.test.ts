/** Handshakes: what the client says in them, and what it pays for them. */
import assert from "node:assert/strict";
import { decodeProtectedHeader } from "jose";
import {
  makeIdentity,
  readPage,
  Relay,
  RelayError,
  Session,
} from "../../client/mod.ts";
import { assertClientError } from "./assert_client_error.ts";
import { FakeHome } from "./fake_home.ts";
import { problem } from "./fake_relay.ts";

const ALICE = await makeIdentity(1_024);
const EMPTY = {
  messages: [],
  next: `${"a".repeat(12)}-${"0".repeat(20)}`,
  more: false,
  reset: false,
};
const FAILED = () =>
  problem(401, { code: "handshake-failed", status: 401, detail: "no" });

Deno.test("a relay that hands on another's challenge gets an answer that names itself", async () => {
  // Whatever the answers say of a URL: the client says whom it talks to.
  await using home = new FakeHome(() => Response.json(EMPTY));
  for (const url of [home.url, `${home.url}/some/path?x=1`]) {
    await new Session(new Relay(url), ALICE).open();
    assert.equal(home.claims.at(-1)?.url, home.url);
  }
  const localhost = home.url.replace("127.0.0.1", "localhost");
  await new Session(new Relay(localhost), ALICE).open();
  assert.equal(home.claims.at(-1)?.url, localhost);
});

Deno.test("every token is asked for with a key, and every request proves it anew", async () => {
  await using home = new FakeHome(() => Response.json(EMPTY));
  const session = new Session(new Relay(home.url), ALICE, ["read"]);
  await readPage(session, null);
  await readPage(session, EMPTY.next);
  const [{ jkt, scopes } = { jkt: "", scopes: [] }, ...others] = home.claims;
  assert.equal(others.length, 0);
  assert.match(jkt, /^[\w-]{43}$/);
  assert.deepEqual(scopes, ["read"]);
  const path = `/v1/mailboxes/${ALICE.mailbox}/messages`;
  for (const headers of home.headers) {
    await home.requireProof(headers, "GET", path);
    const { jwk } = decodeProtectedHeader(headers.get("DPoP") ?? "");
    assert.ok(jwk !== undefined && !("d" in jwk));
  }
  const [one, other] = home.headers.map((headers) => headers.get("DPoP"));
  assert.notEqual(one, other);
});

Deno.test("authorize() gives headers for one request of another's making", async () => {
  await using home = new FakeHome(() => Response.json(EMPTY));
  const session = new Session(new Relay(home.url), ALICE);
  const path = "/v1/mailboxes/x/socket";
  const given = await session.authorize("GET", `${path}?after=1#2`);
  await home.requireProof(new Headers(given.headers), "GET", path);
  const again = await session.authorize("POST", path);
  await home.requireProof(new Headers(again.headers), "POST", path);
  assert.equal(again.headers.Authorization, given.headers.Authorization);
  given.drop();
  const renewed = await session.authorize("POST", path);
  assert.notEqual(renewed.headers.Authorization, given.headers.Authorization);
  given.drop(); // it is not the present one any more
  const kept = await session.authorize("POST", path);
  assert.equal(kept.headers.Authorization, renewed.headers.Authorization);
});

Deno.test("an answer that the relay has had already is begun anew, once", async () => {
  let refusals = 1;
  const refuse = () => refusals-- > 0 ? FAILED() : null;
  await using home = new FakeHome(() => Response.json(EMPTY), { refuse });
  const session = new Session(new Relay(home.url), ALICE);
  await session.open();
  assert.deepEqual(home.asked, [
    "POST /v1/handshakes",
    "POST /v1/handshakes/h-1",
    "POST /v1/handshakes",
    "POST /v1/handshakes/h-1",
  ]);
  refusals = Infinity;
  await assert.rejects(
    new Session(new Relay(home.url), ALICE).open(),
    (error) => error instanceof RelayError && error.code === "handshake-failed",
  );
  assert.equal(home.asked.length, 8);
});

Deno.test("other refusals of an answer are not begun anew", async (t) => {
  for (
    const [status, code] of [
      [413, "too-large"],
      [401, "unauthorized"],
      [403, "forbidden"],
      [400, "malformed"],
    ] as const
  ) {
    await t.step(`${status} ${code}`, async () => {
      const refuse = () => problem(status, { code, status, detail: "no" });
      await using home = new FakeHome(() => Response.json(EMPTY), { refuse });
      await assert.rejects(
        new Session(new Relay(home.url), ALICE).open(),
        (error) => error instanceof RelayError && error.code === code,
      );
      assert.equal(home.asked.length, 2);
    });
  }
});

Deno.test("a handshake that asks for 200 million hashes is not answered", async (t) => {
  for (const hashes of [1_000_001, 200_000_000]) {
    await t.step(`${hashes} hashes`, async () => {
      await using home = new FakeHome(() => Response.json(EMPTY), { hashes });
      const session = new Session(new Relay(home.url), ALICE);
      await assertClientError(session.open(), "price-too-high");
      assert.deepEqual(home.asked, ["POST /v1/handshakes"]);
    });
  }
  await t.step("a million are mined", async () => {
    await using home = new FakeHome(() => Response.json(EMPTY), {
      hashes: 1_000_000,
    });
    await new Session(new Relay(home.url), ALICE).open();
    assert.equal(home.claims.length, 1);
  });
});

/** What no relay gives for a token. */
const NO_TOKENS: Readonly<Record<string, () => Record<string, unknown>>> = {
  "a token of 60 KB": () => ({ token: "x".repeat(60_000) }),
  "a token that is a header of its own": () => ({ token: "x\r\nX-Evil: 1" }),
  "an empty token": () => ({ token: "" }),
  "an end that is no number": () => ({ expires: "soon" }),
  "an end before all time": () => ({ expires: -1 }),
  "an end in between": () => ({ expires: 1.5 }),
  "an end beyond the year 9999": () => ({ expires: 253_402_300_800_000 }),
  "a mailbox of a long name": () => ({
    mailbox: { id: "0".repeat(300), created: true },
  }),
};

Deno.test("a token of absurd members is nonsense", async (t) => {
  for (const [what, token] of Object.entries(NO_TOKENS)) {
    await t.step(what, async () => {
      await using home = new FakeHome(() => Response.json(EMPTY), { token });
      const session = new Session(new Relay(home.url), ALICE);
      await assertClientError(session.open(), "relay-nonsense");
    });
  }
  await t.step(
    "the last millisecond of the year 9999 is none of them",
    async () => {
      const token = () => ({ expires: 253_402_300_799_999 });
      await using home = new FakeHome(() => Response.json(EMPTY), { token });
      await new Session(new Relay(home.url), ALICE).open();
    },
  );
});
