/** Maxima's structures, outermost first (spec/maxima.md 6.1). */
import type { Bytes } from "../bytes.ts";
import { byte, type Decoded, encode, struct } from "./codec.ts";
import { sha3_256 } from "../hash.ts";
import { list, miniData, miniString } from "./minidata.ts";
import { miniNumber } from "./mininumber.ts";
import { bytesOf } from "./received.ts";
import { txPow } from "./txpow.ts";

/** What a sender seals: to whom, and the sealed bytes. */
export const maximaPackage = struct({
  version: miniString, // "1.0"
  to: miniData, // SubjectPublicKeyInfo DER of the recipient's address
  data: miniData, // a serialised CryptoPackage
});

/** A sealed message and whom it is for. */
export type MaximaPackage = Decoded<typeof maximaPackage>;

/** The envelope: a package and the work done for it. */
export const maxTxPow = struct({
  version: miniString,
  package: maximaPackage,
  txPow,
});

/** A package with its work. */
export type MaxTxPow = Decoded<typeof maxTxPow>;

/** The sealed bytes of suite maxima. */
export const cryptoPackage = struct({
  iv: miniData, // 16 bytes
  wrappedKey: miniData, // as long as the RSA modulus
  ciphertext: miniData,
});

/** Plaintext of a CryptoPackage: the message, and who signed it. */
export const maximaInternal = struct({
  from: miniData, // SPKI DER of the sender's identity
  data: miniData, // a serialised MaximaMessage
  signature: miniData, // SHA256withRSA over data
});

/** The plaintext of a sealed message. */
export type MaximaInternal = Decoded<typeof maximaInternal>;

/** The message itself. */
export const maximaMessage = struct({
  random: miniData, // 32 bytes
  from: miniData,
  to: miniData,
  time: miniNumber, // ms since 1970
  application: miniString,
  data: miniData,
});

/** What an application hands over and gets. */
export type MaximaMessage = Decoded<typeof maximaMessage>;

/** A text about a failure. */
export const maximaErrorMsg = struct({ error: miniString });

/** What a client tells its host: 0 = a key it answers to, 1 = its MLS. */
export const maximaCtrlMessage = struct({ type: byte, data: miniData });

/** A question to a location service. */
export const mlsGetRequest = struct({
  publicKey: miniString, // text of the key asked for
  randomUid: miniString,
});

/** Its answer, unsigned. */
export const mlsGetResponse = struct({
  publicKey: miniString,
  address: miniString,
  randomUid: miniString,
});

/** What a user leaves at a location service. */
export const mlsSet = struct({
  address: miniString, // own contact address
  validPublicKeys: list(miniString), // who may ask for it
});

/** `H(serialised package)`: the commitment of the work, our message id. */
export function packageHash(value: MaximaPackage): Bytes {
  return sha3_256(bytesOf(maximaPackage, value));
}

/**
 * The id that applications see: `H(i32 length || serialised message)`, of the
 * bytes that were signed.
 */
export function applicationMessageId(serialised: Bytes): Bytes {
  return sha3_256(encode(miniData, serialised));
}
