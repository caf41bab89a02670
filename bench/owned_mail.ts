/** Mail for a mailbox, and leave to read it, made before anything is timed. */
import { mineEnvelope } from "../client/envelope.ts";
import type { Identity } from "../client/mod.ts";
import type { Bytes } from "../lib/bytes.ts";
import { MIN_HASHES } from "../lib/minima/constants.ts";
import { systemRandom } from "../lib/random.ts";
import { seal } from "../lib/seal/maxima.ts";
import { importSigningKey } from "../lib/signing_key.ts";
import { issueToken } from "../lib/token.ts";
import { targetOf } from "../lib/work/target.ts";

/** A bearer token: a proof for each request would be the client's work. */
export async function tokenOf(
  owner: Identity,
  signingKey: Bytes,
): Promise<string> {
  const key = await importSigningKey(signingKey);
  const { mailbox } = owner;
  const grant = { mailbox, scopes: ["read" as const], jkt: null };
  return (await issueToken(key, grant, Date.now())).token;
}

/** So many messages, each of so many bytes before it is sealed. */
export async function mineEnvelopes(
  owner: Identity,
  count: number,
  bytes: number,
): Promise<Bytes[]> {
  const envelopes: Bytes[] = [];
  while (envelopes.length < count) {
    const sealed = await seal({
      to: owner.key.publicKey,
      from: owner.key,
      application: "bench",
      data: systemRandom(bytes),
      time: Date.now(),
    });
    envelopes.push(
      await mineEnvelope(sealed, { target: targetOf(MIN_HASHES) }),
    );
  }
  return envelopes;
}

/** Posts a message that is to be stored; gives the answer. */
export async function postEnvelope(url: string, body: Bytes): Promise<string> {
  const response = await fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "Content-Type": "application/vnd.minima.maxtxpow" },
    body,
  });
  const answer = await response.text();
  if (response.status === 201) return answer;
  throw new Error(`a post was answered ${response.status}: ${answer}`);
}
