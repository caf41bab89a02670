/** The handshake. */
import { makeIdentity } from "../../client/identity.ts";
import {
  type Cases,
  postJson,
  TOO_LARGE,
  type World,
} from "./contract_world.ts";
import { randomBytes } from "./envelopes.ts";
import { askChallenge, makeAnswer, sendAnswer } from "./handshake_answer.ts";

/** What is asked, and what is answered. */
export const HANDSHAKE_CASES: Cases = {
  "POST /v1/handshakes": [
    {
      when: "the key is one",
      ask: ({ relay, owner: { publicKey } }) =>
        postJson(relay, "/v1/handshakes", { publicKey: publicKey.toHex() }),
      then: "201",
    },
    {
      when: "the key is none",
      ask: ({ relay }) =>
        postJson(relay, "/v1/handshakes", { publicKey: "00" }),
      then: "400 malformed",
    },
    {
      when: "the store fails",
      ask: ({ broken, owner: { publicKey } }) =>
        postJson(broken, "/v1/handshakes", { publicKey: publicKey.toHex() }),
      then: "503 busy",
    },
    {
      when: "the body is over the limit",
      ask: ({ relay }) =>
        postJson(relay, "/v1/handshakes", { publicKey: "00".repeat(9_000) }),
      then: "413 too-large",
    },
    {
      when: "the body says it is text",
      ask: ({ relay }) => postJson(relay, "/v1/handshakes", {}, {}),
      then: "415 unsupported-media-type",
    },
  ],
  "POST /v1/handshakes/{handshake}": [
    {
      when: "the answer is right",
      async ask(world) {
        const { handshake, answer } = await rightAnswer(world);
        return await sendAnswer(world.relay, handshake, answer);
      },
      then: "200",
    },
    {
      when: "the answer is wrong",
      ask: ({ relay }) => sendAnswer(relay, "0", randomBytes(100)),
      then: "401 handshake-failed",
    },
    {
      when: "the body is over the limit",
      ask: ({ relay }) => sendAnswer(relay, "0", TOO_LARGE),
      then: "413 too-large",
    },
    {
      when: "the body says nothing of its type",
      ask: ({ relay }) =>
        relay.fetch("/v1/handshakes/0", {
          method: "POST",
          body: randomBytes(100),
        }),
      then: "415 unsupported-media-type",
    },
    {
      when: "the store fails",
      async ask(world) {
        const { handshake, answer } = await rightAnswer(world);
        return await sendAnswer(world.broken, handshake, answer);
      },
      then: "503 busy",
    },
  ],
};

/** A right answer to a challenge of the working relay. */
async function rightAnswer({ relay }: World) {
  const { key: signer } = await makeIdentity(1024);
  const challenge = await askChallenge(relay, signer.publicKey);
  const { time } = relay.clock;
  const answer = await makeAnswer({ challenge, signer, time });
  return { handshake: challenge.handshake, answer };
}
