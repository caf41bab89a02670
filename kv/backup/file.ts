/**
 * The file of a backup: lines of JSON in UTF-8, each a record as
 * {@link encodeValue} writes it. The first is the {@link BackupHeader}, the last
 * counts the records between and has the BLAKE3-256 of every byte before it, so
 * that what was cut short or altered by mishap is not taken for a backup. It
 * does not show who wrote it: a backup has to be kept as safe as the store.
 */
import { createBLAKE3 } from "hash-wasm";
import type { z } from "zod";
import type { Bytes } from "../../lib/bytes.ts";
import {
  BACKUP_VERSION,
  BackupError,
  type BackupHeader,
  type BackupRecord,
  endForm,
  headerForm,
  READ_VERSIONS,
  recordForm,
} from "./records.ts";
import { decodeValue, encodeValue, type Json } from "./value.ts";

/** Takes the bytes of a file, one piece after another. */
export type WriteBytes = (bytes: Bytes) => Promise<void>;

const NEWLINE = 0x0a;

/** Writes a backup's lines. */
export class BackupWriter {
  readonly #write: WriteBytes;
  #hash: Awaited<ReturnType<typeof createBLAKE3>> | null = null;
  #records = 0;
  #bytes = 0;

  /** Hands every line to `write` and waits for it. */
  constructor(write: WriteBytes) {
    this.#write = write;
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Writes the first line. */
  async begin(header: Omit<BackupHeader, "format" | "version">): Promise<void> {
    this.#hash = (await createBLAKE3(256)).init();
    await this.#line(
      { format: "restante-backup", version: BACKUP_VERSION, ...header },
    );
  }

  /** Writes a record. */
  async add(record: BackupRecord): Promise<void> {
    this.#records += 1;
    await this.#line(record);
  }

  /** Writes the last line. */
  async end(): Promise<void> {
    const blake3 = this.#hash?.digest("hex") ?? "";
    this.#hash = null;
    await this.#line({ end: { records: this.#records, blake3 } });
  }

  async #line(value: unknown): Promise<void> {
    const text = `${JSON.stringify(encodeValue(value))}\n`;
    const line = new TextEncoder().encode(text);
    this.#hash?.update(line);
    this.#bytes += line.length;
    await this.#write(line);
  }
}

/** A record, and how far it is into the file. */
export interface ReadRecord {
  /** The first line. */
  readonly header: BackupHeader;
  /** What the line says. */
  readonly record: BackupRecord;
  /** Bytes of the line. */
  readonly size: number;
  /** Bytes of the file up to and with it. */
  readonly position: number;
}

/**
 * The records of a backup; they can be relied on once the last has been read.
 * The generator's return value has the first line.
 *
 * @throws {BackupError} `backup-damaged`, `backup-version`
 */
export async function* readBackup(
  file: AsyncIterable<Uint8Array>,
): AsyncGenerator<ReadRecord, { readonly header: BackupHeader }> {
  const digest = (await createBLAKE3(256)).init();
  let header: BackupHeader | null = null;
  let records = 0;
  let position = 0;
  let isEnded = false;
  for await (const line of linesOf(file)) {
    if (isEnded) throw damaged("there is something behind its end");
    const value = parseLine(line);
    position += line.length + 1;
    if (header === null) {
      header = readHeader(value);
    } else if (isEnd(value)) {
      const { end } = checked(endForm, value);
      if (end.records !== records || end.blake3 !== digest.digest("hex")) {
        throw damaged("it is not what was written");
      }
      isEnded = true;
      continue;
    } else {
      records += 1;
      const record = checked(recordForm, value) as BackupRecord;
      yield { header, record, size: line.length, position };
    }
    digest.update(line).update(new Uint8Array([NEWLINE]));
  }
  if (header === null || !isEnded) throw damaged("its end is missing");
  return { header };
}

function isEnd(value: unknown): boolean {
  return typeof value === "object" && value !== null && "end" in value;
}

function readHeader(value: unknown): BackupHeader {
  const header = checked(headerForm, value);
  if (READ_VERSIONS.includes(header.version)) return header;
  throw new BackupError(
    "backup-version",
    `the backup is of version ${header.version}, and up to ${BACKUP_VERSION} can be read`,
  );
}

/** Longest line: the largest message is far below. */
const LINE_BYTES = 4 * 2 ** 20;

/** The lines of a file without their ends. */
async function* linesOf(
  file: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of file) {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      const part = chunk.slice(start, end < 0 ? chunk.length : end);
      parts.push(part);
      size += part.length;
      if (size > LINE_BYTES) throw damaged("a line is too long");
      if (end < 0) break;
      yield parts.length === 1 ? part : joined(parts, size);
      [parts, size, start] = [[], 0, end + 1];
    }
  }
  if (size > 0) throw damaged("its last line is cut short");
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function parseLine(line: Uint8Array): unknown {
  try {
    return decodeValue(JSON.parse(utf8.decode(line)) as Json);
  } catch (cause) {
    throw damaged("a line cannot be read", { cause });
  }
}

function checked<T>(form: z.ZodType<T>, value: unknown): T {
  const result = form.safeParse(value);
  if (result.success) return result.data;
  throw damaged("a line is not of a backup", { cause: result.error });
}

function damaged(why: string, options?: ErrorOptions): BackupError {
  return new BackupError(
    "backup-damaged",
    `the backup is damaged: ${why}`,
    options,
  );
}
