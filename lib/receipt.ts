/**
 * Receipts: the relay's signed word that it holds a message (DESIGN section 4).
 *
 * A compact JWS (RFC 7515, EdDSA). It is a deterministic function of stored
 * facts, so the same message always has the same receipt, byte for byte.
 */
import { CompactSign, compactVerify } from "jose";
import { z } from "zod";
import { type Cursor, CURSOR_FORM } from "./cursor.ts";
import type { MailboxId, MessageId, ObjectHash, RelayId } from "./ids.ts";
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

const utf8 = new TextDecoder();
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const wholeNumber = z.int().nonnegative();

/** The payload of a receipt. */
const receiptForm = z.object({
  iss: hash,
  sub: hash,
  jti: hash,
  object: hash,
  size: wholeNumber,
  cursor: z.string().regex(CURSOR_FORM),
  iat: wholeNumber,
  exp: wholeNumber,
  paid: z.object({ by: z.literal("work"), hashes: wholeNumber }),
});

/** Sets receipts apart from tokens, which the same key signs. */
const TYPE = "restante-receipt+jwt";

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
  const { sub, jti, object, size, cursor, iat, exp, paid } = receipt;
  const payload = {
    iss: key.relayId,
    sub,
    jti,
    object,
    size,
    cursor,
    iat,
    exp,
    paid,
  };
  return await new CompactSign(
    new TextEncoder().encode(JSON.stringify(payload)),
  )
    .setProtectedHeader({ alg: "EdDSA", typ: TYPE, kid: key.relayId })
    .sign(key.privateKey);
}

/**
 * What a receipt says, once its signature is checked. A receipt whose hold has
 * ended still proves what was stored.
 *
 * @throws {ReceiptError}
 */
export async function verifyReceipt(
  jws: string,
  key: VerifyingKey,
): Promise<Receipt> {
  const receipt = receiptForm.safeParse(await verifiedPayload(jws, key));
  if (!receipt.success) throw new ReceiptError("the JWS is not a receipt");
  if (receipt.data.iss !== key.relayId) {
    throw new ReceiptError("the receipt is another relay's");
  }
  return receipt.data as Receipt;
}

async function verifiedPayload(
  jws: string,
  key: VerifyingKey,
): Promise<unknown> {
  try {
    const options = { algorithms: ["EdDSA"] };
    const verified = await compactVerify(jws, key.publicKey, options);
    const isReceipt = verified.protectedHeader.typ === TYPE;
    return isReceipt ? JSON.parse(utf8.decode(verified.payload)) : null;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ReceiptError(`not a receipt of this relay: ${why}`, { cause });
  }
}
