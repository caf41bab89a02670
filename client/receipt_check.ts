/** Whether a relay that says it stored a message has signed what was sent. */
import type { Bytes } from "../lib/bytes.ts";
import { blake3_256 } from "../lib/hash.ts";
import type { MailboxId, MessageId } from "../lib/ids.ts";
import { type Receipt, ReceiptError, verifyReceipt } from "../lib/receipt.ts";
import type { VerifyingKey } from "../lib/signing_key.ts";
import { ClientError } from "./error.ts";
import type { StoredMessage } from "./relay.ts";

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

/**
 * Checks what a relay answered against what was sent, at a time in Unix
 * milliseconds, and its receipt before all.
 *
 * @throws {ClientError} `relay-nonsense`, naming the first thing that is wrong
 */
export async function checkStored(
  stored: StoredMessage,
  sent: SentMessage,
  key: VerifyingKey,
  now: number,
): Promise<void> {
  const receipt = await readReceipt(stored.receipt, key);
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
  };
}

async function readReceipt(
  jws: string,
  key: VerifyingKey,
): Promise<Receipt> {
  try {
    return await verifyReceipt(jws, key);
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
