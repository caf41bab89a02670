/** What is in a backup, line by line; a hostile one is refused here. */
import { z } from "zod";
import type { Bytes } from "../../lib/bytes.ts";
import { CURSOR_FORM, type Place, PLACE_FORM } from "../../lib/cursor.ts";
import type { MailboxId, MessageId } from "../../lib/ids.ts";
import { envelopeBytes, NETWORK_LIMITS } from "../../lib/minima/maxtxpow.ts";
import { PRIORITIES, type Priority } from "../../lib/object.ts";
import { MAX_FORMER_KEYS } from "../../lib/signing_key.ts";
import type { KindName, KINDS } from "../kinds.ts";
import type { StoredFacts } from "../mail/entry.ts";
import type { Key } from "../store/database.ts";
import type { WidestWindow } from "../store/record.ts";

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

/** The version of the format that is written. */
export const BACKUP_VERSION = 2;
/** The versions that are read; the first kept a body in parts. */
export const READ_VERSIONS: readonly number[] = [1, 2];

/** The first line. */
export interface BackupHeader {
  /** What the file is. */
  readonly format: "restante-backup";
  /** One of {@link READ_VERSIONS}. */
  readonly version: number;
  /** Epoch of the store that was copied. */
  readonly epoch: string;
  /** When the copy was begun: Unix milliseconds. */
  readonly madeAt: number;
  /** The widest window of work that the store ever had. */
  readonly window?: WidestWindow | undefined;
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

/** A message of the log with everything that was committed with it. */
export interface MessageRecord {
  /** Tells it from the others. */
  readonly kind: "message";
  /** Where it stood in the log of its mailbox. */
  readonly place: Place;
  /** Hash of its package. */
  readonly id: MessageId;
  /** Bits a second; a slower link gets no body. */
  readonly minBandwidth: number;
  /** By the sender's word. */
  readonly priority: Priority;
  /** What its mark says. */
  readonly facts: StoredFacts;
  /** Null once its hold has ended. */
  readonly body: Bytes | null;
}

/** What a device has acknowledged. */
export interface ReaderRecord {
  /** Tells it from the others. */
  readonly kind: "reader";
  /** Whose log it reads. */
  readonly mailbox: MailboxId;
  /** The device. */
  readonly reader: string;
  /** Place in the log. */
  readonly position: Place;
  /** It reads, and has never acknowledged anything. */
  readonly isSilent?: true | undefined;
}

/** An entry that is restored as it was. */
export interface EntryRecord {
  /** Tells it from the others. */
  readonly kind: "entry";
  /** Its key. */
  readonly key: Key;
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
const place = z.string().regex(PLACE_FORM);
const bytes = z.instanceof(Uint8Array);
/** A time that a log row can hold: u48. */
const time = z.int().nonnegative().max(2 ** 48 - 1);
const size = z.int().positive().max(envelopeBytes(NETWORK_LIMITS));
const minBandwidth = z.int().nonnegative().max(2 ** 32 - 1);
const priority = z.enum(PRIORITIES);

/** Checks the first line. */
export const headerForm = z.object({
  format: z.literal("restante-backup"),
  version: z.int(),
  epoch: z.string().regex(/^[0-9a-f]{12}$/),
  madeAt: time,
  window: z.object({
    back: time,
    floor: time,
    former: z.array(z.object({ back: time, until: time })).max(100).optional(),
  }).optional(),
});

/** Checks the last line. */
export const endForm = z.object({
  end: z.object({ records: z.int(), blake3: hash }),
});

/** What belongs to the store it was in is left behind: `stamp`, `index`. */
const facts = z.object({
  mailbox: hash,
  object: hash,
  size,
  storedAt: time,
  holdUntil: time,
  paid: z.object({ by: z.literal("work"), hashes: z.number().nonnegative() }),
  root: hash.optional(),
  paidFor: z.number().nonnegative().optional(),
  workUntil: time.optional(),
  cursor: z.string().regex(CURSOR_FORM),
});

/** The kinds whose entries are restored as they were. */
type CopiedKind = {
  [K in KindName]: typeof KINDS[K]["backup"] extends "copied" ? K : never;
}[KindName];

const key = bytes.refine(({ length }) => length <= 16_384);

/** What is relied on of a copied entry; further members are carried along. */
const COPIED: Readonly<
  Record<CopiedKind, { readonly id: z.ZodType; readonly value: z.ZodType }>
> = {
  relay: {
    id: z.literal("keys"),
    value: z.looseObject({
      signing: key.optional(),
      maxima: key.optional(),
      signer: z.string().max(64).optional(),
      former: z.array(z.looseObject({ x: z.string().max(64), until: time }))
        .max(MAX_FORMER_KEYS).optional(),
    }),
  },
  mailbox: {
    id: hash,
    value: z.looseObject({
      publicKey: key,
      createdAt: time,
      usedAt: time.optional(),
      quota: z.object({
        bytes: z.number().nonnegative(),
        messages: z.number().nonnegative(),
      }).optional(),
      revokedAt: time.optional(),
    }),
  },
  handshake: {
    // Those of former versions are shorter (lib/handshake.ts).
    id: z.string().regex(/^([0-9a-f]{60}|[0-9a-f]{68})$/),
    value: z.literal(true),
  },
};

/** An entry of a kind that is copied, whose value is of that kind's form. */
const entry = z.object({
  kind: z.literal("entry"),
  key: z.tuple([z.string(), z.string().max(200)]),
  value: z.unknown(),
}).refine(({ key: [kind, id], value }) => {
  const forms = isCopied(kind) ? COPIED[kind] : null;
  return forms !== null && forms.id.safeParse(id).success &&
    forms.value.safeParse(value).success;
});

function isCopied(kind: string): kind is CopiedKind {
  return Object.hasOwn(COPIED, kind);
}

const message = z.object({
  kind: z.literal("message"),
  place,
  id: hash,
  minBandwidth,
  priority,
  facts,
  body: bytes.nullable(),
});

/** A message as the first version has it. */
const firstMessage = z.object({
  kind: z.literal("message"),
  mailbox: hash,
  stamp: place,
  entry: z.looseObject({
    id: hash,
    minBandwidth,
    priority,
    body: bytes.nullable(),
  }),
  facts,
  header: z.looseObject({}).nullable(),
  segments: z.array(bytes),
}).transform(({ stamp, entry, facts, header, segments }) => {
  const { id, minBandwidth, priority } = entry;
  const kept = entry.body ?? joined(segments);
  const body = header === null ? null : kept;
  const kind = "message" as const;
  return { kind, place: stamp, id, minBandwidth, priority, facts, body };
});

/** Checks a {@link BackupRecord}. */
export const recordForm = z.union([
  z.object({ kind: z.literal("mark"), id: hash, facts }),
  message,
  firstMessage,
  z.object({
    kind: z.literal("reader"),
    mailbox: hash,
    reader: z.string().regex(/^[\w.-]{1,64}$/),
    position: place,
    isSilent: z.literal(true).optional(),
  }),
  entry,
]);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
