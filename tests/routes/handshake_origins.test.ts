/** Which relay an answer was meant for, and attacks by one in between. */
import assert from "node:assert/strict";
import { makeIdentity } from "../../client/identity.ts";
import { Relay } from "../../client/relay.ts";
import { Session } from "../../client/session.ts";
import { assertProblem } from "./assert_problem.ts";
import { askChallenge, makeAnswer, sendAnswer } from "./handshake_answer.ts";
import { listen } from "./listening_relay.ts";
import { ORIGIN, TestRelay } from "./relay_fixture.ts";
import { assertUnchanged } from "./unchanged.ts";

const MALLORY = "https://mallory.test";

Deno.test("a relay that hands on another's challenge cannot log in there as its user", async (t) => {
  using relay = await TestRelay.open();
  const { key: signer } = await makeIdentity(1024);
  const { time } = relay.clock;
  // Mallory asks for a challenge, and has her own user answer it for herself.
  const challenge = await askChallenge(relay, signer.publicKey);
  const body = await makeAnswer({ challenge, signer, time, url: MALLORY });
  const path = `/v1/handshakes/${challenge.handshake}`;
  const ways: Record<string, () => Promise<Response>> = {
    "as it is": () => sendAnswer(relay, challenge.handshake, body),
    "under her own name": async () =>
      await relay.app.fetch(
        new Request(MALLORY + path, {
          method: "POST",
          headers: {
            "Content-Type": "application/vnd.minima.maxtxpow",
            "Host": "mallory.test",
            "X-Forwarded-Host": "mallory.test",
            "Forwarded": "host=mallory.test",
            "Origin": MALLORY,
          },
          body,
        }),
      ),
  };
  for (const [what, send] of Object.entries(ways)) {
    await t.step(what, async () => {
      const response = await assertUnchanged(relay, send);
      await assertProblem(relay, response, "handshake-failed");
    });
  }
});

Deno.test("an answer names any of the relay's own origins, and no other", async (t) => {
  const url = "https://relay.test";
  assert.equal(url, ORIGIN);
  using relay = await TestRelay.open({
    urlAliases: ["https://alias.test:8443", "http://relay.onion"],
  });
  const { key: signer } = await makeIdentity(1024);
  const table: [url: unknown, status: number][] = [
    [url, 200],
    ["https://alias.test:8443", 200],
    ["http://relay.onion", 200],
    ["https://alias.test", 401],
    ["http://relay.test", 401],
    ["https://relay.test/", 401],
    ["https://relay.test:443", 401],
    ["https://RELAY.test", 401],
    ["https://relay.test.mallory.test", 401],
    ["http://127.0.0.1:8000", 401],
    ["http://localhost", 401],
    ["", 401],
    [null, 401],
    [[url], 401],
    [undefined, 401],
  ];
  for (const [named, status] of table) {
    await t.step(`${JSON.stringify(named)}: ${status}`, async () => {
      const { time } = relay.clock;
      const challenge = await askChallenge(relay, signer.publicKey);
      const parts = { challenge, signer, time, url: named };
      const body = await makeAnswer(parts);
      const response = await sendAnswer(relay, challenge.handshake, body);
      assert.equal(response.status, status, await response.text());
    });
  }
});

/** Reads a mailbox by DPoP, which needs the right origin twice. */
async function canRead(url: string): Promise<boolean> {
  const session = new Session(new Relay(url), await makeIdentity(1024));
  const { created } = await session.open();
  const path = `/v1/mailboxes/${session.identity.mailbox}/messages`;
  const response = await session.fetch(path);
  await response.body?.cancel();
  return created && response.ok;
}

Deno.test("a relay that was given no URL goes by this machine's names, at its own port", async () => {
  await using relay = await listen();
  const { port } = new URL(relay.listening);
  assert.ok(await canRead(`http://127.0.0.1:${port}`));
  assert.ok(await canRead(`http://localhost:${port}`));
});

Deno.test("a relay that was given a URL goes by that and its aliases alone", async () => {
  await using relay = await listen(":memory:", undefined, {
    url: "https://relay.test",
    urlAliases: ["https://alias.test"],
  });
  await assert.rejects(canRead(relay.listening), { code: "handshake-failed" });
});

Deno.test("a relay goes by an alias that its operator named", async () => {
  await using found = await listen();
  const { port } = new URL(found.listening);
  await found.stop();
  await using relay = await listen(":memory:", undefined, {
    port: Number(port),
    url: "https://relay.test",
    urlAliases: [`http://127.0.0.1:${port}`],
  });
  assert.ok(await canRead(relay.listening));
  await assert.rejects(canRead(`http://localhost:${port}`), {
    code: "handshake-failed",
  });
});
