/**
 * What is held, in bytes and messages: for each mailbox, and for the relay.
 *
 * Counters are sums by the hour in which a hold ends, so that what expires
 * falls out of the count by itself. They are added to in the commit that stores
 * and taken from in the one that deletes, blindly: nobody waits for anybody.
 */
import type { MailboxId } from "../lib/ids.ts";
import { keys, shardOf } from "./keys.ts";
import type { Store } from "./store.ts";

/** What is held of something. */
export interface Usage {
  /** Bytes of envelopes. */
  readonly bytes: number;
  /** How many there are. */
  readonly messages: number;
}

/** A message that counts. */
export interface Counted {
  /** Whose it is. */
  readonly mailbox: MailboxId;
  /** Bytes. */
  readonly size: number;
  /** Unix milliseconds. */
  readonly holdUntil: number;
}

/** One number holds both counts: messages above, bytes in the low 40 bits. */
const BYTES_BITS = 40n;
const HOUR = 3_600_000;

/** Mutations that {@link addUsage} adds. */
export const USAGE_MUTATIONS = 2;

/** Counts a message in, as part of the commit that stores it. */
export function addUsage(
  operation: Deno.AtomicOperation,
  message: Counted,
): void {
  sum(operation, message, (1n << BYTES_BITS) + BigInt(message.size));
}

/** Counts a message out, as part of the commit that deletes it. */
export function subtractUsage(
  operation: Deno.AtomicOperation,
  message: Counted,
): void {
  const packed = (1n << BYTES_BITS) + BigInt(message.size);
  sum(operation, message, 2n ** 64n - packed); // sums wrap
}

function sum(
  operation: Deno.AtomicOperation,
  { mailbox, holdUntil }: Counted,
  packed: bigint,
): void {
  const hour = Math.ceil(holdUntil / HOUR);
  operation
    .sum(keys.usage(mailbox, hour), packed)
    .sum(keys.relayUsage(shardOf(mailbox), hour), packed);
}

/** What a mailbox holds at `now` (Unix milliseconds). */
export async function mailboxUsage(
  store: Store,
  mailbox: MailboxId,
  now: number,
): Promise<Usage> {
  return await total(store, keys.usages(mailbox), now);
}

/** What all mailboxes hold at `now` (Unix milliseconds). */
export async function relayUsage(store: Store, now: number): Promise<Usage> {
  return await total(store, keys.relayUsages(), now);
}

async function total(
  store: Store,
  prefix: Deno.KvKey,
  now: number,
): Promise<Usage> {
  const counters = await store.list<Deno.KvU64>({ prefix });
  let bytes = 0;
  let messages = 0;
  for (const { key, value: { value: packed } } of counters) {
    if (isOver(key, now)) continue;
    bytes += Number(BigInt.asUintN(Number(BYTES_BITS), packed));
    messages += Number(packed >> BYTES_BITS);
  }
  return { bytes, messages };
}

/** Whether the hour that a counter's key ends in is over. */
function isOver(key: Deno.KvKey, now: number): boolean {
  return Number(key.at(-1)) * HOUR <= now;
}

/** Counters deleted in one commit. */
const SWEPT_AT_ONCE = 500;

/** Deletes the counters of hours that are over; gives how many. */
export async function sweepUsage(store: Store, now: number): Promise<number> {
  let swept = 0;
  for (const prefix of [keys.everyUsage(), keys.relayUsages()]) {
    const counters = await store.list<Deno.KvU64>({ prefix });
    const over = counters.filter(({ key }) => isOver(key, now));
    for (let start = 0; start < over.length; start += SWEPT_AT_ONCE) {
      await store.commit((operation) => {
        for (const { key } of over.slice(start, start + SWEPT_AT_ONCE)) {
          operation.delete(key);
        }
      });
    }
    swept += over.length;
  }
  return swept;
}
