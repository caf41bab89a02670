/** What is sealed in an envelope, the way the vectors tell of it. */
import assert from "node:assert/strict";
import { type Bytes, sameBytes } from "../../../lib/bytes.ts";
import { sha3_256 } from "../../../lib/hash.ts";
import {
  DecodeError,
  decodeLoosely,
  encode,
} from "../../../lib/minima/codec.ts";
import {
  maximaInternal,
  type MaximaMessage,
  maximaMessage,
  type MaximaPackage,
  maxTxPow,
} from "../../../lib/minima/maxima.ts";
import { hexText, miniData } from "../../../lib/minima/minidata.ts";
import { miniNumberText } from "../../../lib/minima/mininumber.ts";
import {
  decrypt,
  open,
  type OpenedMessage,
  OpenError,
  type OpenFailure,
} from "../../../lib/seal/maxima.ts";
import { parsePublicKey } from "../../../lib/seal/public_key.ts";
import {
  importRsaKey,
  type RsaPrivateKey,
  verifyRsa,
} from "../../../lib/seal/rsa.ts";
import { vectors } from "../../vectors/mod.ts";
import type { DecryptedRecord, EnvelopeVector } from "./vector_facts.ts";

/** Fails unless an envelope's message is what the vector says it is. */
export async function assertSealed(vector: EnvelopeVector): Promise<void> {
  if (!vector.parsed) return assertNothingSealed(vector);
  const { recipientKey, decrypted } = vector;
  if (recipientKey === undefined || decrypted === undefined) {
    return assert.deepEqual([recipientKey, decrypted], [undefined, undefined]);
  }
  const key = await recipientOf(recipientKey);
  const sealed = packageOf(vector);
  const opened = open(sealed, key);
  const failure = failureOf(decrypted);
  if (failure === null) {
    assert.equal(
      (await opened).application,
      decrypted.message?.application,
    );
  } else {
    await assert.rejects(opened, (error) => {
      assert.ok(error instanceof OpenError, `${error} is no OpenError`);
      assert.equal(error.code, failure, error.message);
      return true;
    });
  }
  if (!decrypted.ok) {
    await assert.rejects(decrypt(sealed.data, key), {
      code: "not-decryptable",
    });
    return;
  }
  const plaintext = await decrypt(sealed.data, key);
  // Java's names of its exceptions are not ours to tell.
  const { signatureError: _, error: __, ...told } = {
    signatureError: undefined,
    error: undefined,
    ...decrypted,
  };
  assert.deepEqual(await recordOf(plaintext, sealed), told);
  assert.equal("message" in told, decrypted.error === undefined);
}

/** The message of an envelope that opens; null for the others. */
export async function openVector(
  vector: EnvelopeVector,
): Promise<OpenedMessage | null> {
  if (!vector.parsed || vector.recipientKey === undefined) return null;
  const { recipientKey, decrypted = { ok: false } } = vector;
  if (failureOf(decrypted) !== null) return null;
  return await open(packageOf(vector), await recipientOf(recipientKey));
}

function recipientOf(name: string): Promise<RsaPrivateKey> {
  const pair = vectors("maxima").keys?.[name];
  assert.ok(pair !== undefined, `no key "${name}"`);
  return importRsaKey(Uint8Array.fromHex(pair.privateKey));
}

function packageOf({ raw }: EnvelopeVector): MaximaPackage {
  return decodeLoosely(maxTxPow, Uint8Array.fromHex(raw)).value.package;
}

function assertNothingSealed(vector: EnvelopeVector): void {
  assert.ok(!("decrypted" in vector));
  const raw = Uint8Array.fromHex(vector.raw);
  assert.throws(() => decodeLoosely(maxTxPow, raw), DecodeError);
}

/** The first thing that opening finds wrong, in the order of section 8.1. */
function failureOf(decrypted: DecryptedRecord): OpenFailure | null {
  if (!decrypted.ok) return "not-decryptable";
  if (decrypted.signatureValid !== true) return "bad-signature";
  if (decrypted.message === undefined) return "not-decryptable";
  return decrypted.fromMatches ? null : "wrong-sender";
}

async function recordOf(
  plaintext: Bytes,
  sealed: MaximaPackage,
): Promise<Record<string, unknown>> {
  const { from, data, signature } =
    decodeLoosely(maximaInternal, plaintext).value;
  const record = {
    ok: true,
    plaintext: plaintext.toHex(),
    internal: {
      from: hexText(from),
      data: hexText(data),
      signature: hexText(signature),
    },
    signatureValid: await isSigned(from, data, signature),
  };
  const message = readMessage(data);
  if (message === null) return record;
  return {
    ...record,
    message: {
      random: hexText(message.random),
      from: hexText(message.from),
      to: hexText(message.to),
      timeMilli: miniNumberText(message.time),
      application: message.application,
      data: hexText(message.data),
    },
    fromMatches: sameBytes(message.from, from),
    toMatchesPackage: sameBytes(message.to, sealed.to),
    msgid: hexText(sha3_256(encode(miniData, data))),
  };
}

function readMessage(data: Bytes): MaximaMessage | null {
  try {
    return decodeLoosely(maximaMessage, data).value;
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}

async function isSigned(
  from: Bytes,
  data: Bytes,
  signature: Bytes,
): Promise<boolean> {
  try {
    parsePublicKey(from);
  } catch {
    return false;
  }
  return await verifyRsa(from, data, signature);
}
