/**
 * Receipts: the relay's signed word that it holds a message (DESIGN section 4).
 *
 * A JWS of the relay's key. It is a deterministic function of stored facts, so
 * the same message always has the same receipt, byte for byte, until its hold
 * is extended or the relay's key is another.
 */
import { z } from "zod";
import { type Cursor, CURSOR_FORM } from "./cursor.ts";
import type { MailboxId, MessageId, ObjectHash, RelayId } from "./ids.ts";
import { JWS_TYPES, JwsError, signJws, verifyJws } from "./jws.ts";
import type { SigningKey, VerifyingKey } from "./signing_key.ts";

/** How a message was paid for. */
export interface Paid {
  /** By a TxPoW. */
  readonly by: "work";
  /** Expected hashes of the target that the work committed to. */
  readonly hashes: number;
}

/** What a receipt says. */
export interface Receipt {
  /** The relay that holds the message. */
  readonly iss: RelayId;
  /** The mailbox it is in. */
  readonly sub: MailboxId;
  /** The message. */
  readonly jti: MessageId;
  /** Name of the stored bytes. */
  readonly object: ObjectHash;
  /**
   * Merkle root over the stored bytes, lower-case hex: `receiptRoot` of
   * lib/object.ts. Messages stored by a version before it have none.
   */
  readonly root?: string | undefined;
  /** Bytes stored. */
  readonly size: number;
  /** Where it stands in the mailbox. */
  readonly cursor: Cursor;
  /** When it was stored: Unix seconds, as in every JWT (RFC 7519). */
  readonly iat: number;
  /** When the hold ends: Unix seconds. */
  readonly exp: number;
  /** What it was paid with. */
  readonly paid: Paid;
}

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const wholeNumber = z.int().nonnegative();

/** The payload of a receipt. */
const receiptForm = z.object({
  iss: hash,
  sub: hash,
  jti: hash,
  object: hash,
  root: hash.optional(),
  size: wholeNumber,
  cursor: z.string().regex(CURSOR_FORM),
  iat: wholeNumber,
  exp: wholeNumber,
  paid: z.object({ by: z.literal("work"), hashes: wholeNumber }),
});

/** A receipt is not one of this relay's. */
export class ReceiptError extends Error {
  /** The class, for logs. */
  override name = "ReceiptError";
  /** Stable. */
  readonly code = "receipt-invalid";
}

/** Signs a receipt; the members stand in the order of {@link Receipt}. */
export async function signReceipt(
  key: SigningKey,
  receipt: Omit<Receipt, "iss">,
): Promise<string> {
  const { sub, jti, object, root, size, cursor, iat, exp, paid } = receipt;
  return await signJws(key, JWS_TYPES.receipt, {
    iss: key.relayId,
    sub,
    jti,
    object,
    root,
    size,
    cursor,
    iat,
    exp,
    paid,
  });
}

/**
 * What a receipt says, once its signature is checked: by the relay's key, or by
 * that of its former keys which the receipt names, if it was given before that
 * key ended. A receipt whose hold has ended still proves what was stored.
 *
 * @throws {ReceiptError}
 */
export async function verifyReceipt(
  jws: string,
  keys: VerifyingKey | readonly VerifyingKey[],
): Promise<Receipt> {
  const { payload, key } = await verifiedReceipt(jws, keys);
  const receipt = receiptForm.safeParse(payload);
  if (!receipt.success) throw new ReceiptError("the JWS is not a receipt");
  if (receipt.data.iss !== key.relayId) {
    throw new ReceiptError("the receipt is another relay's");
  }
  return receipt.data as Receipt;
}

async function verifiedReceipt(
  jws: string,
  keys: VerifyingKey | readonly VerifyingKey[],
) {
  try {
    return await verifyJws(keys, JWS_TYPES.receipt, jws);
  } catch (cause) {
    if (!(cause instanceof JwsError)) throw cause;
    throw new ReceiptError(`not a receipt of this relay: ${cause.message}`, {
      cause,
    });
  }
}
