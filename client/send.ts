/** Sending: seal, mine, post. */
import type { Bytes } from "../lib/bytes.ts";
import { encode } from "../lib/minima/codec.ts";
import { mailboxIdOf, messageIdOf } from "../lib/ids.ts";
import { MAX_PACKAGE_BYTES } from "../lib/minima/constants.ts";
import { maximaPackage, packageHash } from "../lib/minima/maxima.ts";
import { seal } from "../lib/seal/maxima.ts";
import {
  mineEnvelope,
  requireAffordable,
  type WorkOptions,
} from "./envelope.ts";
import { hashesOf } from "../lib/work/target.ts";
import { ClientError, RelayError } from "./error.ts";
import type { Identity } from "./identity.ts";
import { checkStored, receiptKey } from "./receipt_check.ts";
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
 * How often a price may rise between being asked and being paid. A relay does
 * not tell the price of the moment: who did too little is told the next doubling
 * of what was done, and a price doubles fifteen times at most.
 */
const MAX_RISES = 15;
/** How often it is asked for anew, where a refusal does not tell it. */
const MAX_UNTOLD = 3;

/**
 * Seals a message to its recipient, does the work, posts it, and checks that
 * the relay has signed what was sent before it says anything.
 *
 * @throws {Problem} `malformed` if nothing can be sealed to the key
 * @throws {ClientError} `message-too-large`, `price-too-high`, `relay-unreachable` or
 * `relay-nonsense`
 * @throws {RelayError} if the relay refuses
 */
export async function send(options: SendOptions): Promise<StoredMessage> {
  const { relay, from, to, application, data, hold, maxHashes } = options;
  const { clock } = relay;
  const sealed = await seal({
    to,
    from: from.key,
    application,
    data,
    time: clock.now(),
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
  let asked: Quote | null = null;
  for (let rises = 0, untold = 0;; rises++) {
    const bytes = size + WORK_BYTES;
    const quote: Quote = asked ??
      await relay.quote(bytes, hold, mailbox, { signal });
    options.onQuote?.(quote);
    requireAffordable(quote.target, maxHashes);
    // Before the work is done: who cannot sign is not to be paid.
    await receiptKey(relay, { signal });
    const work = { ...options, target: quote.target };
    const envelope = await mineEnvelope(sealed, work, clock.now());
    try {
      const stored = await post(envelope, options);
      const id = messageIdOf(packageHash(sealed));
      const sent = { id, mailbox, envelope, hold };
      await checkStored(relay, stored, sent, { signal });
      return stored;
    } catch (error) {
      const hasRisen = error instanceof RelayError &&
        error.code === "work-insufficient";
      if (!hasRisen || rises >= MAX_RISES) throw error;
      const told = targetIn(error.problem);
      if (told === null && ++untold > MAX_UNTOLD) throw error;
      // A quote shows the price of some time ago; the refusal one that is more.
      asked = told === null
        ? null
        : raise(told, quote, { isTold: asked !== null });
    }
  }
}

/** The target that a refusal says would do, if it says one. */
function targetIn(
  { target }: Readonly<Record<string, unknown>>,
): bigint | null {
  const isOne = typeof target === "string" && /^[0-9a-f]{1,64}$/.test(target);
  return isOne ? BigInt(`0x${target}`) : null;
}

/**
 * What to mine after that was too little. Each time but the first it is twice
 * as much at least, whatever the relay says, or small steps would take for ever.
 *
 * @throws {ClientError} `relay-nonsense` if it is told to do no more
 */
function raise(
  told: bigint,
  before: Quote,
  { isTold }: { readonly isTold: boolean },
): Quote {
  if (told >= before.target) {
    throw new ClientError(
      "relay-nonsense",
      "the relay takes no work that it says would do",
    );
  }
  const double = before.target / 2n;
  const target = isTold && told > double ? double : told;
  return { target, hashes: hashesOf(target) };
}

async function post(
  envelope: Bytes,
  { relay, hold, signal, onUpload }: SendOptions,
): Promise<StoredMessage> {
  return await relay.postMessage(envelope, {
    signal,
    hold,
    onUpload: onUpload && ((sent) => onUpload(sent, envelope.length)),
  });
}
