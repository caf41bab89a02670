/** What is in a backup, line by line. */
import { z } from "zod";
import type { Bytes } from "../../lib/bytes.ts";
import { CURSOR_FORM } from "../../lib/cursor.ts";
import type { MailboxId, MessageId } from "../../lib/ids.ts";
import type { MessageEntry, StoredFacts } from "../mail/entry.ts";
import type { ObjectHeader } from "../mail/objects.ts";

/** What can be wrong with a backup, or with where it is to go. */
export type BackupErrorCode =
  | "backup-damaged"
  | "backup-version"
  | "store-not-empty"
  | "store-kind-unknown";

/** A backup cannot be made or restored. */
export class BackupError extends Error {
  /** The class, for logs. */
  override name = "BackupError";
  /** Which failure it is; stable. */
  readonly code: BackupErrorCode;

  /** The message says what was wrong this time, for people. */
  constructor(code: BackupErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The version of the format that is written, and the one that is read. */
export const BACKUP_VERSION = 1;

/** The first line. */
export interface BackupHeader {
  /** What the file is. */
  readonly format: "restante-backup";
  /** {@link BACKUP_VERSION} */
  readonly version: number;
  /** Epoch of the store that was copied. */
  readonly epoch: string;
  /** When the copy was begun: Unix milliseconds. */
  readonly madeAt: number;
}

/** A dedupe mark. Its facts have the cursor that its receipt names. */
export interface MarkRecord {
  /** Tells it from the others. */
  readonly kind: "mark";
  /** Whose mark it is. */
  readonly id: MessageId;
  /** What receipts are made of. */
  readonly facts: StoredFacts;
}

/** A log entry with everything that was committed with it. */
export interface MessageRecord {
  /** Tells it from the others. */
  readonly kind: "message";
  /** Whose log it is in. */
  readonly mailbox: MailboxId;
  /** Where it stood there: 20 hex digits. */
  readonly stamp: string;
  /** The log entry. */
  readonly entry: MessageEntry;
  /** Its mark. */
  readonly facts: StoredFacts;
  /** Null once its hold has ended. */
  readonly header: ObjectHeader | null;
  /** A body that does not stand in the log entry. */
  readonly segments: readonly Bytes[];
}

/** What a device has acknowledged. */
export interface ReaderRecord {
  /** Tells it from the others. */
  readonly kind: "reader";
  /** Whose log it reads. */
  readonly mailbox: MailboxId;
  /** The device. */
  readonly reader: string;
  /** Position in the log: 20 hex digits. */
  readonly position: string;
}

/** An entry that is restored as it was. */
export interface EntryRecord {
  /** Tells it from the others. */
  readonly kind: "entry";
  /** Its key. */
  readonly key: Deno.KvKey;
  /** Its value. */
  readonly value: unknown;
}

/** What a backup has between its first line and its last. */
export type BackupRecord =
  | MarkRecord
  | MessageRecord
  | ReaderRecord
  | EntryRecord;

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const stamp = z.string().regex(/^[0-9a-f]{20}$/);
const bytes = z.instanceof(Uint8Array);
const time = z.int();

/** Checks the first line. */
export const headerForm = z.object({
  format: z.literal("restante-backup"),
  version: z.int(),
  epoch: z.string(),
  madeAt: time,
});

/** Checks the last line. */
export const endForm = z.object({
  end: z.object({ records: z.int(), blake3: hash }),
});

/** What is relied on; further members are carried along as they are. */
const facts = z.looseObject({
  mailbox: hash,
  object: hash,
  size: z.int().nonnegative(),
  storedAt: time,
  holdUntil: time,
  cursor: z.string().regex(CURSOR_FORM),
});
/** Checks a {@link BackupRecord}. */
export const recordForm = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("mark"), id: hash, facts }),
  z.object({
    kind: z.literal("message"),
    mailbox: hash,
    stamp,
    entry: z.looseObject({ id: hash, object: hash, holdUntil: time }),
    facts,
    header: z.looseObject({ holdUntil: time }).nullable(),
    segments: z.array(bytes),
  }),
  z.object({
    kind: z.literal("reader"),
    mailbox: hash,
    reader: z.string(),
    position: stamp,
  }),
  z.object({
    kind: z.literal("entry"),
    key: z.array(z.unknown()).min(1),
    value: z.unknown(),
  }),
]);
