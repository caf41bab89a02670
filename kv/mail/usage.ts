/**
 * What is held, in bytes and messages: for each mailbox, and for the relay.
 *
 * Counters are sums by the hour in which a hold ends, so that what expires
 * falls out of the count by itself. They are added to in the commit that stores
 * and taken from in the one that deletes, blindly: nobody waits for anybody.
 */
import type { MailboxId } from "../../lib/ids.ts";
import { keys, shardOf } from "../keys.ts";
import type { Store } from "../store/store.ts";

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

/** Mutations that {@link addUsage} adds for a message, at most. */
export const USAGE_MUTATIONS = 2;

/** Counts messages in, as part of the commit that stores them. */
export function addUsage(
  operation: Deno.AtomicOperation,
  messages: readonly Counted[],
): void {
  sum(operation, messages, 1n);
}

/** Counts messages out, as part of the commit that deletes them. */
export function subtractUsage(
  operation: Deno.AtomicOperation,
  messages: readonly Counted[],
): void {
  sum(operation, messages, -1n);
}

/** One sum for each counter, for each is a row to write. */
function sum(
  operation: Deno.AtomicOperation,
  messages: readonly Counted[],
  sign: 1n | -1n,
): void {
  const sums = new Map<string, { key: Deno.KvKey; packed: bigint }>();
  const add = (key: Deno.KvKey, packed: bigint) => {
    const name = key.join();
    sums.set(name, { key, packed: packed + (sums.get(name)?.packed ?? 0n) });
  };
  for (const { mailbox, size, holdUntil } of messages) {
    const hour = Math.ceil(holdUntil / HOUR);
    const packed = sign * ((1n << BYTES_BITS) + BigInt(size));
    add(keys.usage(mailbox, hour), packed);
    add(keys.relayUsage(shardOf(mailbox), hour), packed);
  }
  for (const { key, packed } of sums.values()) {
    operation.sum(key, BigInt.asUintN(64, packed)); // sums wrap
  }
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
export function isOver(key: Deno.KvKey, now: number): boolean {
  return Number(key.at(-1)) * HOUR <= now;
}
