/**
 * Backups: a consistent copy of a store, portable between backends (DESIGN
 * section 4).
 *
 * A list in KV is no snapshot, so the order of reading makes the copy whole.
 * Marks come first: one whose log entry is not found later belongs to a message
 * that was deleted, never to one that was missed. A log entry is then read with
 * everything that was committed with it. Mailboxes come last, so that none of
 * the copied messages is without its own.
 */
import type { MailboxId } from "../../lib/ids.ts";
import { keys, KINDS } from "../kinds.ts";
import { readRow } from "../mail/change.ts";
import type { Readers } from "../mail/readers.ts";
import type { Entry, Key } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import { BackupWriter, type WriteBytes } from "./file.ts";
import { markRecord, readMessage } from "./message.ts";
import { BackupError } from "./records.ts";

/** What a backup holds. */
export interface BackupCounts {
  /** Messages in the logs, tombstones among them. */
  messages: number;
  /** Marks of messages, deleted ones among them. */
  marks: number;
  /** Mailboxes that were opened. */
  mailboxes: number;
  /** Devices that acknowledge for themselves. */
  readers: number;
  /** Messages left out, for a part of them was not there or not as stored. */
  damaged: number;
  /** Bytes of the file. */
  bytes: number;
}

/** How a store is copied. */
export interface BackupOptions {
  /** Takes the file. */
  readonly write: WriteBytes;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Hears now and then how far it is. */
  readonly onProgress?: (counts: Readonly<BackupCounts>) => void;
}

/** Entries listed at once: a row of the log has up to 64 KiB. */
const PAGE = 100;
/** Messages read at once, each of up to 320 KiB. */
const READ_AT_ONCE = 10;

/**
 * Copies a store that may be in use meanwhile. What is committed during that
 * time may be in the copy or not, but nothing of it in part.
 *
 * @throws {BackupError} `store-kind-unknown`
 * @throws {Problem} `busy` if the database fails
 */
export async function backupStore(
  store: Store,
  { write, now, onProgress = () => {} }: BackupOptions,
): Promise<BackupCounts> {
  await checkKinds(store);
  const counts = {
    messages: 0,
    marks: 0,
    mailboxes: 0,
    readers: 0,
    damaged: 0,
    bytes: 0,
  };
  const writer = new BackupWriter(write);
  const tell = () => {
    counts.bytes = writer.bytes;
    onProgress(counts);
  };
  const { window } = await store.check() ?? {};
  await writer.begin({
    epoch: store.epoch,
    madeAt: now(),
    ...(window !== undefined && { window }),
  });

  for await (const page of pagesOf(store, keys.seens())) {
    for (const mark of page) {
      await writer.add(markRecord(store, mark));
      counts.marks += 1;
    }
    tell();
  }
  // Before the log: a position stands for entries that are still there.
  for await (const page of pagesOf<Readers>(store, ["readers"])) {
    for (const { key: [, mailbox], value } of page) {
      for (const [reader, { place, isSilent }] of Object.entries(value)) {
        await writer.add({
          kind: "reader",
          mailbox: mailbox as MailboxId,
          reader,
          position: place,
          ...(isSilent && { isSilent }),
        });
        counts.readers += 1;
      }
    }
  }
  for await (const page of pagesOf(store, keys.everyMessage())) {
    const all = page.map(readRow).flatMap((row) =>
      row.messages.map((message) => ({ row, message }))
    );
    for (let start = 0; start < all.length; start += READ_AT_ONCE) {
      const some = all.slice(start, start + READ_AT_ONCE);
      const read = await Promise.all(
        some.map(({ row, message }) => readMessage(store, row, message, now)),
      );
      for (const { record, mark, isDamaged } of read) {
        if (isDamaged) counts.damaged += 1;
        if (record !== null) {
          await writer.add(record);
          counts.messages += 1;
        } else if (mark !== null) await writer.add(markRecord(store, mark));
      }
      tell();
    }
  }
  for (const [kind, { backup }] of Object.entries(KINDS)) {
    if (backup !== "copied") continue;
    for await (const page of pagesOf<unknown>(store, [kind])) {
      for (const { key, value } of page) {
        await writer.add({ kind: "entry", key, value });
        if (kind === "mailbox") counts.mailboxes += 1;
      }
    }
  }
  await writer.end();
  tell();
  return counts;
}

/** The entries under a prefix, some at a time. */
async function* pagesOf<T>(
  store: Store,
  prefix: Key<T>,
): AsyncGenerator<Entry<T>[]> {
  let start: Key = behind(prefix);
  for (;;) {
    const page = await store.list<T>({ prefix, start }, PAGE);
    yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    start = behind(last.key);
  }
}

/** The least key that is greater: an empty Uint8Array sorts before all else. */
function behind(key: Key): Key {
  return [...key, new Uint8Array()];
}

/** The first parts of all keys, each once, without reading what is between. */
export async function* kindsOf(store: Store): AsyncGenerator<string> {
  let start: Key = [new Uint8Array()];
  for (;;) {
    const [entry] = await store.list({ prefix: [], start }, 1);
    if (entry === undefined) return;
    const kind = String(entry.key[0]);
    yield kind;
    // Above every key that begins with this part, and below any other's.
    start = typeof entry.key[0] === "string"
      ? [`${kind}\0`]
      : behind(entry.key);
  }
}

async function checkKinds(store: Store): Promise<void> {
  for await (const kind of kindsOf(store)) {
    if (Object.hasOwn(KINDS, kind)) continue;
    throw new BackupError(
      "store-kind-unknown",
      `the store has entries of kind "${kind}", which this version does not know; ` +
        "back it up with the version that wrote them",
    );
  }
}
