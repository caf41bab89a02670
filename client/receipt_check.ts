/** Whether a relay that says it stored a message has signed what was sent. */
import type { Bytes } from "../lib/bytes.ts";
import { blake3_256 } from "../lib/hash.ts";
import type { MailboxId, MessageId } from "../lib/ids.ts";
import { receiptRoot } from "../lib/object.ts";
import { type Receipt, ReceiptError, verifyReceipt } from "../lib/receipt.ts";
import type { VerifyingKey } from "../lib/signing_key.ts";
import { ClientError } from "./error.ts";
import type { Relay, RequestOptions, StoredMessage } from "./relay.ts";

/** What was sent, and what was asked for it. */
export interface SentMessage {
  /** Its id. */
  readonly id: MessageId;
  /** Whom it is for. */
  readonly mailbox: MailboxId;
  /** All of its bytes. */
  readonly envelope: Bytes;
  /** Seconds. */
  readonly hold: number;
}

/** Receipts count in whole seconds, so a hold may look shorter by one. */
const ROUNDING = 1;
/** Seconds that the clocks of both sides may differ: work is good for a day. */
const CLOCK_APART = 86_400;

/** Milliseconds that a relay's key is taken for the same: its descriptor's. */
const KEY_LASTS = 60_000;

interface KnownKey {
  readonly key: VerifyingKey;
  readonly until: number;
}

const known = new WeakMap<Relay, KnownKey>();

/**
 * The key that a relay signs with, asked for once a minute.
 *
 * @throws {ClientError} as {@link Relay.verifyingKey} does
 */
export async function receiptKey(
  relay: Relay,
  options: RequestOptions = {},
): Promise<VerifyingKey> {
  const held = known.get(relay);
  const now = relay.clock.monotonic();
  if (held !== undefined && held.until > now) return held.key;
  const key = await relay.verifyingKey(options);
  known.set(relay, { key, until: now + KEY_LASTS });
  return key;
}

/**
 * Checks what a relay answered against what was sent, and its receipt before
 * all.
 *
 * @throws {ClientError} `relay-nonsense`, naming the first thing that is wrong
 */
export async function checkStored(
  relay: Relay,
  stored: StoredMessage,
  sent: SentMessage,
  options: RequestOptions = {},
): Promise<void> {
  const receipt = await readReceipt(relay, stored.receipt, options);
  const now = relay.clock.now();
  const isTrue: Readonly<Record<string, boolean>> = {
    id: receipt.jti === sent.id && stored.id === sent.id,
    mailbox: receipt.sub === sent.mailbox && stored.mailbox === sent.mailbox,
    ...isOfEnvelope(receipt, stored, sent.envelope),
    cursor: receipt.cursor === stored.cursor,
    "time of storing": receipt.iat === Math.floor(stored.storedAt / 1_000) &&
      Math.abs(receipt.iat - now / 1_000) <= CLOCK_APART,
    hold: receipt.exp === Math.floor(stored.holdUntil / 1_000) &&
      receipt.exp - receipt.iat >= sent.hold - ROUNDING,
    payment: receipt.paid.by === stored.paid.by &&
      receipt.paid.hashes === stored.paid.hashes,
  };
  for (const [what, isRight] of Object.entries(isTrue)) {
    if (!isRight) throw broken(`its ${what} is not that of what was sent`);
  }
}

function isOfEnvelope(
  receipt: Receipt,
  stored: StoredMessage,
  envelope: Bytes,
): Record<string, boolean> {
  const object = blake3_256(envelope).toHex();
  return {
    object: receipt.object === object && stored.object === object,
    size: receipt.size === envelope.length && stored.size === envelope.length,
    root: receipt.root === receiptRoot(envelope),
  };
}

async function readReceipt(
  relay: Relay,
  jws: string,
  options: RequestOptions,
): Promise<Receipt> {
  const key = await receiptKey(relay, options);
  try {
    return await verifyReceipt(jws, key);
  } catch (error) {
    if (!(error instanceof ReceiptError)) throw error;
  }
  // It may sign with another key since.
  known.delete(relay);
  try {
    return await verifyReceipt(jws, await receiptKey(relay, options));
  } catch (cause) {
    if (!(cause instanceof ReceiptError)) throw cause;
    throw broken(cause.message, cause);
  }
}

function broken(why: string, cause?: unknown): ClientError {
  return new ClientError(
    "relay-nonsense",
    `the relay's receipt does not hold: ${why}`,
    { cause },
  );
}
