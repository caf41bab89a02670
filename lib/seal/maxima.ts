/**
 * Suite *maxima*: sealing exactly as genuine Maxima nodes do (spec/maxima.md
 * 6.3, 6.4). AES-128-CBC under a fresh key, the key wrapped by RSA to the
 * recipient, and a signature by the sender inside.
 */
import { type Bytes, sameBytes } from "../bytes.ts";
import { type Codec, decodeLoosely, encode } from "../minima/codec.ts";
import { MAXIMA_VERSION } from "../minima/constants.ts";
import {
  applicationMessageId,
  cryptoPackage,
  type MaximaInternal,
  maximaInternal,
  type MaximaMessage,
  maximaMessage,
  type MaximaPackage,
} from "../minima/maxima.ts";
import { integer } from "../minima/mininumber.ts";
import { Problem } from "../problem.ts";
import { type RandomBytes, systemRandom } from "../random.ts";
import { parsePublicKey } from "./public_key.ts";
import type { UnwrappedKey } from "./pkcs1.ts";
import { type RsaPrivateKey, verifyRsa, wrap } from "./rsa.ts";

const AES_KEY_BYTES = 16;
const IV_BYTES = 16;
const RANDOM_BYTES = 32;

/** Why a sealed message could not be opened. */
export type OpenFailure =
  /** Not sealed for this key, damaged, or not a message. */
  | "not-decryptable"
  /** The signature is not the sender's. */
  | "bad-signature"
  /** The message names another sender than the one who signed. */
  | "wrong-sender";

/** A sealed message could not be opened, or is not what its sender wrote. */
export class OpenError extends Error {
  /** The class, for logs. */
  override name = "OpenError";
  /** Which failure it is. */
  readonly code: OpenFailure;

  /** Made where opening fails. */
  constructor(code: OpenFailure, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
  }
}

/** What has a private key, here or in a worker. */
export interface Unwrapper {
  /** The AES key in a wrapped key. */
  unwrap(wrapped: Bytes): UnwrappedKey | Promise<UnwrappedKey>;
}

/** A message to be sealed. */
export interface SealOptions {
  /** SubjectPublicKeyInfo DER of the recipient: an RSA key. */
  to: Bytes;
  /** The sender, who signs. */
  from: RsaPrivateKey;
  /** The Maxima application it is for. */
  application: string;
  /** What to send. */
  data: Bytes;
  /** Unix milliseconds. */
  time: number;
  /** Fixed in tests. */
  random?: RandomBytes;
}

/**
 * Seals a message into a package.
 *
 * @throws {Problem} `malformed` if `to` is not an RSA key
 */
export async function seal(options: SealOptions): Promise<MaximaPackage> {
  const { to, from, application, data, time, random = systemRandom } = options;
  const message = encode(maximaMessage, {
    random: random(RANDOM_BYTES),
    from: from.publicKey,
    to,
    time: integer(time),
    application,
    data,
  });
  const plaintext = encode(maximaInternal, {
    from: from.publicKey,
    data: message,
    signature: await from.sign(message),
  });
  return {
    version: MAXIMA_VERSION,
    to,
    data: await encrypt(to, plaintext, random),
  };
}

/** A serialised CryptoPackage of the plaintext. */
export async function encrypt(
  to: Bytes,
  plaintext: Bytes,
  random: RandomBytes = systemRandom,
): Promise<Bytes> {
  const recipient = parsePublicKey(to);
  if (recipient.kind !== "rsa") {
    throw new Problem("malformed", "suite maxima seals to RSA keys only");
  }
  const key = random(AES_KEY_BYTES);
  const iv = random(IV_BYTES);
  const aes = await crypto.subtle.importKey("raw", key, "AES-CBC", false, [
    "encrypt",
  ]);
  const ciphertext = await crypto.subtle.encrypt(
    { name: "AES-CBC", iv },
    aes,
    plaintext,
  );
  return encode(cryptoPackage, {
    iv,
    wrappedKey: wrap(recipient, key, random),
    ciphertext: new Uint8Array(ciphertext),
  });
}

/** A message that was opened, and whose sender signed it. */
export interface OpenedMessage extends MaximaMessage {
  /** The id that applications know it by, 32 bytes. */
  readonly id: Bytes;
}

/**
 * Opens what was sealed to the key, and checks who wrote it.
 *
 * @throws {OpenError}
 */
export async function open(
  sealed: MaximaPackage,
  key: Unwrapper,
): Promise<OpenedMessage> {
  const internal = await unseal(sealed, key);
  if (!await isSigned(internal)) {
    throw new OpenError("bad-signature", "the signature is not the sender's");
  }
  const message = readUnsigned(internal);
  return { ...message, id: applicationMessageId(internal.data) };
}

/**
 * What was sealed to the key, by whoever it may be: nothing in it is to be
 * believed before {@link isSigned}.
 *
 * @throws {OpenError} `not-decryptable`
 */
export async function unseal(
  sealed: MaximaPackage,
  key: Unwrapper,
): Promise<MaximaInternal> {
  return readPlaintext(maximaInternal, await decrypt(sealed.data, key));
}

/**
 * The message that is or is not signed, for a look at it before the signature
 * is worth its price.
 *
 * @throws {OpenError} `not-decryptable`, or `wrong-sender` if it names another
 * than the one who is said to have signed it
 */
export function readUnsigned(internal: MaximaInternal): MaximaMessage {
  const message = readPlaintext(maximaMessage, internal.data);
  if (sameBytes(message.from, internal.from)) return message;
  throw new OpenError("wrong-sender", "the message names another sender");
}

/** Reads as genuine nodes do: bytes behind a structure are not looked at. */
function readPlaintext<T>(codec: Codec<T>, bytes: Bytes): T {
  try {
    return decodeLoosely(codec, bytes).value;
  } catch (cause) {
    throw notDecryptable("what was sealed is not a message", cause);
  }
}

/** Whether the one who is named as its sender has signed it. */
export async function isSigned(
  { from, data, signature }: MaximaInternal,
): Promise<boolean> {
  try {
    return await verifyRsa(from, data, signature);
  } catch (error) {
    if (error instanceof Problem) return false; // no key has signed nothing
    throw error;
  }
}

/**
 * The plaintext of a serialised CryptoPackage. Nothing authenticates it.
 *
 * @throws {OpenError} `not-decryptable`
 */
export async function decrypt(
  sealed: Bytes,
  recipient: Unwrapper,
): Promise<Bytes> {
  const { iv, wrappedKey, ciphertext } = readPlaintext(cryptoPackage, sealed);
  const { key, valid } = await recipient.unwrap(wrappedKey);
  try {
    const aes = await crypto.subtle.importKey("raw", key, "AES-CBC", false, [
      "decrypt",
    ]);
    const plaintext = await crypto.subtle.decrypt(
      { name: "AES-CBC", iv },
      aes,
      ciphertext,
    );
    if (valid) return new Uint8Array(plaintext);
  } catch (cause) {
    throw notDecryptable("the ciphertext does not decrypt", cause);
  }
  throw notDecryptable("the key was not wrapped for this recipient");
}

function notDecryptable(detail: string, cause?: unknown): OpenError {
  return new OpenError("not-decryptable", detail, { cause });
}
