/**
 * What falls due: one index of everything that ends, by the hour in which it
 * does. Seeing to it costs what is due, not what is held.
 */
import type { MailboxId, MessageId } from "../../lib/ids.ts";
import { keys } from "../kinds.ts";
import type { Gathered } from "../store/commit_part.ts";
import type { Entry, Operation } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import { HOUR } from "./usage.ts";

/** What can fall due. */
export type DueKind =
  /** A hold ends: the body goes, a tombstone stays. */
  | "hold"
  /** A tombstone is listed no more. */
  | "tombstone"
  /** The work of a message that is gone cannot be sent again: its mark goes. */
  | "mark"
  /** A mailbox may have been left unused. */
  | "mailbox";

/** One thing that falls due. */
export interface DueItem {
  /** Whose it is. */
  readonly mailbox: MailboxId;
  /** The message; of all but mailboxes. */
  readonly id?: MessageId;
  /** Versionstamp of the commit that stored it, if it is not the due row's own. */
  readonly stamp?: string;
  /** Which message of that commit it was. */
  readonly index?: number;
}

/** Bytes of an item in its row, at most. */
export const DUE_BYTES = 320;
/** Items of one row: a KV value holds them. */
const MOST_ITEMS = 150;

/** What one commit finds to fall due. */
export class DueRows implements Gathered {
  readonly #rows = new Map<string, {
    readonly hour: number;
    readonly kind: DueKind;
    readonly items: DueItem[];
  }>();

  /** Adds an item that falls due at a time (Unix milliseconds). */
  add(kind: DueKind, at: number, item: DueItem): void {
    const hour = hourOf(at);
    const name = `${hour} ${kind}`;
    const row = this.#rows.get(name) ?? { hour, kind, items: [] };
    row.items.push(item);
    this.#rows.set(name, row);
  }

  /** Writes rows for each hour and kind. */
  finish(operation: Operation): void {
    for (const { hour, kind, items } of this.#rows.values()) {
      for (let n = 0; n * MOST_ITEMS < items.length; n++) {
        const some = items.slice(n * MOST_ITEMS, (n + 1) * MOST_ITEMS);
        operation.set(keys.newDue(hour, kind, n), some);
      }
    }
  }
}

/** The first hour that begins no earlier than a time. */
export function hourOf(at: number): number {
  return Math.ceil(at / HOUR);
}

/** A row of what is due. */
export interface DueRow {
  /** As it stands in the store. */
  readonly entry: Entry<readonly DueItem[]>;
  /** What is to be done. */
  readonly kind: DueKind;
  /** Versionstamp of the commit that wrote it. */
  readonly stamp: string;
}

/** The first rows that are due at `now` (Unix milliseconds). */
export async function listDue(
  store: Store,
  now: number,
  limit: number,
): Promise<DueRow[]> {
  const range = {
    prefix: keys.dues(),
    end: keys.duesFrom(Math.floor(now / HOUR) + 1),
  };
  const entries = await store.list(range, limit);
  return entries.map((entry) => ({
    entry,
    kind: entry.key[2] as DueKind,
    stamp: String(entry.key.at(-1)),
  }));
}
