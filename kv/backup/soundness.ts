/**
 * What a backup has to be beyond the form of its lines. Whoever made the file
 * may have hashed it rightly: nothing of it is believed that can be looked at.
 */
import { HANDSHAKE_LIFETIME } from "../../lib/handshake.ts";
import { blake3_256 } from "../../lib/hash.ts";
import { mailboxIdOf, objectHashOf } from "../../lib/ids.ts";
import type { Mailbox } from "../mail/mailboxes.ts";
import { MAX_READERS } from "../mail/readers.ts";
import {
  BackupError,
  type BackupHeader,
  type BackupRecord,
  type EntryRecord,
  type MessageRecord,
  type ReaderRecord,
} from "./records.ts";
import type { StoredFacts } from "../mail/entry.ts";

/** Milliseconds by which the clocks of those who made it may have differed. */
const SKEW = 86_400_000;
/** Milliseconds for which a window that was widened is still looked at. */
const WIDENED_WITHIN = 2 * 86_400_000;
/** Milliseconds that a message is held, at most: no relay sells as much. */
const MOST_HOLD = 10 * 365 * 86_400_000;
/** Bytes of the line of an entry: its value fits into the store then. */
const ENTRY_LINE_BYTES = 24_576;
/** Devices of a mailbox: in former versions some could get past the limit. */
const MOST_READERS = 4 * MAX_READERS;

/** Looks at one record after another; made anew for each reading of the file. */
export class Inspector {
  readonly #header: BackupHeader;
  readonly #ids = new Names();
  readonly #objects = new Names();
  #last = "";
  readonly #entries = new Map<unknown, string>();
  #readers = { mailbox: "", names: new Set<string>() };

  /**
   * Of the records behind a first line, read at `now` (Unix milliseconds).
   *
   * @throws {BackupError} `backup-damaged`
   */
  constructor(header: BackupHeader, now: number) {
    const { madeAt, window } = header;
    expect(madeAt <= now + SKEW, "it was made in days to come");
    expect(
      window === undefined || window.floor <= madeAt + SKEW,
      "its window of work begins after it was made",
    );
    expect(
      !window?.former?.some(({ until }) => until > madeAt + WIDENED_WITHIN),
      "its window of work is widened in days to come",
    );
    this.#header = header;
  }

  /**
   * Looks at a record, and at how many bytes its line has.
   *
   * @throws {BackupError} `backup-damaged`
   */
  look(record: BackupRecord, size: number): void {
    if (record.kind === "message") this.#lookAtMessage(record);
    else if (record.kind === "mark") this.#lookAtFacts(record.facts);
    else if (record.kind === "reader") this.#lookAtReader(record);
    else this.#lookAtEntry(record, size);
  }

  #lookAtMessage({ id, place, facts, body }: MessageRecord): void {
    this.#lookAtFacts(facts);
    const { mailbox, object, size, holdUntil } = facts;
    const at = `${mailbox} ${place}`;
    expect(at > this.#last, `message ${id} is out of its place`);
    this.#last = at;
    expect(this.#ids.add(id), `message ${id} is there twice`);
    expect(this.#objects.add(object), `object ${object} is there twice`);
    if (body === null) {
      const isOver = holdUntil <= this.#header.madeAt + SKEW;
      return expect(isOver, `message ${id} is held and has no body`);
    }
    const isOwn = body.length === size &&
      objectHashOf(blake3_256(body)) === object;
    expect(isOwn, `the body of message ${id} is another's`);
  }

  #lookAtFacts({ storedAt, holdUntil, paidFor = 0 }: StoredFacts): void {
    expect(storedAt <= this.#header.madeAt + SKEW, "mail of days to come");
    const hold = holdUntil - storedAt;
    expect(
      hold >= 0 && hold <= MOST_HOLD,
      "mail held for no time, or for ever",
    );
    expect(1_000 * paidFor <= MOST_HOLD, "mail that was paid for, for ever");
  }

  #lookAtReader({ mailbox, reader }: ReaderRecord): void {
    if (mailbox !== this.#readers.mailbox) {
      expect(mailbox > this.#readers.mailbox, "readers out of their place");
      this.#readers = { mailbox, names: new Set() };
    }
    const { names } = this.#readers;
    expect(!names.has(reader), `reader ${reader} is there twice`);
    names.add(reader);
    expect(names.size <= MOST_READERS, "more readers than a mailbox has");
  }

  #lookAtEntry({ key: [kind, id], value }: EntryRecord, size: number): void {
    expect(size <= ENTRY_LINE_BYTES, "an entry too large for a store");
    const name = String(id);
    expect(
      name > (this.#entries.get(kind) ?? ""),
      "entries out of their place",
    );
    this.#entries.set(kind, name);
    if (kind === "mailbox") {
      const { publicKey } = value as Mailbox;
      const isOwn = mailboxIdOf(publicKey) === name;
      expect(isOwn, `mailbox ${name} has another's key`);
    }
    if (kind === "handshake") {
      const end = endOfHandshake(name);
      const latest = this.#header.madeAt + HANDSHAKE_LIFETIME + SKEW;
      expect(end <= latest, "a handshake that goes on for ever");
    }
  }
}

/** When a handshake ends by its id (lib/handshake.ts): Unix milliseconds. */
export function endOfHandshake(id: string): number {
  return parseInt(id.slice(0, 12), 16);
}

/** Hex names, each once; a set alone ends at sixteen million. */
class Names {
  readonly #sets = new Map<string, Set<string>>();

  /** False if it has the name already. */
  add(name: string): boolean {
    const first = name.slice(0, 2);
    const set = this.#sets.get(first) ?? new Set();
    this.#sets.set(first, set);
    const { size } = set;
    return set.add(name).size > size;
  }
}

function expect(holds: boolean, otherwise: string): void {
  if (holds) return;
  throw new BackupError(
    "backup-damaged",
    `the backup is damaged: ${otherwise}`,
  );
}
