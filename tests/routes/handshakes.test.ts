/** The handshake: who proves a key gets a token for its mailbox, and who does not, does not learn why. */
import assert from "node:assert/strict";
import { makeIdentity } from "../../client/identity.ts";
import { findMailbox } from "../../kv/mail/mailboxes.ts";
import { HANDSHAKE_LIFETIME } from "../../lib/handshake.ts";
import { OWNER_SCOPES } from "../../lib/token.ts";
import { assertProblem } from "./assert_problem.ts";
import { askChallenge, sendAnswer, shakeHands } from "./handshake_answer.ts";
import { freshKey } from "./owner.ts";
import { ProofKey } from "./proof_key.ts";
import { ORIGIN, TestRelay } from "./relay_fixture.ts";
import { makeRelayKeys } from "./shared_keys.ts";
import { assertUnchanged } from "./unchanged.ts";
import { answer, type Scene, WRONG_ANSWERS } from "./wrong_answers.ts";

Deno.test("a right answer opens the mailbox the first time, and grants a token every time", async () => {
  using relay = await TestRelay.open();
  const { key, mailbox } = await makeIdentity(1024);
  assert.equal((await relay.fetch(`/v1/mailboxes/${mailbox}`)).status, 404);
  for (const created of [true, false, false]) {
    const granted = await shakeHands(relay, key);
    assert.deepEqual(granted.mailbox, { id: mailbox, created });
    assert.equal(granted.tokenType, "Bearer");
    assert.deepEqual(granted.scopes, ["read", "ack"]);
    const response = await relay.fetch(`/v1/mailboxes/${mailbox}/messages`, {
      headers: { Authorization: `Bearer ${granted.token}` },
    });
    assert.equal(response.status, 200);
  }
});

Deno.test("a token has the scopes that were asked for, each once", async (t) => {
  using relay = await TestRelay.open();
  const { key } = await makeIdentity(1024);
  const table = [
    ["read"],
    ["ack"],
    ["settings", "name"],
    ["name", "read", "read"],
    [...OWNER_SCOPES],
  ];
  for (const scopes of table) {
    await t.step(scopes.join(" "), async () => {
      const granted = await shakeHands(relay, key, { scopes });
      assert.deepEqual(
        granted.scopes.toSorted(),
        [...new Set(scopes)].toSorted(),
      );
    });
  }
});

Deno.test("a token is bound to the key whose thumbprint came with the answer", async () => {
  using relay = await TestRelay.open();
  const { key, mailbox } = await makeIdentity(1024);
  const proofKey = await ProofKey.make();
  const { token, tokenType } = await shakeHands(relay, key, {
    jkt: proofKey.jkt,
  });
  assert.equal(tokenType, "DPoP");
  const path = `/v1/mailboxes/${mailbox}/messages`;
  const proof = await proofKey.prove({
    method: "GET",
    url: relay.relay.url + path,
    token,
    time: relay.clock.time,
  });
  const response = await relay.fetch(path, {
    headers: { Authorization: `DPoP ${token}`, DPoP: proof },
  });
  assert.equal(response.status, 200);
});

Deno.test("challenges are new every time, and asking for one stores nothing", async () => {
  using relay = await TestRelay.open();
  const key = freshKey();
  await assertUnchanged(relay, async () => {
    const asked = await Promise.all(
      Array.from({ length: 20 }, () => askChallenge(relay, key)),
    );
    for (const name of ["handshake", "challenge"] as const) {
      assert.equal(new Set(asked.map((one) => one[name])).size, asked.length);
    }
  });
});

Deno.test("an answer is taken until its challenge ends, and not at its end", async () => {
  using relay = await TestRelay.open();
  const alice = await makeIdentity(1024);
  for (const [late, status] of [[-1, 200], [0, 401]] as const) {
    const { expires } = await askChallenge(relay, alice.key.publicKey);
    assert.equal(expires, relay.clock.time + HANDSHAKE_LIFETIME);
    const { handshake, body } = await answer({ relay, alice });
    relay.clock.advance(HANDSHAKE_LIFETIME + late);
    const response = await sendAnswer(relay, handshake, body);
    assert.equal(response.status, status);
    await response.body?.cancel();
  }
});

Deno.test("a mailbox keeps its owner's key, and nothing else of the message that proved it", async () => {
  using relay = await TestRelay.open();
  const { key, mailbox } = await makeIdentity(1024);
  await shakeHands(relay, key);
  const record = await findMailbox(relay.relay.store, mailbox);
  assert.ok(record);
  assert.deepEqual(record.publicKey, key.publicKey);
  // A view is stored with everything that it is a view of.
  assert.equal(record.publicKey.buffer.byteLength, key.publicKey.length);
});

Deno.test("a right answer is taken up to 16 KiB, and looked at no further", async (t) => {
  const table = [[1_000, 200], [14_000, 200], [16_384, 401], [40_000, 413]];
  using relay = await TestRelay.open();
  for (const [length = 0, status] of table) {
    await t.step(`${length} bytes of claim: ${status}`, async () => {
      const alice = await makeIdentity(1024);
      const challenge = await askChallenge(relay, alice.key.publicKey);
      const claim = JSON.stringify({
        challenge: challenge.challenge,
        url: ORIGIN,
        scopes: ["read"],
      });
      const data = new TextEncoder().encode(claim.padEnd(length));
      const { body } = await answer({ relay, alice }, { challenge, data });
      const response = await sendAnswer(relay, challenge.handshake, body);
      assert.equal(response.status, status, await response.text());
    });
  }
  assert.deepEqual(relay.failures, []);
});

Deno.test("every wrong answer is refused in the same words, and stores nothing", async (t) => {
  using relay = await TestRelay.open();
  using otherRelay = await TestRelay.open({ keys: await makeRelayKeys() });
  const scene: Scene = {
    relay,
    otherRelay,
    alice: await makeIdentity(1024),
    mallory: await makeIdentity(1024),
  };
  let words: unknown;
  for (const { what, make } of WRONG_ANSWERS) {
    await t.step(what, async () => {
      const { handshake, body } = await make(scene);
      const refused = await assertUnchanged(
        relay,
        () => sendAnswer(relay, handshake, body),
      );
      // Each request has an id of its own.
      refused.headers.delete("X-Request-Id");
      const said = {
        status: refused.status,
        headers: [...refused.headers].toSorted(),
        text: await refused.clone().text(),
      };
      await assertProblem(relay, refused, "handshake-failed");
      words ??= said;
      assert.deepEqual(said, words);
    });
  }
  await t.step("and a right one is taken all the same", async () => {
    assert.ok((await shakeHands(relay, scene.alice.key)).token);
  });
  assert.deepEqual(relay.failures, []);
});

Deno.test("of ten answers to one challenge at once, one succeeds", async (t) => {
  for (const kind of ["the same answer", "answers of the same key"]) {
    await t.step(kind, async () => {
      using relay = await TestRelay.open();
      const alice = await makeIdentity(1024);
      const challenge = await askChallenge(relay, alice.key.publicKey);
      const answers = await Promise.all(
        Array.from(
          { length: 10 },
          () => answer({ relay, alice }, { challenge }),
        ),
      );
      const bodies = answers.map(({ body }) => body);
      const sent = kind === "the same answer"
        ? bodies.map(() => bodies[0] ?? new Uint8Array())
        : bodies;
      const said = await Promise.all(
        sent.map((body) => sendAnswer(relay, challenge.handshake, body)),
      );
      assert.deepEqual(said.map(({ status }) => status).sort(), [
        200,
        ...new Array<number>(9).fill(401),
      ]);
      await Promise.all(said.map((answered) => answered.text()));
    });
  }
});

Deno.test("of ten keys' first handshakes at once, each opens its own mailbox; of one key's ten, one does", async () => {
  using relay = await TestRelay.open();
  const identities = await Promise.all(
    Array.from({ length: 10 }, () => makeIdentity(1024)),
  );
  const all = await Promise.all(
    identities.map(({ key }) => shakeHands(relay, key)),
  );
  assert.deepEqual(
    all.map(({ mailbox }) => mailbox),
    identities.map(({ mailbox }) => ({ id: mailbox, created: true })),
  );
  const { key } = await makeIdentity(1024);
  const own = await Promise.all(
    Array.from({ length: 10 }, () => shakeHands(relay, key)),
  );
  assert.equal(own.filter(({ mailbox }) => mailbox.created).length, 1);
});
