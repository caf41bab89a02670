/** Messages as the store keeps them, and what they take. */
import type { Bytes } from "../../lib/bytes.ts";
import type { Cursor } from "../../lib/cursor.ts";
import type { MailboxId, MessageId, ObjectHash } from "../../lib/ids.ts";
import type { Priority } from "../../lib/object.ts";
import type { Paid } from "../../lib/receipt.ts";
import type { Usage, UsageRow } from "./usage.ts";

/** What there is room for at the moment of storing. */
export interface Room {
  /** What the mailbox holds before this message; null if it was never opened. */
  readonly mailbox: UsageRow | null;
  /** What all mailboxes hold. */
  readonly relay: Usage;
}

/** What was bought. */
export interface Bought {
  /** Seconds that the message is held. */
  readonly hold: number;
  /** Seconds that it could be held for what was paid. */
  readonly paidFor: number;
}

/**
 * Says for how long a message is held, by the room that there is in the very
 * operation that stores it. What it throws the message is refused with.
 */
export type PriceMessage = (room: Room) => Bought;

/** A message that was checked. */
export interface NewMessage {
  /** Hash of its package. */
  readonly id: MessageId;
  /** The mailbox it is in. */
  readonly mailbox: MailboxId;
  /** The whole envelope. */
  readonly body: Bytes;
  /** What it was paid with. */
  readonly paid: Paid;
  /** Seconds, or how to price it. */
  readonly hold: number | PriceMessage;
  /** Bits a second; a slower link gets no body. */
  readonly minBandwidth: number;
  /** By the sender's word. */
  readonly priority: Priority;
  /** Unix milliseconds until which the same work could be sent again. */
  readonly workUntil: number;
  /** Merkle root over the envelope's chunks, as receipts carry it; hex. */
  readonly root?: string | undefined;
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
  /** Merkle root over its chunks, hex; none of messages from former versions. */
  readonly root?: string | undefined;
  /** Seconds that it could be held for what was paid. */
  readonly paidFor?: number;
  /** Unix milliseconds until which the mark stands, whatever becomes of the rest. */
  readonly workUntil?: number;
  /** Which message of its commit it was for the mailbox; 0 if not said. */
  readonly index?: number;
  /** Versionstamp of the commit that stored it, if the mark was changed since. */
  readonly stamp?: string;
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
export interface StoredMessage {
  /** Hash of its package. */
  readonly id: MessageId;
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
  /** Merkle root over its chunks, hex. */
  readonly root?: string;
  /** Where it stands in the log, by its receipt. */
  readonly cursor: Cursor;
}

/** Where a message's body is kept. */
export type BodyPlace =
  /** In its log entry. */
  | "entry"
  /** In segments of its own. */
  | "segments"
  /** Nowhere: its hold has ended. */
  | "none";

/** A log entry. */
export interface MessageEntry {
  /** Which message of its commit it was for the mailbox. */
  readonly index: number;
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
  /** Unix milliseconds until which its mark stands, whatever becomes of it. */
  readonly workUntil: number;
  /** Where its body is. */
  readonly place: BodyPlace;
  /** The body, where it stands in the entry; null elsewhere. */
  readonly body: Bytes | null;
}

/** How long an expired message is still listed, without its body. */
export const TOMBSTONE_MS = 7 * 86_400_000;

/**
 * Bytes that count for what is kept besides a body: log entry, mark, object
 * header, and what falls due, twice if it was extended. More than it takes, and
 * a test holds it to that.
 */
export const BESIDES_BYTES = 1_792;
/** Bytes that count for an expired message: its entry, and its mark. */
export const TOMBSTONE_BYTES = 1_152;
/** Bytes that count for a mark alone. */
export const MARK_BYTES = 832;
/** Bytes that count for an open mailbox. */
export const MAILBOX_BYTES = 1_024;

/** Bytes that count for the first segment of a body, besides itself. */
const SEGMENT_BESIDES = 256;

/**
 * Bytes that count for a message of that size. Of a body in segments the hashes
 * of its chunks are kept, one byte in 128, and a key each segment.
 */
export function keptBytes(size: number): number {
  const isInSegments = size > 4_096;
  return size + BESIDES_BYTES +
    (isInSegments ? SEGMENT_BESIDES + Math.ceil(size / 96) : 0);
}
