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
import { HANDSHAKE_LIFETIME } from "../../lib/handshake.ts";
import type { MailboxId, MessageId } from "../../lib/ids.ts";
import { type Place, placeOf, START_VERSIONSTAMP } from "../../lib/cursor.ts";
import { keys } from "../kinds.ts";
import { type StoredFacts, TOMBSTONE_MS } from "../mail/entry.ts";
import { commitMail } from "../mail/mail_batch.ts";
import { type Mailbox, restoreMailbox } from "../mail/mailboxes.ts";
import { restoreMark } from "../mail/marks.ts";
import type { Readers } from "../mail/readers.ts";
import type { Key } from "../store/database.ts";
import type { Store } from "../store/store.ts";
import { readBackup, type ReadRecord } from "./file.ts";
import type { BackupHeader, MessageRecord, ReaderRecord } from "./records.ts";
import { endOfHandshake, Inspector } from "./soundness.ts";
import { WriteBatch } from "./restore_batch.ts";
import { RestorePart } from "./restore_message.ts";
import { beginRestore, checkEmpty, endRestore } from "./restore_target.ts";

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

/** Messages that wait for their commits, and their bytes: less than a queue takes. */
const MOST_WAITING = 1_000;
const WAITING_BYTES = 8 * 2 ** 20;
/** Bytes of a device in its mailbox's row, at most. */
const READER_BYTES = 200;
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
  const records = inspected(options);
  for (;;) {
    const { done, value } = await records.next();
    if (done) return { ...options, header: value };
    options.onProgress?.("check", value.position);
  }
}

/** The records of a backup, each looked at; its return value is the first line. */
async function* inspected(
  { read, now }: RestoreOptions,
): AsyncGenerator<ReadRecord, BackupHeader> {
  const records = readBackup(read());
  let inspector: Inspector | null = null;
  for (;;) {
    const { done, value } = await records.next();
    const { header } = value;
    inspector ??= new Inspector(header, now());
    if (done) return header;
    inspector.look(value.record, value.size);
    yield value;
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
  await endRestore(store, epoch, backup);
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
  /** By mailbox; with the place that each has in the new numbering. */
  readonly #readers = new Map<MailboxId, (ReaderRecord & { now: Place })[]>();

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
        const added = this.#addMessage(record);
        added.catch(() => {}); // it is heard of below
        waiting.push(added);
        bytes += size;
        if (waiting.length < MOST_WAITING && bytes < WAITING_BYTES) continue;
        await Promise.all(waiting);
        [waiting, bytes] = [[], 0];
      }
    }
    await Promise.all(waiting);
    for (const [mailbox, readers] of this.#readers) {
      const at = this.#options.now();
      const row: Readers = Object.fromEntries(
        readers.map(({ reader, now, isSilent }) => [
          reader,
          { place: now, at, ...(isSilent && { isSilent }) },
        ]),
      );
      const size = READER_BYTES * readers.length;
      await batch.set(keys.readers(mailbox), row, undefined, size);
      this.counts.readers += readers.length;
    }
    await batch.end();
  }

  /** Restores the marks that are not there yet. */
  async marks(): Promise<void> {
    let some = new Map<MessageId, StoredFacts>();
    for await (const { record } of this.#records("marks")) {
      if (record.kind === "mark" || record.kind === "message") {
        // A message may have expired since, before its mark.
        some.set(record.id, this.#factsOf(record.facts));
      }
      if (some.size < MARKS_AT_ONCE) continue;
      await this.#addMarks(some);
      some = new Map();
    }
    await this.#addMarks(some);
  }

  async #addMarks(marks: ReadonlyMap<MessageId, StoredFacts>): Promise<void> {
    const now = this.#options.now();
    const added = await Promise.all(
      [...marks].map(([id, facts]) => restoreMark(this.#store, id, facts, now)),
    );
    this.counts.marks += added.filter((isNew) => isNew).length;
  }

  async *#records(step: RestoreStep) {
    const { onProgress } = this.#options;
    // Looked at again, for the file may have been exchanged since.
    for await (const one of inspected(this.#options)) {
      yield one;
      onProgress?.(step, one.position);
    }
  }

  #addReader(record: ReaderRecord): void {
    const others = this.#readers.get(record.mailbox) ?? [];
    const now = placeOf({ versionstamp: START_VERSIONSTAMP });
    this.#readers.set(record.mailbox, [...others, { ...record, now }]);
  }

  async #addEntry(
    batch: WriteBatch,
    { key, value }: { key: Key; value: unknown },
    size: number,
  ): Promise<void> {
    const [kind, id] = key;
    const now = this.#options.now();
    if (kind === "handshake") {
      const end = endOfHandshake(String(id)) + HANDSHAKE_LIFETIME;
      if (end > now) await batch.set(key, value, end - now, size);
    } else if (kind === "mailbox") {
      await restoreMailbox(this.#store, id as MailboxId, value as Mailbox, now);
      this.counts.mailboxes += 1;
    } else await batch.set(key, value, undefined, size);
  }

  async #addMessage(record: MessageRecord): Promise<void> {
    const now = this.#options.now();
    const facts = this.#factsOf(record.facts);
    const { mailbox, holdUntil } = facts;
    if (holdUntil + TOMBSTONE_MS <= now) {
      this.counts.expired += 1;
      return;
    }
    const part = new RestorePart(this.#store, { ...record, facts }, now);
    const place = await commitMail(this.#store, mailbox, part);
    this.counts.messages += 1;
    for (const reader of this.#readers.get(mailbox) ?? []) {
      // Those of a mailbox are committed in their order: the last is the furthest.
      if (record.place <= reader.position) reader.now = place;
    }
  }

  /** The first version did not note how long work could be sent again. */
  #factsOf(facts: StoredFacts): StoredFacts {
    const { workWindow } = this.#options;
    return {
      ...facts,
      workUntil: facts.workUntil ?? facts.storedAt + workWindow,
    };
  }
}
