/**
 * Restoring a backup into an empty store (DESIGN section 4).
 *
 * The database numbers the log anew: every message is committed again, in the
 * order of its mailbox, with all that belongs to it in one atomic operation.
 * Under its new epoch the store never gave out the cursors that clients hold, so
 * they read from the oldest held and miss nothing. Receipts stay as they were:
 * a mark keeps the cursor that its receipt names.
 *
 * Until the last commit the store's record says that it is not whole, and
 * nobody can open it.
 */
import { START_VERSIONSTAMP } from "../../lib/cursor.ts";
import type { MailboxId, MessageId } from "../../lib/ids.ts";
import { HANDSHAKE_LIFETIME } from "../../lib/handshake.ts";
import { readBackup } from "./file.ts";
import type { BackupHeader, MessageRecord, ReaderRecord } from "./records.ts";
import type { CommitPart } from "../store/commit_queue.ts";
import { keys } from "../keys.ts";
import { type StoredFacts, TOMBSTONE_MS } from "../mail/entry.ts";
import { READER_KEPT } from "../mail/mailboxes.ts";
import type { Store } from "../store/store.ts";
import { beginRestore, checkEmpty, endRestore } from "./restore_target.ts";
import { WriteBatch } from "./restore_batch.ts";

/** What was restored. */
export interface RestoreCounts {
  /** Messages in the logs, tombstones among them. */
  messages: number;
  /** Marks of messages that are no longer in a log. */
  marks: number;
  /** Mailboxes that were opened. */
  mailboxes: number;
  /** Devices that acknowledge for themselves. */
  readers: number;
  /** Entries left out, for their time has come since. */
  expired: number;
}

/** What became of a restore. */
export interface RestoredStore extends RestoreCounts {
  /** The store's new epoch. */
  readonly epoch: string;
  /** When the backup was begun: Unix milliseconds. */
  readonly madeAt: number;
}

/** How a backup is restored. */
export interface RestoreOptions {
  /** Reads the file from its start; it is read three times. */
  readonly read: () => AsyncIterable<Uint8Array>;
  /** Unix milliseconds. */
  readonly now: () => number;
  /**
   * Milliseconds after its storing during which a message's work could be sent
   * again: the relay's window, back and ahead.
   */
  readonly workWindow: number;
  /** Hears how many bytes of the file were read in which step. */
  readonly onProgress?: (step: RestoreStep, bytes: number) => void;
}

/** The steps, in their order; each reads the whole file. */
export const RESTORE_STEPS = ["check", "mail", "marks"] as const;

/** One of {@link RESTORE_STEPS}. */
export type RestoreStep = typeof RESTORE_STEPS[number];

/** Bytes of messages that wait for their commits. */
const WAITING_BYTES = 8 * 2 ** 20;
/** Marks written in one operation. */
const MARKS_AT_ONCE = 100;

/** A backup that {@link checkBackup} found whole. */
export interface CheckedBackup extends RestoreOptions {
  /** Its first line. */
  readonly header: BackupHeader;
}

/**
 * Checks a whole backup, before there is a store that it could be written to.
 *
 * @throws {BackupError} `backup-damaged`, `backup-version`
 */
export async function checkBackup(
  options: RestoreOptions,
): Promise<CheckedBackup> {
  const records = readBackup(options.read());
  for (;;) {
    const { done, value } = await records.next();
    if (done) return { ...options, header: value };
    options.onProgress?.("check", value.position);
  }
}

/**
 * Restores a backup into an empty store, which can be opened again afterwards.
 *
 * @throws {BackupError} `store-not-empty`; `backup-damaged` if it was altered
 * since it was checked
 * @throws {Problem} `busy` if the database fails; the store is then not whole
 */
export async function restoreStore(
  store: Store,
  backup: CheckedBackup,
): Promise<RestoredStore> {
  await checkEmpty(store);
  const epoch = await beginRestore(store, backup.now());
  const restore = new Restore(store, backup);
  await restore.mail();
  await restore.marks();
  await endRestore(store, epoch, backup.now());
  return { ...restore.counts, epoch, madeAt: backup.header.madeAt };
}

/** A restore under way. */
class Restore {
  readonly counts: RestoreCounts = {
    messages: 0,
    marks: 0,
    mailboxes: 0,
    readers: 0,
    expired: 0,
  };
  readonly #store: Store;
  readonly #options: RestoreOptions;
  /** By mailbox; with the position that each has in the new numbering. */
  readonly #readers = new Map<MailboxId, (ReaderRecord & { now: string })[]>();

  constructor(store: Store, options: RestoreOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** Restores all but the marks of messages that are no longer in a log. */
  async mail(): Promise<void> {
    const batch = new WriteBatch(this.#store);
    let waiting: Promise<void>[] = [];
    let bytes = 0;
    for await (const { record, size } of this.#records("mail")) {
      if (record.kind === "reader") this.#addReader(record);
      else if (record.kind === "entry") {
        await this.#addEntry(batch, record, size);
      } else if (record.kind === "message") {
        const added = this.#addMessage(record, size);
        added.catch(() => {}); // it is heard of below
        waiting.push(added);
        bytes += size;
        if (bytes < WAITING_BYTES) continue;
        await Promise.all(waiting);
        [waiting, bytes] = [[], 0];
      }
    }
    await Promise.all(waiting);
    for (const reader of [...this.#readers.values()].flat()) {
      const key = keys.reader(reader.mailbox, reader.reader);
      await batch.set(key, reader.now, READER_KEPT);
      this.counts.readers += 1;
    }
    await batch.end();
  }

  /** Restores the marks that are not there yet. */
  async marks(): Promise<void> {
    let some = new Map<MessageId, StoredFacts>();
    for await (const { record } of this.#records("marks")) {
      if (record.kind === "mark") some.set(record.id, record.facts);
      else if (record.kind === "message") {
        // It may have expired since, before its mark.
        some.set(record.entry.id, record.facts);
      }
      if (some.size < MARKS_AT_ONCE) continue;
      await this.#addMarks([...some]);
      some = new Map();
    }
    await this.#addMarks([...some]);
  }

  async #addMarks(marks: readonly (readonly [MessageId, StoredFacts])[]) {
    const store = this.#store;
    const there = await Promise.all(
      marks.map(([id]) => store.get(keys.seen(id))),
    );
    const missing = marks.filter(([, facts], i) =>
      // A message's mark was committed with it and keeps its versionstamp.
      there[i]?.value === null && this.#markKept(facts) > 0
    );
    if (missing.length === 0) return;
    await store.commit((operation) => {
      for (const [id, facts] of missing) {
        const expireIn = this.#markKept(facts);
        operation.set(keys.seen(id), facts, {
          expireIn: Math.max(expireIn, 1),
        });
      }
    });
    this.counts.marks += missing.length;
  }

  async *#records(step: RestoreStep) {
    const { read, onProgress } = this.#options;
    for await (const one of readBackup(read())) {
      yield one;
      onProgress?.(step, one.position);
    }
  }

  #addReader(record: ReaderRecord): void {
    const others = this.#readers.get(record.mailbox) ?? [];
    this.#readers.set(record.mailbox, [
      ...others,
      { ...record, now: START_VERSIONSTAMP },
    ]);
  }

  async #addEntry(
    batch: WriteBatch,
    { key, value }: { key: Deno.KvKey; value: unknown },
    size: number,
  ): Promise<void> {
    const [kind, id] = key;
    if (kind === "handshake") {
      // Its id begins with its end (lib/handshake.ts).
      const end = parseInt(String(id).slice(0, 12), 16) + HANDSHAKE_LIFETIME;
      const expireIn = end - this.#options.now();
      if (expireIn > 0) await batch.set(key, value, expireIn, size);
      return;
    }
    await batch.set(key, value, undefined, size);
    if (kind === "mailbox") this.counts.mailboxes += 1;
  }

  async #addMessage(record: MessageRecord, size: number): Promise<void> {
    const { mailbox, stamp, entry } = record;
    const listed = entry.holdUntil + TOMBSTONE_MS - this.#options.now();
    if (listed <= 0) {
      this.counts.expired += 1;
      return;
    }
    const { versionstamp } = await this.#store.commits.add(
      this.#partOf(record, size, listed),
    );
    this.counts.messages += 1;
    for (const reader of this.#readers.get(mailbox) ?? []) {
      const isRead = stamp <= reader.position;
      if (isRead && versionstamp > reader.now) reader.now = versionstamp;
    }
  }

  #partOf(record: MessageRecord, size: number, listed: number): CommitPart {
    const { mailbox, entry, facts, header, segments } = record;
    const store = this.#store;
    const held = header === null ? 0 : header.holdUntil - this.#options.now();
    return {
      id: entry.id,
      mailbox,
      facts,
      mutations: 3 + segments.length,
      bytes: size, // of its line, which is longer than its keys and values
      add: (operation) => {
        operation
          .set(keys.seen(entry.id), facts, {
            expireIn: Math.max(this.#markKept(facts), listed),
          })
          .set(keys.message(mailbox, store.commitVersionstamp()), entry, {
            expireIn: listed,
          });
        if (held <= 0) return;
        const expireIn = held;
        operation.set(keys.object(entry.object), header, { expireIn });
        for (const [n, segment] of segments.entries()) {
          operation.set(keys.segment(entry.object, n), segment, { expireIn });
        }
      },
    };
  }

  /** As long as the work could be sent again, at most, and a tombstone stands. */
  #markKept({ holdUntil, storedAt }: StoredFacts): number {
    const { workWindow, now } = this.#options;
    return Math.max(holdUntil, storedAt + workWindow) + TOMBSTONE_MS - now();
  }
}
