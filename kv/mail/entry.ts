/** Messages as the store keeps them. */
import type { Cursor } from "../../lib/cursor.ts";
import type { MailboxId, MessageId, ObjectHash } from "../../lib/ids.ts";
import type { Bytes } from "../../lib/bytes.ts";
import type { Priority } from "../../lib/object.ts";
import type { Paid } from "../../lib/receipt.ts";

/** A message that was checked and priced. */
export interface NewMessage {
  /** Hash of its package. */
  readonly id: MessageId;
  /** The mailbox it is in. */
  readonly mailbox: MailboxId;
  /** The whole envelope. */
  readonly body: Bytes;
  /** What it was paid with. */
  readonly paid: Paid;
  /** Seconds. */
  readonly hold: number;
  /** Bits a second; a slower link gets no body. */
  readonly minBandwidth: number;
  /** By the sender's word. */
  readonly priority: Priority;
  /** Unix milliseconds until which the same work could be sent again. */
  readonly workUntil: number;
}

/** The facts that receipts are made of; kept with the dedupe mark. */
export interface StoredFacts {
  /** The mailbox it is in. */
  readonly mailbox: MailboxId;
  /** Name of the stored bytes. */
  readonly object: ObjectHash;
  /** Bytes. */
  readonly size: number;
  /** Unix milliseconds. */
  readonly storedAt: number;
  /** Unix milliseconds. */
  readonly holdUntil: number;
  /** What it was paid with. */
  readonly paid: Paid;
  /**
   * Where its receipt says that it stands, if that is not where this store has
   * it: a store restored from a backup numbers its messages anew.
   */
  readonly cursor?: Cursor;
  /**
   * Which attempt stored it, hex: one that did not hear of its own success, or
   * was repeated on the way, knows its mark by this.
   */
  readonly attempt?: string;
}

/** A message that the store holds, or held. */
export interface StoredMessage extends Omit<StoredFacts, "attempt"> {
  /** Hash of its package. */
  readonly id: MessageId;
  /** Where it stands in the log, by its receipt. */
  readonly cursor: Cursor;
}

/** A log entry. */
export interface MessageEntry {
  /** Hash of its package. */
  readonly id: MessageId;
  /** Name of the stored bytes. */
  readonly object: ObjectHash;
  /** Bytes. */
  readonly size: number;
  /** Bits a second; a slower link gets no body. */
  readonly minBandwidth: number;
  /** By the sender's word. */
  readonly priority: Priority;
  /** Unix milliseconds. */
  readonly storedAt: number;
  /** Unix milliseconds. */
  readonly holdUntil: number;
  /** Null where the body is kept in segments. */
  readonly body: Bytes | null;
}

/** How long an expired message is still listed, without its body. */
export const TOMBSTONE_MS = 7 * 86_400_000;
