/** The log as a commit writes it: one row for each mailbox that gets mail. */
import { keys } from "../kinds.ts";
import type { Gathered } from "../store/commit_part.ts";
import type { Operation } from "../store/database.ts";
import type { MailboxId } from "../../lib/ids.ts";
import { INLINE_BYTES } from "./objects.ts";
import type { MessageEntry } from "./entry.ts";
import { encodeRow, ENTRY_BYTES, ROW_BYTES } from "./row.ts";

/** Messages that a mailbox may get from one commit: more than checks allow. */
const MOST_IN_ROW = 128;

/** Bytes of the bodies that stand in a row, at most. */
export const ROW_BODIES: number = ROW_BYTES - 1 - MOST_IN_ROW * ENTRY_BYTES;

interface Row {
  readonly entries: MessageEntry[];
  /** Bytes of the bodies that stand in it. */
  bodies: number;
}

/** The rows of one commit. */
export class LogRows implements Gathered {
  readonly #rows = new Map<MailboxId, Row>();

  /** Adds a message behind the others of its mailbox; gives its entry. */
  add(
    mailbox: MailboxId,
    message: Omit<MessageEntry, "index" | "place">,
  ): MessageEntry {
    const row = this.#rows.get(mailbox) ?? { entries: [], bodies: 0 };
    this.#rows.set(mailbox, row);
    const isInEntry = message.body !== null && message.size <= INLINE_BYTES &&
      row.bodies + message.size <= ROW_BODIES;
    const entry: MessageEntry = {
      ...message,
      index: row.entries.length,
      place: message.body === null ? "none" : isInEntry ? "entry" : "segments",
      body: isInEntry ? message.body : null,
    };
    if (isInEntry) row.bodies += message.size;
    row.entries.push(entry);
    return entry;
  }

  /** Writes the rows. */
  finish(operation: Operation): void {
    for (const [mailbox, { entries }] of this.#rows) {
      operation.set(keys.newMessage(mailbox), encodeRow(entries));
    }
  }
}
