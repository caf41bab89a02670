/** Messages of Bob to Alice, sealed by seal() or part by part. */
import type { Bytes } from "../../../lib/bytes.ts";
import { encode } from "../../../lib/minima/codec.ts";
import {
  maximaInternal,
  type MaximaMessage,
  type MaximaPackage,
} from "../../../lib/minima/maxima.ts";
import { integer } from "../../../lib/minima/mininumber.ts";
import { encrypt } from "../../../lib/seal/maxima.ts";
import { seededRandom } from "../randomness.ts";
import { ALICE, BOB } from "./keys.ts";

/** When they are sent: Unix milliseconds. */
export const TIME = 1_790_000_000_123;

/** UTF-8. */
export function text(value: string): Bytes {
  return new TextEncoder().encode(value);
}

/** Bob's message to Alice, sealed the same way at every run. */
export const OPTIONS = {
  to: ALICE.publicKey,
  from: BOB,
  application: "chat",
  data: text("the eagle has landed"),
  time: TIME,
};

/** What Bob writes to Alice where it is not seal() that writes it. */
export const MESSAGE: MaximaMessage = {
  random: new Uint8Array(32).fill(0x52),
  from: BOB.publicKey,
  to: ALICE.publicKey,
  time: integer(TIME),
  application: "chat",
  data: text("by hand"),
};

/** Sealed to Alice, whatever it is. */
export async function sealed(plaintext: Bytes): Promise<MaximaPackage> {
  return {
    version: "1.0",
    to: ALICE.publicKey,
    data: await encrypt(ALICE.publicKey, plaintext, seededRandom("sealed")),
  };
}

/** The plaintext for some bytes as the message, signed by Bob. */
export async function signedByBob(
  data: Bytes,
  from: Bytes = BOB.publicKey,
): Promise<Bytes> {
  return encode(maximaInternal, {
    from,
    data,
    signature: await BOB.sign(data),
  });
}
