/** The handshake: whose challenge an answer is to, and who may give it. */
import assert from "node:assert/strict";
import {
  type Challenge,
  HANDSHAKE_APPLICATION,
  HANDSHAKE_LIFETIME,
  handshakeExpiry,
  makeChallenge,
  readAnswer,
} from "../../lib/handshake.ts";
import type { Bytes } from "../../lib/bytes.ts";
import type { MaximaMessage } from "../../lib/minima/maxima.ts";
import { integer } from "../../lib/minima/mininumber.ts";
import { SCOPES } from "../../lib/token.ts";
import { seededRandom } from "./randomness.ts";
import { ALICE, BIG, BOB } from "./seal/keys.ts";
import { OTHER_RELAY, RELAY } from "./tokens.ts";

const NOW = 1_790_000_000_123;
const SECRET = await RELAY.secret("handshake challenge");
const OTHER_SECRET = await OTHER_RELAY.secret("handshake challenge");
const RELAY_KEY = BIG.publicKey;

const given = await makeChallenge(
  SECRET,
  ALICE.publicKey,
  NOW,
  seededRandom("given"),
);

/** The members of a right answer. */
const ANSWER = {
  challenge: given.challenge.toHex(),
  scopes: ["read", "ack"],
};

function message(
  answer: unknown = ANSWER,
  change: Partial<MaximaMessage> = {},
): MaximaMessage {
  const text = typeof answer === "string" ? answer : JSON.stringify(answer);
  return {
    random: new Uint8Array(32),
    from: ALICE.publicKey,
    to: RELAY_KEY,
    time: integer(NOW),
    application: HANDSHAKE_APPLICATION,
    data: new TextEncoder().encode(text),
    ...change,
  };
}

function read(answer: MaximaMessage, id = given.id, secret = SECRET) {
  return readAnswer(answer, { secret, id, relayKey: RELAY_KEY });
}

Deno.test("makeChallenge() gives 32 bytes and an id that says its end", async () => {
  const { id, challenge, expires } = given;
  assert.equal(challenge.length, 32);
  assert.equal(HANDSHAKE_LIFETIME, 300_000);
  assert.equal(expires, NOW + 300_000);
  assert.equal(await handshakeExpiry(SECRET, id), expires);
  assert.equal(await handshakeExpiry(OTHER_SECRET, id), 0);
  assert.equal(
    id.slice(0, -16),
    expires.toString(16).padStart(12, "0") + seededRandom("given")(16).toHex(),
  );
});

Deno.test("makeChallenge() is a function of secret, id and key", async () => {
  const same = (secret: CryptoKey, key: Bytes, now = NOW, seed = "given") =>
    makeChallenge(secret, key, now, seededRandom(seed));
  assert.deepEqual(await same(SECRET, ALICE.publicKey), given);
  const others: readonly Challenge[] = [
    await same(OTHER_SECRET, ALICE.publicKey),
    await same(SECRET, BOB.publicKey),
    await same(SECRET, ALICE.publicKey, NOW + 1),
    await same(SECRET, ALICE.publicKey, NOW, "other"),
    await same(SECRET, new Uint8Array()),
    await same(SECRET, new Uint8Array([...ALICE.publicKey, 0])),
    await same(await RELAY.secret("something else"), ALICE.publicKey),
  ];
  const challenges = [given, ...others].map((each) => each.challenge.toHex());
  assert.equal(new Set(challenges).size, challenges.length);
});

Deno.test("makeChallenge() gives another id each time", async () => {
  const make = () => makeChallenge(SECRET, ALICE.publicKey, NOW);
  assert.notEqual((await make()).id, (await make()).id);
});

const NO_IDS = [
  "",
  "0",
  given.id.slice(1),
  `${given.id}0`,
  given.id.toUpperCase(),
  `0x${given.id.slice(2)}`,
  ` ${given.id.slice(1)}`,
  `${given.id}\n`,
  "g".repeat(60),
  "../".repeat(20),
];

Deno.test("handshakeExpiry() of what the relay did not give out is 0", async () => {
  const later = (parseInt(given.id.slice(0, 12), 16) + 1).toString(16);
  const forged = later.padStart(12, "0") + given.id.slice(12);
  for (const id of [...NO_IDS, forged, "f".repeat(60), "0".repeat(60)]) {
    assert.equal(await handshakeExpiry(SECRET, id), 0, id);
  }
});

Deno.test("readAnswer() gives the claim of a right answer", async () => {
  const jkt = "aZ09-_".repeat(8).slice(0, 43);
  const cases: readonly (readonly [object, object])[] = [
    [{}, { scopes: ["read", "ack"], jkt: null }],
    [{ jkt }, { scopes: ["read", "ack"], jkt }],
    [{ scopes: [...SCOPES] }, { scopes: SCOPES, jkt: null }],
    // In the order of the relay, each once.
    [{ scopes: ["name", "read", "name"] }, {
      scopes: ["read", "name"],
      jkt: null,
    }],
    [{ more: { of: "this" } }, { scopes: ["read", "ack"], jkt: null }],
  ];
  for (const [members, claim] of cases) {
    const answer = message({ ...ANSWER, ...members });
    assert.deepEqual(await read(answer), claim);
  }
});

Deno.test("readAnswer() gives the same for the same answer", async () => {
  // That it counts once is the store's doing.
  assert.deepEqual(await read(message()), await read(message()));
});

Deno.test("readAnswer() is null for another's challenge", async (t) => {
  const bobs = await makeChallenge(SECRET, BOB.publicKey, NOW);
  const later = await makeChallenge(SECRET, ALICE.publicKey, NOW + 60_000);
  const foreign = await makeChallenge(
    OTHER_SECRET,
    ALICE.publicKey,
    NOW,
    seededRandom("given"),
  );
  const extended = (Number(`0x${given.id.slice(0, 12)}`) + 1).toString(16)
    .padStart(12, "0") + given.id.slice(12);
  const answering = (challenge: Bytes) =>
    message({ ...ANSWER, challenge: challenge.toHex() });
  const cases: Readonly<Record<string, ReturnType<typeof read>>> = {
    "given to another key": read(answering(bobs.challenge), bobs.id),
    "answered with another key": read(message(ANSWER, { from: BOB.publicKey })),
    "of another handshake": read(answering(later.challenge)),
    "answered at another handshake": read(message(), later.id),
    "with its end put off": read(message(), extended),
    "of another relay": read(answering(foreign.challenge)),
    "by another relay's secret": read(message(), given.id, OTHER_SECRET),
    "of zeros": read(answering(new Uint8Array(32))),
  };
  for (const [what, answer] of Object.entries(cases)) {
    await t.step(what, async () => assert.equal(await answer, null));
  }
  for (const id of NO_IDS) {
    await t.step(`at "${id.slice(0, 20)}", which is no handshake`, async () => {
      assert.equal(await read(message(), id), null);
    });
  }
});

Deno.test("readAnswer() is null for a message that is not for this", async (t) => {
  const cases: Readonly<Record<string, Partial<MaximaMessage>>> = {
    "signed for another relay": { to: BOB.publicKey },
    "signed for nobody": { to: new Uint8Array() },
    "signed for the relay's key and more": {
      to: new Uint8Array([...RELAY_KEY, 0]),
    },
    "of another application": { application: "chat" },
    "of no application": { application: "" },
    "of the application in capitals": { application: "MNS.HANDSHAKE" },
    "of the application and a space": {
      application: `${HANDSHAKE_APPLICATION} `,
    },
  };
  for (const [what, change] of Object.entries(cases)) {
    await t.step(what, async () => {
      assert.equal(await read(message(ANSWER, change)), null);
    });
  }
});

Deno.test("readAnswer() is null for an answer of another form", async (t) => {
  const without = (name: keyof typeof ANSWER) => ({
    ...ANSWER,
    [name]: undefined,
  });
  const { challenge } = ANSWER;
  const cases: Readonly<Record<string, unknown>> = {
    "nothing": "",
    "no JSON": "yes",
    "cut JSON": JSON.stringify(ANSWER).slice(0, -1),
    "JSON twice": JSON.stringify(ANSWER).repeat(2),
    "null": null,
    "a list": [ANSWER],
    "text": JSON.stringify(JSON.stringify(ANSWER)),
    "no challenge": without("challenge"),
    "a challenge in capitals": {
      ...ANSWER,
      challenge: challenge.toUpperCase(),
    },
    "a challenge with 0x": { ...ANSWER, challenge: `0x${challenge}` },
    "a challenge cut": { ...ANSWER, challenge: challenge.slice(0, -2) },
    "a challenge and a line end": { ...ANSWER, challenge: `${challenge}\n` },
    "a list of challenges": { ...ANSWER, challenge: [challenge] },
    "no scopes": without("scopes"),
    "an empty list of scopes": { ...ANSWER, scopes: [] },
    "scopes as text": { ...ANSWER, scopes: "read ack" },
    "a scope that there is not": { ...ANSWER, scopes: ["read", "admin"] },
    "a scope in capitals": { ...ANSWER, scopes: ["READ"] },
    "a scope that is null": { ...ANSWER, scopes: [null] },
    "an empty jkt": { ...ANSWER, jkt: "" },
    "a jkt that is null": { ...ANSWER, jkt: null },
    "a jkt of 42 characters": { ...ANSWER, jkt: "a".repeat(42) },
    "a jkt of 44 characters": { ...ANSWER, jkt: "a".repeat(44) },
    "a jkt in base64": { ...ANSWER, jkt: "+".repeat(43) },
    "a jkt with padding": { ...ANSWER, jkt: `${"a".repeat(42)}=` },
    "a jkt and a line end": { ...ANSWER, jkt: `${"a".repeat(43)}\n` },
    "a jkt as a number": { ...ANSWER, jkt: 43 },
  };
  for (const [what, answer] of Object.entries(cases)) {
    await t.step(what, async () => {
      assert.equal(await read(message(answer)), null);
    });
  }
  await t.step("bytes that are no text", async () => {
    const data = new Uint8Array([0xff, 0xfe, 0x7b]);
    assert.equal(await read(message(ANSWER, { data })), null);
  });
});
