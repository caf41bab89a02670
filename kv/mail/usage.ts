/**
 * What is kept, in bytes and messages: for each mailbox, and for the relay. How
 * commits rely on it, and change it, is in ledger.ts.
 */
import type { MailboxId } from "../../lib/ids.ts";
import { keys, SHARDS } from "../kinds.ts";
import type { Store } from "../store/store.ts";

/** What is kept of something. */
export interface Usage {
  /** Bytes of envelopes, and of what is kept besides. */
  readonly bytes: number;
  /** Messages held. */
  readonly messages: number;
}

/** Nothing. */
export const NO_USAGE: Usage = { bytes: 0, messages: 0 };

/** What is kept for a mailbox, and what was some hours ago. */
export interface UsageRow extends Usage {
  /** The hour of the last change: Unix hours. */
  readonly hour: number;
  /** What was kept when that hour began. */
  readonly atHour: Usage;
  /** What was kept when the hour before that began. */
  readonly before: Usage;
  /** False once the mailbox was closed. */
  readonly isOpen: boolean;
}

/** Milliseconds of an hour. */
export const HOUR = 3_600_000;

/** The row of a mailbox that was just opened. */
export function openedRow(now: number): UsageRow {
  const hour = Math.floor(now / HOUR);
  const nothing = { atHour: NO_USAGE, before: NO_USAGE };
  return { ...NO_USAGE, hour, ...nothing, isOpen: true };
}

/** A row after a change. */
export function changedRow(
  row: UsageRow | null,
  change: Usage,
  now: number,
): UsageRow {
  const { bytes, messages, hour, atHour, before, isOpen } = row ??
    openedRow(now);
  const hourNow = Math.max(Math.floor(now / HOUR), hour);
  const current = { bytes, messages };
  return {
    // What is counted out was counted in.
    bytes: Math.max(bytes + change.bytes, 0),
    messages: Math.max(messages + change.messages, 0),
    hour: hourNow,
    atHour: hourNow === hour ? atHour : current,
    before: hourNow === hour ? before : hourNow === hour + 1 ? atHour : current,
    isOpen,
  };
}

/**
 * What a mailbox held when the hour before this one began: what strangers may
 * know of it. They learn neither that mail has come nor that it was read.
 */
export function formerUsage(row: UsageRow | null, now: number): Usage {
  if (row === null) return NO_USAGE;
  const age = Math.floor(now / HOUR) - row.hour;
  const { bytes, messages, atHour, before } = row;
  if (age <= 0) return before;
  return age === 1 ? atHour : { bytes, messages };
}

/** What a mailbox holds; nothing if it was never opened. */
export async function mailboxUsage(
  store: Store,
  mailbox: MailboxId,
): Promise<Usage> {
  const { bytes, messages } = (await store.get(keys.usage(mailbox))).value ??
    NO_USAGE;
  return { bytes, messages };
}

/** One number holds both counts: messages above, bytes in the low 40 bits. */
const BYTES_BITS = 40;

/** What one shard can count, and so the relay: more would begin at 0 again. */
export const MOST_COUNTED: Usage = {
  bytes: 2 ** BYTES_BITS - 1,
  messages: 2 ** (64 - BYTES_BITS) - 1,
};

/** A change of the relay's usage as a sum, which wraps. */
export function packed({ bytes, messages }: Usage): bigint {
  return BigInt.asUintN(
    64,
    (BigInt(messages) << BigInt(BYTES_BITS)) + BigInt(bytes),
  );
}

/** What all mailboxes hold. */
export async function relayUsage(store: Store): Promise<Usage> {
  const shards = Array.from({ length: SHARDS }, (_, i) => keys.relayUsage(i));
  const sums = await store.getMany<bigint[]>(shards);
  let bytes = 0;
  let messages = 0;
  for (const { value } of sums) {
    bytes += Number(BigInt.asUintN(BYTES_BITS, value ?? 0n));
    messages += Number((value ?? 0n) >> BigInt(BYTES_BITS));
  }
  return { bytes, messages };
}

/** Both together. */
export function sum(a: Usage, b: Usage): Usage {
  return { bytes: a.bytes + b.bytes, messages: a.messages + b.messages };
}

/** What one is more than the other. */
export function difference(a: Usage, b: Usage): Usage {
  return { bytes: a.bytes - b.bytes, messages: a.messages - b.messages };
}
