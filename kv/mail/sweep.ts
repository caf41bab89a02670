/**
 * Sweeping: what is over by its own word, and not yet out of the store. Nothing
 * depends on it but room on the disk, and that no body outlives its hold for
 * long.
 */
import type { MailboxId } from "../../lib/ids.ts";
import { keys } from "../keys.ts";
import { type MessageEntry, TOMBSTONE_MS } from "./entry.ts";
import type { Store } from "../store/store.ts";
import { isOver } from "./usage.ts";

/** Counters deleted in one commit, and log entries read at once. */
const AT_ONCE = 500;

/** Milliseconds to the first sweep: a worker started for a request may end soon. */
const FIRST_SWEEP = 60_000;
/** Milliseconds between a sweep's start and the next one's. */
const SWEEP_EVERY = 3_600_000;

/** Sweeps once in a while; gives how to end that. One that fails comes again. */
export function keepSweeping(store: Store, now: () => number): () => void {
  const sweepNow = () => {
    timer = setTimeout(sweepNow, SWEEP_EVERY);
    sweep(store, now()).catch(() => {});
  };
  let timer = setTimeout(sweepNow, FIRST_SWEEP);
  return () => clearTimeout(timer);
}

/**
 * Drops the bodies of messages whose hold has ended, which stay listed without
 * them, and then the counters that told whose they were. Gives how many
 * counters.
 */
export async function sweep(store: Store, now: number): Promise<number> {
  const own = await overCounters(store, keys.everyUsage(), now);
  const mailboxes = new Set(own.map(([, mailbox]) => mailbox as MailboxId));
  for (const mailbox of mailboxes) await dropBodies(store, mailbox, now);
  const over = [
    ...own,
    ...await overCounters(store, keys.relayUsages(), now),
  ];
  for (let start = 0; start < over.length; start += AT_ONCE) {
    await store.commit((operation) => {
      for (const key of over.slice(start, start + AT_ONCE)) {
        operation.delete(key);
      }
    });
  }
  return over.length;
}

async function overCounters(
  store: Store,
  prefix: Deno.KvKey,
  now: number,
): Promise<Deno.KvKey[]> {
  const counters = await store.list<Deno.KvU64>({ prefix });
  return counters.map(({ key }) => key).filter((key) => isOver(key, now));
}

/** Drops the bodies that stand in the log; those in segments go by expiry. */
async function dropBodies(
  store: Store,
  mailbox: MailboxId,
  now: number,
): Promise<void> {
  const prefix = keys.messages(mailbox);
  for (let start: Deno.KvKey = keys.message(mailbox, "");;) {
    const entries = await store.list<MessageEntry>({ prefix, start }, AT_ONCE);
    const over = entries.filter(({ value }) =>
      value.body !== null && value.holdUntil <= now
    );
    // Each for itself: one that was deleted meanwhile keeps no other back.
    await Promise.all(over.map((entry) => dropBody(store, entry, now)));
    const last = entries.at(-1);
    if (last === undefined || entries.length < AT_ONCE) return;
    start = keys.message(mailbox, `${String(last.key.at(-1))}\0`);
  }
}

async function dropBody(
  store: Store,
  entry: Deno.KvEntry<MessageEntry>,
  now: number,
): Promise<void> {
  const left = entry.value.holdUntil + TOMBSTONE_MS - now;
  await store.commit((operation) => {
    operation.check(entry);
    if (left <= 0) operation.delete(entry.key);
    else {
      operation.set(entry.key, { ...entry.value, body: null }, {
        expireIn: left,
      });
    }
  });
}
