/** Sending: seal, mine, post. */
import type { Bytes } from "../lib/bytes.ts";
import { encode } from "../lib/minima/codec.ts";
import { mailboxIdOf } from "../lib/ids.ts";
import { MAX_PACKAGE_BYTES } from "../lib/minima/constants.ts";
import { maximaPackage } from "../lib/minima/maxima.ts";
import { seal } from "../lib/seal/maxima.ts";
import { mineEnvelope, type WorkOptions } from "./envelope.ts";
import { ClientError } from "./error.ts";
import type { Identity } from "./identity.ts";
import type { Quote, Relay, StoredMessage } from "./relay.ts";

/** A message, and how it is to be sent. */
export interface SendOptions extends Omit<WorkOptions, "target"> {
  /** Where to post it. */
  readonly relay: Relay;
  /** Who signs it. */
  readonly from: Identity;
  /** SubjectPublicKeyInfo DER of the recipient. */
  readonly to: Bytes;
  /** The Maxima application it is for. */
  readonly application: string;
  /** What to send. */
  readonly data: Bytes;
  /** Seconds that the relay is to hold it. */
  readonly hold: number;
  /** Told what the relay asks for, before it is mined. */
  readonly onQuote?: ((quote: Quote) => void) | undefined;
  /** Told how many bytes of how many are sent. */
  readonly onUpload?: ((sent: number, total: number) => void) | undefined;
}

/** More than the bytes of any TxPoW that we mine, and of the version before. */
const WORK_BYTES = 512;

/**
 * Seals a message to its recipient, does the work, and posts it.
 *
 * @throws {Problem} `malformed` if nothing can be sealed to the key
 * @throws {ClientError} `message-too-large`, `price-too-high`, `relay-unreachable` or
 * `relay-nonsense`
 * @throws {RelayError} if the relay refuses
 */
export async function send(options: SendOptions): Promise<StoredMessage> {
  const { relay, from, to, application, data, hold, onUpload } = options;
  const sealed = await seal({
    to,
    from: from.key,
    application,
    data,
    time: Date.now(),
  });
  const size = encode(maximaPackage, sealed).length;
  if (size > MAX_PACKAGE_BYTES) {
    throw new ClientError(
      "message-too-large",
      `sealed, the message has ${size} bytes, and ${MAX_PACKAGE_BYTES} is the most`,
    );
  }
  const { signal } = options;
  const mailbox = mailboxIdOf(to);
  const quote = await relay.quote(size + WORK_BYTES, hold, mailbox, { signal });
  options.onQuote?.(quote);
  const envelope = await mineEnvelope(sealed, {
    ...options,
    target: quote.target,
  });
  return await relay.postMessage(envelope, {
    signal,
    onUpload: onUpload && ((sent) => onUpload(sent, envelope.length)),
  });
}
