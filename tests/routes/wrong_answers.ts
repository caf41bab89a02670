/** Answers to a challenge that are each wrong in one way. */
import type { Identity } from "../../client/identity.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { encode } from "../../lib/minima/codec.ts";
import { MIN_WORK } from "../../lib/minima/constants.ts";
import { cryptoPackage, maxTxPow } from "../../lib/minima/maxima.ts";
import { meets } from "../../lib/minima/txpow_facts.ts";
import { encrypt } from "../../lib/seal/maxima.ts";
import { HANDSHAKE_LIFETIME } from "../../lib/handshake.ts";
import { DAY, HOUR } from "./clock.ts";
import { makeEnvelope, makePackage, randomBytes } from "./envelopes.ts";
import {
  type AnswerParts,
  askChallenge,
  type Challenge,
  makeAnswer,
  sendAnswer,
} from "./handshake_answer.ts";
import { ORIGIN, type TestRelay } from "./relay_fixture.ts";

/** Two relays, and two people who know one another's keys. */
export interface Scene {
  readonly relay: TestRelay;
  readonly otherRelay: TestRelay;
  readonly alice: Identity;
  readonly mallory: Identity;
}

/** A handshake of Alice's, and an answer to it. */
export interface Answer {
  readonly handshake: string;
  readonly body: Bytes;
}

/** Something that is wrong. */
export interface WrongAnswer {
  readonly what: string;
  readonly make: (scene: Scene) => Promise<Answer>;
}

/** Alice's answer to a new challenge of hers, but for the parts given. */
export async function answer(
  { relay, alice }: Pick<Scene, "relay" | "alice">,
  parts: Partial<AnswerParts> = {},
): Promise<Answer> {
  const { key: signer } = alice;
  const challenge = await askChallenge(relay, signer.publicKey);
  const { time } = relay.clock;
  return {
    handshake: challenge.handshake,
    body: await makeAnswer({ challenge, signer, time, ...parts }),
  };
}

/** An answer that is right but for some parts. */
function but(
  what: string,
  partsOf: (scene: Scene, challenge: Challenge) => Partial<AnswerParts>,
): WrongAnswer {
  return {
    what,
    async make(scene) {
      const { relay, alice: { key: signer } } = scene;
      const challenge = await askChallenge(relay, signer.publicKey);
      const { time } = relay.clock;
      const parts = { challenge, signer, time, ...partsOf(scene, challenge) };
      return {
        handshake: challenge.handshake,
        body: await makeAnswer(parts),
      };
    },
  };
}

function json(value: unknown): Bytes {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Mines for sealed bytes to the relay. */
async function sealedBytes(
  scene: Scene,
  seal: (relayKey: Bytes) => Bytes | Promise<Bytes>,
): Promise<Answer> {
  const { relay, alice } = scene;
  const challenge = await askChallenge(relay, alice.key.publicKey);
  const relayKey = Uint8Array.fromHex(challenge.relayKey);
  const unit = makeEnvelope({
    package: makePackage(relayKey, await seal(relayKey)),
    time: relay.clock.time,
    hashes: challenge.work.hashes,
  });
  return { handshake: challenge.handshake, body: encode(maxTxPow, unit) };
}

/** A table of them. */
export const WRONG_ANSWERS: readonly WrongAnswer[] = [
  but("another challenge", (_, challenge) => ({
    challenge: { ...challenge, challenge: "0".repeat(64) },
  })),
  but("a challenge in upper case", (_, challenge) => ({
    challenge: { ...challenge, challenge: challenge.challenge.toUpperCase() },
  })),
  {
    what: "an old challenge",
    async make(scene) {
      const { clock } = scene.relay;
      const made = await answer(scene);
      clock.advance(HANDSHAKE_LIFETIME);
      return made;
    },
  },
  {
    what: "a challenge that was answered before",
    async make(scene) {
      const made = await answer(scene);
      const first = await sendAnswer(scene.relay, made.handshake, made.body);
      await first.body?.cancel();
      if (first.status !== 200) throw new Error("the first answer is right");
      return made;
    },
  },
  {
    what: "a new answer to a challenge that was answered before",
    async make(scene) {
      const { relay, alice: { key: signer } } = scene;
      const challenge = await askChallenge(relay, signer.publicKey);
      const { time } = relay.clock;
      const { handshake } = challenge;
      const first = await makeAnswer({ challenge, signer, time });
      const granted = await sendAnswer(relay, handshake, first);
      await granted.body?.cancel();
      const body = await makeAnswer({ challenge, signer, time });
      return { handshake, body };
    },
  },
  {
    what: "the challenge of another handshake of the same key",
    async make(scene) {
      const { handshake } = await askChallenge(
        scene.relay,
        scene.alice.key.publicKey,
      );
      return { handshake, body: (await answer(scene)).body };
    },
  },
  {
    what: "the challenge of another relay, sent under this relay's handshake",
    async make(scene) {
      const { relay, otherRelay, alice: { key } } = scene;
      const own = await askChallenge(relay, key.publicKey);
      const { challenge } = await askChallenge(otherRelay, key.publicKey);
      const { handshake } = own;
      const { body } = await answer(scene, {
        challenge: { ...own, challenge },
      });
      return { handshake, body };
    },
  },
  {
    what: "the challenge of another relay, sent under that relay's handshake",
    async make(scene) {
      const { relay, otherRelay, alice: { key } } = scene;
      const { relayKey } = await askChallenge(relay, key.publicKey);
      const challenge = {
        ...await askChallenge(otherRelay, key.publicKey),
        relayKey,
      };
      const { handshake } = challenge;
      return { handshake, body: (await answer(scene, { challenge })).body };
    },
  },
  {
    what: "a handshake that was never begun",
    async make(scene) {
      const { body } = await answer(scene);
      const later = scene.relay.clock.time + HANDSHAKE_LIFETIME;
      const id = later.toString(16).padStart(12, "0") + "0".repeat(56);
      return { handshake: id, body };
    },
  },
  {
    what: "a handshake whose end was put off",
    async make(scene) {
      const { handshake, body } = await answer(scene);
      return { handshake: `ffffffffffff${handshake.slice(12)}`, body };
    },
  },
  ...["0", "x", "0".repeat(68), "0".repeat(69), "%00", "..%2f..%2fhealth"].map((
    handshake,
  ) => ({
    what: `the handshake ${handshake}`,
    make: async (scene: Scene) => ({
      handshake,
      body: (await answer(scene)).body,
    }),
  })),
  but("another signer, who signs as himself", ({ mallory }) => ({
    signer: mallory.key,
  })),
  but("another signer, who signs as Alice", ({ alice, mallory }) => ({
    signer: mallory.key,
    from: alice.key.publicKey,
  })),
  but("a sender that is no key", () => ({ from: randomBytes(162) })),
  but("a message to another recipient, sealed to the relay", ({ mallory }) => ({
    innerTo: mallory.key.publicKey,
  })),
  but("a package to another recipient", ({ mallory }) => ({
    to: mallory.key.publicKey,
  })),
  but("a message that is sealed to another", ({ mallory }) => ({
    sealedTo: mallory.key.publicKey,
  })),
  but("a message that is sealed to another relay", ({ otherRelay }) => ({
    sealedTo: otherRelay.relay.keys.maxima.publicKey,
  })),
  {
    what: "noise in place of the sealed message",
    make: (scene) => sealedBytes(scene, () => randomBytes(860)),
  },
  {
    what: "nothing sealed at all",
    make: (scene) => sealedBytes(scene, () => new Uint8Array()),
  },
  {
    what: "a sealed message of noise",
    make: (scene) =>
      sealedBytes(scene, (relayKey) => encrypt(relayKey, randomBytes(700))),
  },
  {
    what: "a wrapped key of noise",
    make: (scene) =>
      sealedBytes(scene, () =>
        encode(cryptoPackage, {
          iv: randomBytes(16),
          wrappedKey: new Uint8Array([0, ...randomBytes(255)]),
          ciphertext: randomBytes(704),
        })),
  },
  {
    what: "a wrapped key that is larger than the modulus",
    make: (scene) =>
      sealedBytes(scene, () =>
        encode(cryptoPackage, {
          iv: randomBytes(16),
          wrappedKey: new Uint8Array(256).fill(255),
          ciphertext: randomBytes(704),
        })),
  },
  ...[0, 1, 128, 255, 257].map((length) => ({
    what: `a wrapped key of ${length} bytes`,
    make: (scene: Scene) =>
      sealedBytes(scene, () =>
        encode(cryptoPackage, {
          iv: randomBytes(16),
          wrappedKey: randomBytes(length),
          ciphertext: randomBytes(704),
        })),
  })),
  {
    what: "a ciphertext that is no whole number of blocks",
    make: (scene) =>
      sealedBytes(scene, () =>
        encode(cryptoPackage, {
          iv: randomBytes(15),
          wrappedKey: new Uint8Array([0, ...randomBytes(255)]),
          ciphertext: randomBytes(703),
        })),
  },
  {
    what: "an answer cut short",
    async make(scene) {
      const { handshake, body } = await answer(scene);
      return { handshake, body: body.slice(0, -1) };
    },
  },
  {
    what: "an answer with a byte behind it",
    async make(scene) {
      const { handshake, body } = await answer(scene);
      return { handshake, body: new Uint8Array([...body, 0]) };
    },
  },
  {
    what: "noise in place of the answer",
    make: async (scene) => ({
      handshake: (await answer(scene)).handshake,
      body: randomBytes(1_500),
    }),
  },
  {
    what: "an empty body",
    make: async (scene) => ({
      handshake: (await answer(scene)).handshake,
      body: new Uint8Array(),
    }),
  },
  but("no work", () => ({
    envelope: { accepts: (id) => !meets(id, MIN_WORK) },
  })),
  but("work for another message", () => ({
    envelope: { header: { customHash: randomBytes(32) } },
  })),
  but("work of over a day ago", ({ relay }) => ({
    envelope: { time: relay.clock.time - DAY - 1 },
  })),
  but("work of over two hours ahead", ({ relay }) => ({
    envelope: { time: relay.clock.time + 2 * HOUR + 1 },
  })),
  ...["", "maxsolo", "mns.handshake ", "MNS.HANDSHAKE"].map((application) =>
    but(`the application "${application}"`, () => ({ application }))
  ),
  ...[
    new Uint8Array(),
    new Uint8Array([0xff]),
    json(null),
    json([]),
    json("text"),
    json({}),
    json({ scopes: ["read"] }),
    new Uint8Array([...json({}), 0]),
  ].map((data) =>
    but(`the claim ${new TextDecoder().decode(data)}`, () => ({ data }))
  ),
  but("a claim without scopes", (_, { challenge }) => ({
    data: json({ challenge, url: ORIGIN }),
  })),
  but("a claim without a URL", (_, { challenge }) => ({
    data: json({ challenge, scopes: ["read"] }),
  })),
  but("a claim for a group's mailbox", (_, { challenge }) => ({
    data: json({
      challenge,
      url: ORIGIN,
      scopes: ["read"],
      mailbox: "0".repeat(64),
    }),
  })),
  but("another relay's URL", () => ({ url: "https://other.test" })),
  but("no scope but commit", () => ({ scopes: ["commit"] })),
  but("less work than was asked for", (_, { work: { hashes } }) => ({
    envelope: { hashes: hashes - 1 },
  })),
  but("no scope", () => ({ scopes: [] })),
  ...["write", "READ", "", "read ack", "__proto__", null, 1].map((scope) =>
    but(`the scope ${JSON.stringify(scope)}`, () => ({
      scopes: ["read", scope],
    }))
  ),
  ...["", "0".repeat(42), "0".repeat(44), "+".repeat(43), null, 1].map((jkt) =>
    but(`the thumbprint ${JSON.stringify(jkt)}`, () => ({ jkt }))
  ),
];
