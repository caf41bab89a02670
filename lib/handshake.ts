/**
 * The handshake (DESIGN section 6): the relay gives a challenge, the owner of a
 * key sends it back in a Maxima message signed by that key.
 *
 * Nothing is stored until a handshake succeeds: the challenge is a MAC over the
 * handshake's id, which carries its own end and its own price, and the key it
 * was given for. The answer also names the URL that its sender talks to, so that
 * one relay cannot hand on another's challenge and log in there.
 */
import { z } from "zod";
import { type Bytes, sameBytes } from "./bytes.ts";
import type { MaximaMessage } from "./minima/maxima.ts";
import { type RandomBytes, systemRandom } from "./random.ts";
import { OWNER_SCOPES, type Scope, SCOPES } from "./token.ts";

/** The Maxima application of the message that answers a challenge. */
export const HANDSHAKE_APPLICATION = "mns.handshake";
/** Milliseconds that a challenge can be answered. */
export const HANDSHAKE_LIFETIME = 5 * 60_000;

/** Most hashes that an answer is asked for: clients refuse to do more. */
export const MAX_HANDSHAKE_HASHES = 1_000_000;

/** What a handshake's id says of itself. */
export interface HandshakeTerms {
  /** Unix milliseconds. */
  readonly expires: number;
  /** Expected hashes that the work of its answer commits to, at least. */
  readonly hashes: number;
}

/** A challenge, as it is handed out. */
export interface Challenge extends HandshakeTerms {
  /** 34 bytes in hex: end, work, 16 random ones, and a tag over these. */
  readonly id: string;
  /** 32 bytes. */
  readonly challenge: Bytes;
}

/** Whom a challenge is for, and what it asks. */
export interface ChallengeOptions {
  /** SubjectPublicKeyInfo DER. */
  readonly publicKey: Bytes;
  /** Expected hashes of the answer's work, below 2^32. */
  readonly hashes: number;
  /** Unix milliseconds. */
  readonly now: number;
  /** Fixed in tests. */
  readonly random?: RandomBytes;
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
  // The origin that the client was told to talk to.
  url: z.string(),
  // For groups, which there are none of yet: not to be taken for the owner's.
  mailbox: z.undefined().optional(),
  scopes: z.array(z.enum(SCOPES)).min(1),
  // A SHA-256 thumbprint in base64url.
  jkt: z.string().regex(/^[A-Za-z0-9_-]{43}$/).optional(),
});

const TIME_DIGITS = 12;
const HASHES_DIGITS = 8;
const TERMS_DIGITS = TIME_DIGITS + HASHES_DIGITS;
/** Hex digits of an id before its tag. */
const UNTAGGED_DIGITS = TERMS_DIGITS + 32;
const TAG_DIGITS = 16;
/** The form of a handshake's id: 34 bytes in hex. */
export const HANDSHAKE_ID_FORM = /^[0-9a-f]{68}$/;

/** A challenge for the owner of a public key. */
export async function makeChallenge(
  secret: CryptoKey,
  { publicKey, hashes, now, random = systemRandom }: ChallengeOptions,
): Promise<Challenge> {
  const expires = now + HANDSHAKE_LIFETIME;
  const untagged = expires.toString(16).padStart(TIME_DIGITS, "0") +
    hashes.toString(16).padStart(HASHES_DIGITS, "0") + random(16).toHex();
  const id = untagged + await tagOf(secret, untagged);
  const challenge = await challengeFor(secret, id, publicKey);
  return { id, challenge, expires, hashes };
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

/** What the id of a handshake says; null if the relay never gave that out. */
export async function readHandshakeId(
  secret: CryptoKey,
  id: string,
): Promise<HandshakeTerms | null> {
  if (!HANDSHAKE_ID_FORM.test(id)) return null;
  const untagged = id.slice(0, UNTAGGED_DIGITS);
  const isOwn = await tagOf(secret, untagged) === id.slice(UNTAGGED_DIGITS);
  if (!isOwn) return null;
  return {
    expires: parseInt(id.slice(0, TIME_DIGITS), 16),
    hashes: parseInt(id.slice(TIME_DIGITS, TERMS_DIGITS), 16),
  };
}

/** What an answer is checked against. */
export interface AnswerExpectation {
  /** The relay secret that challenges are made with. */
  readonly secret: CryptoKey;
  /** The handshake being answered. */
  readonly id: string;
  /** The relay's own key, which the message must be addressed to. */
  readonly relayKey: Bytes;
  /** The relay's own origins, one of which the answer must name. */
  readonly origins: readonly string[];
}

/**
 * What an opened message claims, if it answers the challenge: the right
 * application, written to this relay by both its names, with the challenge that
 * this relay gave to the key that is said to have signed it. Null otherwise.
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
  if (!answer.success || !HANDSHAKE_ID_FORM.test(expected.id)) return null;
  const { challenge, url, scopes, jkt } = answer.data;
  if (!expected.origins.includes(url)) return null;
  const own = await challengeFor(expected.secret, expected.id, message.from);
  if (own.toHex() !== challenge) return null;
  const granted = OWNER_SCOPES.filter((scope) => scopes.includes(scope));
  return granted.length === 0 ? null : { scopes: granted, jkt: jkt ?? null };
}

function parseJson(data: Bytes): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(data));
  } catch {
    return null;
  }
}
