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
  maximaInternal,
  type MaximaMessage,
  maximaMessage,
  type MaximaPackage,
} from "../minima/maxima.ts";
import { integer } from "../minima/mininumber.ts";
import { Problem } from "../problem.ts";
import { type RandomBytes, systemRandom } from "../random.ts";
import { parsePublicKey } from "./public_key.ts";
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
  key: RsaPrivateKey,
): Promise<OpenedMessage> {
  const plaintext = await decrypt(sealed.data, key);
  const internal = readPlaintext(maximaInternal, plaintext);
  if (!await isSigned(internal.from, internal.data, internal.signature)) {
    throw new OpenError("bad-signature", "the signature is not the sender's");
  }
  const message = readPlaintext(maximaMessage, internal.data);
  if (!sameBytes(message.from, internal.from)) {
    throw new OpenError("wrong-sender", "the message names another sender");
  }
  return { ...message, id: applicationMessageId(internal.data) };
}

/** Reads as genuine nodes do: bytes behind a structure are not looked at. */
function readPlaintext<T>(codec: Codec<T>, bytes: Bytes): T {
  try {
    return decodeLoosely(codec, bytes).value;
  } catch (cause) {
    throw notDecryptable("what was sealed is not a message", cause);
  }
}

async function isSigned(
  spki: Bytes,
  message: Bytes,
  signature: Bytes,
): Promise<boolean> {
  try {
    return await verifyRsa(spki, message, signature);
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
  recipient: RsaPrivateKey,
): Promise<Bytes> {
  const { iv, wrappedKey, ciphertext } = readPlaintext(cryptoPackage, sealed);
  const { key, valid } = recipient.unwrap(wrappedKey);
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
