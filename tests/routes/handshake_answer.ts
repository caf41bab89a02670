/** Both steps of the handshake, with any part of the answer made wrong. */
import assert from "node:assert/strict";
import { HANDSHAKE_APPLICATION } from "../../lib/handshake.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { encode } from "../../lib/minima/codec.ts";
import { MAXIMA_VERSION } from "../../lib/minima/constants.ts";
import {
  maximaInternal,
  maximaMessage,
  type MaximaPackage,
  maxTxPow,
} from "../../lib/minima/maxima.ts";
import { integer } from "../../lib/minima/mininumber.ts";
import { encrypt } from "../../lib/seal/maxima.ts";
import type { RsaPrivateKey } from "../../lib/seal/rsa.ts";
import { type EnvelopeParts, makeEnvelope, randomBytes } from "./envelopes.ts";
import { ORIGIN, type TestRelay } from "./relay_fixture.ts";

/** What a relay answers to the first call. */
export interface Challenge {
  readonly handshake: string;
  readonly relayKey: string;
  readonly address: string;
  readonly challenge: string;
  readonly work: { readonly target: string; readonly hashes: number };
  readonly expires: number;
}

/** What it answers to the second. */
export interface Granted {
  readonly token: string;
  readonly tokenType: string;
  readonly expires: number;
  readonly scopes: readonly string[];
  readonly mailbox: { readonly id: string; readonly created: boolean };
}

/** Asks for a challenge for a key. */
export async function askChallenge(
  relay: TestRelay,
  publicKey: Bytes,
): Promise<Challenge> {
  const response = await relay.fetch("/v1/handshakes", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ publicKey: publicKey.toHex() }),
  });
  assert.equal(response.status, 201);
  return await response.json();
}

/** Gives an answer. */
export function sendAnswer(
  relay: TestRelay,
  handshake: string,
  body: Bytes,
): Promise<Response> {
  return relay.fetch(`/v1/handshakes/${handshake}`, {
    method: "POST",
    headers: { "Content-Type": "application/vnd.minima.maxtxpow" },
    body,
  });
}

/** An answer; everything that is not given is as it should be. */
export interface AnswerParts {
  readonly challenge: Challenge;
  /** The key that signs. */
  readonly signer: RsaPrivateKey;
  readonly time: number;
  readonly scopes?: readonly unknown[];
  /** The origin that is named as the relay's; its own, if not given. */
  readonly url?: unknown;
  readonly jkt?: unknown;
  /** The message's data, in place of a claim. */
  readonly data?: Bytes;
  readonly application?: string;
  /** The sender that the message names. */
  readonly from?: Bytes;
  /** The recipient that the message names. */
  readonly innerTo?: Bytes;
  /** The recipient that the package names. */
  readonly to?: Bytes;
  /** The key that the message is encrypted to. */
  readonly sealedTo?: Bytes;
  /** The sealed bytes, in place of what is sealed. */
  readonly sealed?: Bytes;
  /** What is unusual about the envelope. */
  readonly envelope?: Partial<EnvelopeParts>;
}

/** The package of an answer. */
export async function sealAnswer(parts: AnswerParts): Promise<MaximaPackage> {
  const { challenge, signer, time, application, scopes, jkt } = parts;
  const relayKey = Uint8Array.fromHex(challenge.relayKey);
  const claim = {
    challenge: challenge.challenge,
    url: "url" in parts ? parts.url : ORIGIN,
    scopes: scopes ?? ["read", "ack"],
    ...(jkt !== undefined && { jkt }),
  };
  const message = encode(maximaMessage, {
    random: randomBytes(32),
    from: parts.from ?? signer.publicKey,
    to: parts.innerTo ?? relayKey,
    time: integer(time),
    application: application ?? HANDSHAKE_APPLICATION,
    data: parts.data ?? new TextEncoder().encode(JSON.stringify(claim)),
  });
  const internal = encode(maximaInternal, {
    from: parts.from ?? signer.publicKey,
    data: message,
    signature: await signer.sign(message),
  });
  return {
    version: MAXIMA_VERSION,
    to: parts.to ?? relayKey,
    data: parts.sealed ??
      await encrypt(parts.sealedTo ?? relayKey, internal),
  };
}

/** The bytes of a mined answer. */
export async function makeAnswer(parts: AnswerParts): Promise<Bytes> {
  const { time, envelope, challenge: { work: { hashes } } } = parts;
  return encode(
    maxTxPow,
    makeEnvelope({
      package: await sealAnswer(parts),
      time,
      hashes,
      ...envelope,
    }),
  );
}

/** The whole handshake, which is expected to succeed. */
export async function shakeHands(
  relay: TestRelay,
  signer: RsaPrivateKey,
  parts: Partial<AnswerParts> = {},
): Promise<Granted> {
  const challenge = await askChallenge(relay, signer.publicKey);
  const { time } = relay.clock;
  const answer = await makeAnswer({ challenge, signer, time, ...parts });
  const response = await sendAnswer(relay, challenge.handshake, answer);
  assert.equal(response.status, 200, await response.clone().text());
  return await response.json();
}
