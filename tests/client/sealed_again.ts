/** Letters as others pass them on: signed by one, sealed again by another. */
import type { Identity } from "../../client/mod.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { encode } from "../../lib/minima/codec.ts";
import {
  maximaInternal,
  maximaMessage,
  maxTxPow,
} from "../../lib/minima/maxima.ts";
import { integer } from "../../lib/minima/mininumber.ts";
import { encrypt } from "../../lib/seal/maxima.ts";
import { makeEnvelope, makePackage, randomBytes } from "../routes/envelopes.ts";

/** What somebody signed to somebody: the bytes that are sealed. */
export async function signedLetter(
  from: Identity,
  to: Bytes,
  text: string,
): Promise<Bytes> {
  const data = encode(maximaMessage, {
    random: randomBytes(32),
    from: from.key.publicKey,
    to,
    time: integer(Date.now()),
    application: "test",
    data: new TextEncoder().encode(text),
  });
  return encode(maximaInternal, {
    from: from.key.publicKey,
    data,
    signature: await from.key.sign(data),
  });
}

/** An envelope to a reader with a signed letter in it, whoever it was for. */
export async function sealedTo(
  reader: Identity,
  letter: Bytes,
): Promise<Bytes> {
  const to = reader.key.publicKey;
  const sealed = makePackage(to, await encrypt(to, letter));
  return encode(
    maxTxPow,
    makeEnvelope({ package: sealed, time: Date.now() }),
  );
}
