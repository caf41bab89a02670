/** The handshake: whose challenge an answer is to, and who may give it. */
import assert from "node:assert/strict";
import {
  type Challenge,
  type ChallengeOptions,
  HANDSHAKE_APPLICATION,
  HANDSHAKE_LIFETIME,
  makeChallenge,
  readAnswer,
  readHandshakeId,
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

const HASHES = 20_000;

/** A challenge for Alice, now, and always the same. */
function make(changes: Partial<ChallengeOptions> = {}, secret = SECRET) {
  return makeChallenge(secret, {
    publicKey: ALICE.publicKey,
    hashes: HASHES,
    now: NOW,
    random: seededRandom("given"),
    ...changes,
  });
}

const given = await make();
const ORIGINS = ["https://relay.example", "http://localhost:8000"];

/** The members of a right answer. */
const ANSWER = {
  challenge: given.challenge.toHex(),
  url: "https://relay.example",
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
  return readAnswer(answer, {
    secret,
    id,
    relayKey: RELAY_KEY,
    origins: ORIGINS,
  });
}

Deno.test("makeChallenge() gives 32 bytes and an id that says its end and its work", async () => {
  const { id, challenge, expires, hashes } = given;
  assert.equal(challenge.length, 32);
  assert.equal(HANDSHAKE_LIFETIME, 300_000);
  assert.equal(expires, NOW + 300_000);
  assert.equal(hashes, HASHES);
  assert.deepEqual(await readHandshakeId(SECRET, id), { expires, hashes });
  assert.equal(await readHandshakeId(OTHER_SECRET, id), null);
  assert.equal(
    id.slice(0, -16),
    expires.toString(16).padStart(12, "0") + "00004e20" +
      seededRandom("given")(16).toHex(),
  );
});

Deno.test("makeChallenge() is a function of secret, id and key", async () => {
  assert.deepEqual(await make(), given);
  const others: readonly Challenge[] = [
    await make({}, OTHER_SECRET),
    await make({ publicKey: BOB.publicKey }),
    await make({ now: NOW + 1 }),
    await make({ hashes: HASHES + 1 }),
    await make({ random: seededRandom("other") }),
    await make({ publicKey: new Uint8Array() }),
    await make({ publicKey: new Uint8Array([...ALICE.publicKey, 0]) }),
    await make({}, await RELAY.secret("something else")),
  ];
  const challenges = [given, ...others].map((each) => each.challenge.toHex());
  assert.equal(new Set(challenges).size, challenges.length);
});

Deno.test("makeChallenge() gives another id each time", async () => {
  const fresh = () =>
    makeChallenge(SECRET, {
      publicKey: ALICE.publicKey,
      hashes: HASHES,
      now: NOW,
    });
  assert.notEqual((await fresh()).id, (await fresh()).id);
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
  "g".repeat(68),
  "../".repeat(23).slice(1),
];

Deno.test("readHandshakeId() of what the relay did not give out is null", async () => {
  const later = (parseInt(given.id.slice(0, 12), 16) + 1).toString(16);
  const putOff = later.padStart(12, "0") + given.id.slice(12);
  const cheaper = `${given.id.slice(0, 12)}00004e1f${given.id.slice(20)}`;
  const forged = [putOff, cheaper, "f".repeat(68), "0".repeat(68)];
  for (const id of [...NO_IDS, ...forged]) {
    assert.equal(await readHandshakeId(SECRET, id), null, id);
  }
});

Deno.test("readAnswer() gives the claim of a right answer", async () => {
  const jkt = "aZ09-_".repeat(8).slice(0, 43);
  const cases: readonly (readonly [object, object])[] = [
    [{}, { scopes: ["read", "ack"], jkt: null }],
    [{ jkt }, { scopes: ["read", "ack"], jkt }],
    [{ url: ORIGINS[1] }, { scopes: ["read", "ack"], jkt: null }],
    // Only a group's token may commit, which is known and not granted.
    [{ scopes: [...SCOPES] }, {
      scopes: ["read", "ack", "settings", "name"],
      jkt: null,
    }],
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
  const bobs = await make({ publicKey: BOB.publicKey });
  const later = await make({ now: NOW + 60_000 });
  const foreign = await make({}, OTHER_SECRET);
  const cheaper = await make({ hashes: HASHES - 1 });
  const extended = (Number(`0x${given.id.slice(0, 12)}`) + 1).toString(16)
    .padStart(12, "0") + given.id.slice(12);
  const answering = (challenge: Bytes) =>
    message({ ...ANSWER, challenge: challenge.toHex() });
  const cases: Readonly<Record<string, ReturnType<typeof read>>> = {
    "given to another key": read(answering(bobs.challenge), bobs.id),
    "answered with another key": read(message(ANSWER, { from: BOB.publicKey })),
    "of another handshake": read(answering(later.challenge)),
    "answered at another handshake": read(message(), later.id),
    "answered at a cheaper handshake": read(message(), cheaper.id),
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

Deno.test("readAnswer() refuses what another relay had its user sign for it", async () => {
  // The other relay hands on this one's challenge and key; its user names it.
  const lured = { ...ANSWER, url: "https://mallory.example" };
  assert.equal(await read(message(lured)), null);
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
    "no url": without("url"),
    "a url that is null": { ...ANSWER, url: null },
    "a list of urls": { ...ANSWER, url: ORIGINS },
    "a url with a slash": { ...ANSWER, url: `${ORIGINS[0]}/` },
    "a url in capitals": { ...ANSWER, url: "HTTPS://RELAY.EXAMPLE" },
    "a url with its port": { ...ANSWER, url: `${ORIGINS[0]}:443` },
    "a part of the url": { ...ANSWER, url: "https://relay" },
    "an empty url": { ...ANSWER, url: "" },
    "a group's mailbox": { ...ANSWER, mailbox: "a".repeat(64) },
    "a mailbox that is null": { ...ANSWER, mailbox: null },
    "no scope but commit": { ...ANSWER, scopes: ["commit"] },
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

Deno.test("makeChallenge() marks an id with 64 bits of the relay's MAC over all before them", async () => {
  const untagged = Uint8Array.fromHex(given.id.slice(0, 52));
  const mac = await crypto.subtle.sign("HMAC", SECRET, untagged);
  assert.equal(given.id.slice(52), new Uint8Array(mac).toHex().slice(0, 16));
});
