/** Deleting messages, with everything that was stored for them. */
import type { Position } from "../lib/cursor.ts";
import type { MailboxId } from "../lib/ids.ts";
import { keys } from "./keys.ts";
import type { MessageEntry } from "./messages.ts";
import { deleteObject } from "./objects.ts";
import type { Store } from "./store.ts";

/** Deletes the message at a position, if there is one. */
export async function deleteMessage(
  store: Store,
  mailbox: MailboxId,
  position: Position,
): Promise<void> {
  if (position.epoch !== store.epoch) return;
  const key = keys.message(mailbox, position.versionstamp);
  const { value } = await store.get<MessageEntry>(key);
  if (value === null) return;
  await store.commit((operation) => {
    operation.delete(key);
    deleteObject(operation, value.object, value.size);
  });
}

/** Messages deleted in one commit: some 400 of its 1,000 mutations at most. */
const DELETE_BATCH = 50;

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
  for (let deleted = 0;;) {
    const entries = await store.list<MessageEntry>(range, DELETE_BATCH);
    if (entries.length === 0) return deleted;
    await store.commit((operation) => {
      for (const { key, value } of entries) {
        operation.delete(key);
        deleteObject(operation, value.object, value.size);
      }
    });
    deleted += entries.length;
  }
}
