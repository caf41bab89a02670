/**
 * The handshake (DESIGN section 6): the relay gives a challenge, the owner of a
 * key sends it back in a Maxima message signed by that key.
 *
 * Nothing is stored until a handshake succeeds: the challenge is a MAC over the
 * handshake's id, which carries its own end, and the key it was given for.
 */
import { z } from "zod";
import { type Bytes, sameBytes } from "./bytes.ts";
import type { MaximaMessage } from "./minima/maxima.ts";
import { type RandomBytes, systemRandom } from "./random.ts";
import { type Scope, SCOPES } from "./token.ts";

/** The Maxima application of the message that answers a challenge. */
export const HANDSHAKE_APPLICATION = "mns.handshake";
/** Milliseconds that a challenge can be answered. */
export const HANDSHAKE_LIFETIME = 5 * 60_000;

/** A challenge, as it is handed out. */
export interface Challenge {
  /** 30 bytes in hex: when it ends, 16 random ones, and a tag over these. */
  readonly id: string;
  /** 32 bytes. */
  readonly challenge: Bytes;
  /** Unix milliseconds. */
  readonly expires: number;
}

/** What the owner asks for. */
export interface HandshakeClaim {
  /** What the token is to allow. */
  readonly scopes: readonly Scope[];
  /** Thumbprint of the client's DPoP key; null for a bearer token. */
  readonly jkt: string | null;
}

/** The data of the answering message: UTF-8 JSON. */
const answerForm = z.object({
  challenge: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.enum(SCOPES)).min(1),
  // A SHA-256 thumbprint in base64url.
  jkt: z.string().regex(/^[A-Za-z0-9_-]{43}$/).optional(),
});

const TIME_DIGITS = 12;
/** Hex digits of an id before its tag. */
const UNTAGGED_DIGITS = TIME_DIGITS + 32;
const TAG_DIGITS = 16;
const ID_FORM = /^[0-9a-f]{60}$/;

/** A challenge for the owner of a public key. */
export async function makeChallenge(
  secret: CryptoKey,
  publicKey: Bytes,
  now: number,
  random: RandomBytes = systemRandom,
): Promise<Challenge> {
  const expires = now + HANDSHAKE_LIFETIME;
  const untagged = expires.toString(16).padStart(TIME_DIGITS, "0") +
    random(16).toHex();
  const id = untagged + await tagOf(secret, untagged);
  return { id, challenge: await challengeFor(secret, id, publicKey), expires };
}

async function challengeFor(
  secret: CryptoKey,
  id: string,
  publicKey: Bytes,
): Promise<Bytes> {
  const covered = new Uint8Array([...Uint8Array.fromHex(id), ...publicKey]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", secret, covered));
}

/** What shows that an id is the relay's own. */
async function tagOf(secret: CryptoKey, untagged: string): Promise<string> {
  const mac = await crypto.subtle.sign(
    "HMAC",
    secret,
    Uint8Array.fromHex(untagged),
  );
  return new Uint8Array(mac).toHex().slice(0, TAG_DIGITS);
}

/**
 * When a handshake ends (Unix milliseconds), by its id; 0 if the relay never
 * gave that out.
 */
export async function handshakeExpiry(
  secret: CryptoKey,
  id: string,
): Promise<number> {
  if (!ID_FORM.test(id)) return 0;
  const untagged = id.slice(0, UNTAGGED_DIGITS);
  const isOwn = await tagOf(secret, untagged) === id.slice(UNTAGGED_DIGITS);
  return isOwn ? parseInt(id.slice(0, TIME_DIGITS), 16) : 0;
}

/** What an answer is checked against. */
export interface AnswerExpectation {
  /** The relay secret that challenges are made with. */
  readonly secret: CryptoKey;
  /** The handshake being answered. */
  readonly id: string;
  /** The relay's own key, which the message must be addressed to. */
  readonly relayKey: Bytes;
}

/**
 * What an opened message claims, if it answers the challenge: the right
 * application, written to this relay, with the challenge that this relay gave
 * to the key that signed it. Null otherwise.
 */
export async function readAnswer(
  message: MaximaMessage,
  expected: AnswerExpectation,
): Promise<HandshakeClaim | null> {
  // The signature does not cover the outer address (spec/maxima.md 13.7): what
  // was signed for another relay must not open a mailbox here.
  if (!sameBytes(message.to, expected.relayKey)) return null;
  if (message.application !== HANDSHAKE_APPLICATION) return null;
  const answer = answerForm.safeParse(parseJson(message.data));
  if (!answer.success || !ID_FORM.test(expected.id)) return null;
  const { challenge, scopes, jkt } = answer.data;
  const own = await challengeFor(expected.secret, expected.id, message.from);
  if (own.toHex() !== challenge) return null;
  return {
    scopes: SCOPES.filter((scope) => scopes.includes(scope)),
    jkt: jkt ?? null,
  };
}

function parseJson(data: Bytes): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(data));
  } catch {
    return null;
  }
}
