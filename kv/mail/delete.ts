/** Deleting messages, with everything that was stored for them. */
import type { Position } from "../../lib/cursor.ts";
import type { MailboxId } from "../../lib/ids.ts";
import { keys } from "../keys.ts";
import type { MessageEntry } from "./entry.ts";
import { deleteObject } from "./objects.ts";
import type { Store } from "../store/store.ts";
import { subtractUsage } from "./usage.ts";

/** Deletes the message at a position, if there is one. */
export async function deleteMessage(
  store: Store,
  mailbox: MailboxId,
  position: Position,
): Promise<void> {
  if (position.epoch !== store.epoch) return;
  const key = keys.message(mailbox, position.versionstamp);
  const entry = await store.get<MessageEntry>(key);
  if (entry.value === null) return;
  // Whoever deletes it first counts it out: the check fails for others.
  await store.commit((operation) => addDeletions(operation, mailbox, [entry]));
}

/** Adds the deletion of log entries and all that belongs to them. */
function addDeletions(
  operation: Deno.AtomicOperation,
  mailbox: MailboxId,
  entries: readonly Deno.KvEntry<MessageEntry>[],
): void {
  for (const entry of entries) {
    const { object, size } = entry.value;
    operation.check(entry).delete(entry.key);
    deleteObject(operation, object, size);
  }
  subtractUsage(operation, entries.map(({ value }) => ({ ...value, mailbox })));
}

/** Messages deleted in one commit, where so many may be checked. */
const MOST_AT_ONCE = 50;

/** Deletes every message up to and with a position; gives how many. */
export async function deleteThrough(
  store: Store,
  mailbox: MailboxId,
  versionstamp: string,
): Promise<number> {
  const range = {
    prefix: keys.messages(mailbox),
    end: keys.message(mailbox, `${versionstamp}\0`),
  };
  const atOnce = Math.min(MOST_AT_ONCE, store.limits.checks);
  for (let deleted = 0;;) {
    const entries = await store.list<MessageEntry>(range, atOnce);
    if (entries.length === 0) return deleted;
    const committed = await store.commit((operation) =>
      addDeletions(operation, mailbox, entries)
    );
    // Null if somebody else deleted one of them: the next look tells which.
    if (committed !== null) deleted += entries.length;
  }
}
