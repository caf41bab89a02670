/** The handshake: a challenge, and a token for the one who answers it. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { completeHandshake } from "../kv/mail/mailboxes.ts";
import {
  type HandshakeClaim,
  handshakeExpiry,
  makeChallenge,
  readAnswer,
} from "../lib/handshake.ts";
import { mailboxIdOf } from "../lib/ids.ts";
import { decodeMaxTxPow } from "../lib/minima/maxtxpow.ts";
import { type Bytes, sameBytes } from "../lib/bytes.ts";
import { Problem } from "../lib/problem.ts";
import { open } from "../lib/seal/maxima.ts";
import { parsePublicKey } from "../lib/seal/public_key.ts";
import { issueToken, SCOPES } from "../lib/token.ts";
import { checkTime, checkWork, type WorkWindow } from "../lib/work/check.ts";
import { hexTarget, targetOf } from "../lib/work/target.ts";
import { MIN_HASHES } from "../lib/minima/constants.ts";
import { ENVELOPE_BODY, readEnvelope } from "./envelope_body.ts";
import { jsonBody } from "./json_body.ts";
import { problemResponses } from "./problem.ts";
import { contactAddress, type Relay } from "../relay/relay.ts";
import { SeenLog } from "../relay/seen_log.ts";
import { workForm } from "./work_form.ts";

const challengeForm = z.object({
  handshake: z.string().meta({ description: "Its id" }),
  relayKey: z.string().meta({
    description: "Hex SPKI of the RSA key to answer to",
  }),
  address: z.string(),
  challenge: z.string().meta({ description: "Hex, 32 bytes" }),
  work: workForm,
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
    ...problemResponses("malformed", "too-large", "unsupported-media-type"),
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

/** What a right answer proves. */
interface Proven extends HandshakeClaim {
  /** SubjectPublicKeyInfo DER of the mailbox key. */
  readonly publicKey: Bytes;
}

/**
 * Failures are answered at the next multiple of this many milliseconds since
 * all of the answer had arrived, so that how far it got does not show in its
 * time: what is done by then takes a small part of it.
 */
const FAILURE_TICK = 100;

/**
 * How far from the relay's clock the work of an answer may lie: it is for now,
 * so that what is remembered of answers need not be remembered for long.
 */
const ANSWER_WINDOW: WorkWindow = { back: 10 * 60_000, ahead: 10 * 60_000 };

/** Adds both routes. */
export async function addHandshakes(
  app: OpenAPIHono,
  relay: Relay,
): Promise<void> {
  const secret = await relay.keys.signing.secret("handshake challenge");
  const relayKey = relay.keys.maxima.publicKey;
  // Work is paid for every attempt: the same message is not opened twice.
  const attempts = new SeenLog(ANSWER_WINDOW.back + ANSWER_WINDOW.ahead);

  app.openapi(challengeRoute, async (c) => {
    const publicKey = Uint8Array.fromHex(c.req.valid("json").publicKey);
    parsePublicKey(publicKey);
    const { id, challenge, expires } = await makeChallenge(
      secret,
      publicKey,
      relay.now(),
    );
    c.header("Cache-Control", "no-store");
    return c.json({
      handshake: id,
      relayKey: relayKey.toHex(),
      address: contactAddress(relay),
      challenge: challenge.toHex(),
      work: { target: hexTarget(targetOf(MIN_HASHES)), hashes: MIN_HASHES },
      expires,
    }, 201);
  });

  app.openapi(answerRoute, async (c) => {
    const { handshake } = c.req.valid("param");
    const body = await readEnvelope(c, relay);
    const arrived = performance.now();
    const token = await grant(handshake, body);
    if (token === null) {
      await nextTick(arrived);
      throw new Problem("handshake-failed", "the handshake failed");
    }
    c.header("Cache-Control", "no-store");
    return c.json(token, 200);
  });

  async function grant(id: string, body: Bytes) {
    const now = relay.now();
    const expires = await handshakeExpiry(secret, id);
    if (expires <= now) return null;
    const proven = await proveKey(id, body, now);
    if (proven === null) return null;
    const { publicKey, scopes, jkt } = proven;
    const opened = await completeHandshake(relay.store, {
      id,
      expires,
      publicKey,
    }, now);
    if (opened === null) return null;
    const mailbox = mailboxIdOf(publicKey);
    const issued = await issueToken(relay.keys.signing, {
      mailbox,
      scopes,
      jkt,
    }, now);
    return {
      ...issued,
      tokenType: jkt === null ? "Bearer" as const : "DPoP" as const,
      scopes: [...scopes],
      mailbox: { id: mailbox, created: opened.created },
    };
  }

  /** Every way to fail looks the same from here on: null. */
  async function proveKey(
    id: string,
    body: Bytes,
    now: number,
  ): Promise<Proven | null> {
    try {
      const unit = decodeMaxTxPow(body, relay.limits);
      const { messageId } = checkWork(unit);
      checkTime(unit.txPow.header, now, ANSWER_WINDOW);
      if (!sameBytes(unit.package.to, relayKey)) return null;
      if (!attempts.note(messageId, now)) return null;
      const message = await open(unit.package, relay.keys.maxima);
      const claim = await readAnswer(message, { secret, id, relayKey });
      return claim === null ? null : { ...claim, publicKey: message.from };
    } catch {
      return null;
    }
  }
}

function nextTick(arrived: number): Promise<void> {
  const passed = performance.now() - arrived;
  const wait = FAILURE_TICK - passed % FAILURE_TICK;
  return new Promise((resolve) => setTimeout(resolve, wait));
}
