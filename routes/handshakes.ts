/** The handshake: a challenge, and a token for the one who answers it. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { MAX_HANDSHAKE_HASHES } from "../lib/handshake.ts";
import { Problem } from "../lib/problem.ts";
import { SCOPES } from "../lib/token.ts";
import { hexTarget, targetOf } from "../lib/work/target.ts";
import {
  ANSWER_LIMITS,
  type HandshakeOptions,
  Handshakes,
} from "../relay/handshake.ts";
import { contactAddress, type Relay } from "../relay/relay.ts";
import { type Asked, askedOf } from "./asked.ts";
import { ENVELOPE_BODY, readEnvelope } from "./envelope_body.ts";
import type { HotRoute, JsonAnswer } from "./hot_routes.ts";
import { jsonBody } from "./json_body.ts";
import { problemResponses } from "./problem.ts";
import { workForm } from "./work_form.ts";

const challengeForm = z.object({
  handshake: z.string().meta({ description: "Its id" }),
  relayKey: z.string().meta({
    description: "Hex SPKI of the RSA key to answer to",
  }),
  address: z.string(),
  challenge: z.string().meta({ description: "Hex, 32 bytes" }),
  work: workForm.meta({
    description:
      `What the answer's work is to commit to: more where it opens a mailbox, and while many answer; at most ${MAX_HANDSHAKE_HASHES} hashes`,
  }),
  expires: z.int().meta({ description: "Unix milliseconds" }),
}).openapi("Handshake");

const challengeRoute = createRoute({
  method: "post",
  path: "/v1/handshakes",
  tags: ["Handshake"],
  summary: "Ask for a challenge",
  middleware: jsonBody,
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({
            publicKey: z.string().regex(/^([0-9a-f]{2})+$/).max(8_192)
              .meta({ description: "Hex SPKI of the mailbox key" }),
          }).openapi("HandshakeRequest"),
        },
      },
    },
  },
  responses: {
    201: {
      description: "The challenge",
      content: { "application/json": { schema: challengeForm } },
    },
    ...problemResponses(
      "malformed",
      "too-large",
      "unsupported-media-type",
      "busy",
    ),
  },
});

const tokenForm = z.object({
  token: z.string().meta({ description: "JWT" }),
  tokenType: z.enum(["DPoP", "Bearer"]),
  expires: z.int().meta({ description: "Unix milliseconds" }),
  scopes: z.array(z.enum(SCOPES)),
  mailbox: z.object({ id: z.string(), created: z.boolean() }),
}).openapi("Token");

const answerRoute = createRoute({
  method: "post",
  path: "/v1/handshakes/{handshake}",
  tags: ["Handshake"],
  summary: "Answer a challenge; opens the mailbox if there is none",
  description:
    "A MaxTxPoW to the relay's key with a Maxima message of application " +
    "`mns.handshake`, whose data is JSON: `challenge`, `url` (the origin that " +
    "the client was told to talk to, which must be the relay's own), `scopes`, " +
    "and `jkt`, the thumbprint of the client's DPoP key. Signed by the mailbox " +
    "key; RSA of at most 4,096 bits.",
  request: { params: z.object({ handshake: z.string() }), body: ENVELOPE_BODY },
  responses: {
    200: {
      description: "A token",
      content: { "application/json": { schema: tokenForm } },
    },
    ...problemResponses(
      "handshake-failed",
      "too-large",
      "unsupported-media-type",
      "busy",
    ),
  },
});

/** Adds both routes, and gives the shortest way to answers. */
export async function addHandshakes(
  app: OpenAPIHono,
  relay: Relay,
  options: HandshakeOptions = {},
): Promise<HotRoute> {
  const handshakes = await Handshakes.open(relay, options);

  app.openapi(challengeRoute, async (c) => {
    const publicKey = Uint8Array.fromHex(c.req.valid("json").publicKey);
    const { id, challenge, expires, hashes } = await handshakes.ask(publicKey);
    relay.meters.shook("asked");
    c.header("Cache-Control", "no-store");
    return c.json({
      handshake: id,
      relayKey: relay.keys.maxima.publicKey.toHex(),
      address: contactAddress(relay),
      challenge: challenge.toHex(),
      work: { target: hexTarget(targetOf(hashes)), hashes },
      expires,
    }, 201);
  });

  app.openapi(answerRoute, async (c) => {
    const { handshake } = c.req.valid("param");
    const { body, status, headers } = await answer(askedOf(c), handshake);
    return c.json(body, status, headers);
  });
  return {
    path: "/v1/handshakes/:handshake",
    isUnpaid: true,
    match(path, query) {
      const [, handshake] = query === "" ? PLAIN_PATH.exec(path) ?? [] : [];
      return handshake === undefined
        ? null
        : (asked) => answer(asked, handshake);
    },
  };

  async function answer(
    asked: Asked,
    handshake: string,
  ): Promise<JsonAnswer<200, z.infer<typeof tokenForm>>> {
    const body = await readEnvelope(asked, ANSWER_LIMITS);
    const { scopes, ...granted } = await handshakes.answer(handshake, body)
      .catch((error) => {
        const hasFailed = error instanceof Problem &&
          error.code === "handshake-failed";
        if (hasFailed) relay.meters.shook("failed");
        throw error;
      });
    relay.meters.shook("answered");
    return {
      status: 200,
      headers: { "Cache-Control": "no-store" },
      body: { ...granted, scopes: [...scopes] },
    };
  }
}

/** Where answers go, with an id that is not encoded. */
const PLAIN_PATH = /^\/v1\/handshakes\/([\w.-]{1,200})$/;
