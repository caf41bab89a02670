/** The store: a database, opened, named by its epoch, and its failures typed. */
import { dirname } from "node:path";
import { Problem } from "../../lib/problem.ts";
import { type Clock, systemClock } from "../../lib/timers.ts";
import { keys } from "../kinds.ts";
import {
  CommitQueue,
  DEFAULT_QUEUE,
  type QueueLimits,
} from "./commit_queue.ts";
import {
  type Database,
  DatabaseError,
  type Entry,
  type EntryMaybe,
  type Key,
  Operation,
  type Range,
} from "./database.ts";
import { openDatabase } from "./deno_kv.ts";
import type { CommitLimits } from "./limits.ts";
import { IN_MEMORY, isFile } from "./location.ts";
import { Patience } from "./patience.ts";
import { probeNumbering, probeSharing, probeWatch } from "./probe.ts";
import { ensureRecord, type FormerEpoch, type StoreRecord } from "./record.ts";

/** Seconds after which a caller may try a busy store again. */
const RETRY_AFTER = 2;

/** What a store is made of. */
export interface StoreParts {
  /** Reads and writes. */
  readonly database: Database;
  /**
   * Watches; the same handle, if not said. Over KV Connect watches would keep
   * the streams that reads and writes need.
   */
  readonly watching?: Database;
  /** Its own record. */
  readonly record: StoreRecord;
  /** What one atomic operation may hold. */
  readonly limits: CommitLimits;
  /** Bounds of what waits to be committed. */
  readonly queue?: QueueLimits;
  /** By which the database is waited for; the machine's, if not said. */
  readonly clock?: Pick<Clock, "after" | "monotonic"> | undefined;
}

/** Told how long the database took to answer, in milliseconds. */
export type OnAnswer = (operation: "read" | "commit", took: number) => void;

/**
 * An open store. Every operation fails with {@link Problem} `busy` when the
 * database does, and whether a commit went through is then not known.
 */
export class Store implements Disposable {
  /** Which store this is: part of every cursor. */
  readonly epoch: string;
  /** The store's own record, as it was when it was opened. */
  readonly record: StoreRecord;
  /** What one atomic operation may hold. */
  readonly limits: CommitLimits;
  /** What is on its way into the store. */
  readonly commits: CommitQueue;
  /** Told how long the database takes. */
  onAnswer: OnAnswer = () => {};
  readonly #database: Database;
  readonly #watching: Database;
  readonly #former: readonly FormerEpoch[];
  readonly #patience: Patience;

  /** Use {@link openStore}. */
  constructor(parts: StoreParts) {
    const { database, watching, record, limits, queue } = parts;
    this.#patience = new Patience(parts.clock ?? systemClock, PATIENCE);
    this.#database = database;
    this.#watching = watching ?? database;
    this.record = record;
    this.epoch = record.epoch;
    this.#former = record.former ?? [];
    this.limits = limits;
    this.commits = new CommitQueue(
      {
        commit: (operation) =>
          this.#guard("commit", () => database.commit(operation)),
        getMany: (entryKeys) => this.getMany(entryKeys),
      },
      limits,
      queue,
      parts.clock,
    );
  }

  /** The entry of a key. */
  get<T>(key: Key<T>): Promise<EntryMaybe<T>> {
    return this.#guard("read", () => this.#database.get(key));
  }

  /** The entries of up to ten keys, as they stood at one moment. */
  getMany<T extends readonly unknown[]>(
    entryKeys: readonly [...{ [K in keyof T]: Key<T[K]> }],
  ): Promise<{ [K in keyof T]: EntryMaybe<T[K]> }> {
    return this.#guard("read", () => this.#database.getMany<T>(entryKeys));
  }

  /** Up to `limit` entries of a range, in order. */
  list<T>(range: Range<T>, limit?: number): Promise<Entry<T>[]> {
    return this.#guard("read", () => this.#database.list(range, limit));
  }

  /**
   * Commits what `build` adds to one atomic operation. Gives the versionstamp,
   * or null if one of its checks failed and nothing was done.
   */
  async commit(build: (operation: Operation) => void): Promise<string | null> {
    const operation = new Operation();
    build(operation);
    return await this.#guard("commit", () => this.#database.commit(operation));
  }

  /** The entries of up to ten keys, now and whenever one of them changes. */
  watch(entryKeys: readonly Key[]): ReadableStream<EntryMaybe[]> {
    return this.#watching.watch(entryKeys);
  }

  /**
   * Whether a watch tells of a change before `timeUp` ends. A store whose watches
   * do not is served all the same: mail is found without any bell, only later.
   */
  hearsWatches(timeUp: Promise<unknown>): Promise<boolean> {
    return probeWatch(this.#database, this.#watching, timeUp);
  }

  /** The epoch in which a commit was made. */
  epochOf(versionstamp: string): string {
    const former = this.#former.find(({ through }) => versionstamp <= through);
    return former?.epoch ?? this.epoch;
  }

  /** Reads the store's own record. */
  async check(): Promise<StoreRecord | null> {
    return (await this.get(keys.store())).value;
  }

  /** Closes the database. */
  [Symbol.dispose](): void {
    this.commits[Symbol.dispose]();
    if (this.#watching !== this.#database) this.#watching.close();
    this.#database.close();
    this.#patience[Symbol.dispose]();
  }

  /** A failing database is no mistake of the caller's. */
  async #guard<T>(
    what: "read" | "commit",
    operation: () => Promise<T>,
  ): Promise<T> {
    const began = performance.now();
    try {
      return await this.#patience.wait(whenUnlocked(operation), noAnswer);
    } catch (cause) {
      if (!(cause instanceof DatabaseError)) throw cause; // our own mistake
      const members = { retryAfter: RETRY_AFTER };
      throw new Problem("busy", "the store does not answer", members, {
        cause,
      });
    } finally {
      this.onAnswer(what, performance.now() - began);
    }
  }
}

/** Milliseconds that the database has to answer. */
const PATIENCE = 15_000;

/**
 * A KV Connect client waits for ever for a server that is gone: those who wait
 * here are told instead. What they asked for may still be done.
 */
function noAnswer(): DatabaseError {
  const cause = new Error(
    `no answer in ${PATIENCE} ms, or before it was closed`,
  );
  return new DatabaseError("failed", { cause });
}

/** How often an operation is tried that another process kept from the file. */
const ATTEMPTS = 8;
/** Milliseconds before the second attempt; twice as long before each next. */
const FIRST_PAUSE = 4;

/**
 * SQLite has one writer at a time, and of several processes on one file those
 * that come too late fail at once, with nothing done: they come again.
 */
async function whenUnlocked<T>(operation: () => Promise<T>): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await operation();
    } catch (error) {
      const isLocked = error instanceof DatabaseError &&
        error.code === "locked";
      if (!isLocked || attempt === ATTEMPTS) throw error;
    }
    // Apart from one another, or they would meet again.
    const pause = FIRST_PAUSE * 2 ** (attempt - 1) * (0.5 + Math.random());
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** How a store is opened. */
export interface OpenOptions {
  /** Unix milliseconds. */
  readonly now?: () => number;
  /** Bounds of what waits to be committed. */
  readonly queue?: Partial<QueueLimits>;
  /** By which the database is waited for; the machine's, if not said. */
  readonly clock?: Pick<Clock, "after" | "monotonic">;
  /** What opens the database; Deno KV, if not said. */
  readonly open?: (location: string) => Promise<Database>;
}

/**
 * What waits for a server, which takes its time for each operation: many are
 * under way, and each takes all that there is for a mailbox. A KV Connect client
 * has one connection, and a server takes 200 requests at once over it: the reads
 * go the same way.
 */
const QUEUE_TO_SERVER: QueueLimits = {
  ...DEFAULT_QUEUE,
  underWay: { least: 8, most: 64 },
  rowBytes: Infinity,
};

/**
 * Opens a store and creates it where there is none: a file (readable by its
 * owner alone), `:memory:`, the URL of a KV Connect server, or `platform`.
 *
 * @throws {StoreUnfitError} if it cannot keep what a relay promises
 * @throws {StoreFormError} or {@link HalfRestoredError} if it cannot be served
 */
export async function openStore(
  location: string,
  options: OpenOptions | (() => number) = {},
): Promise<Store> {
  const { now = Date.now, open = openDatabase, queue, clock } =
    typeof options === "function" ? { now: options } : options;
  if (isFile(location)) await makeFile(location);
  const database = await whenUnlocked(() => open(location));
  let watching = database;
  try {
    const { record, isNew } = await whenUnlocked(() =>
      ensureRecord(database, now())
    );
    if (location !== IN_MEMORY) {
      watching = await whenUnlocked(() => open(location));
      await whenUnlocked(() => probeSharing(watching, record.epoch));
    }
    if (isNew) await whenUnlocked(() => probeNumbering(database));
    const isLocal = isFile(location) || location === IN_MEMORY;
    return new Store({
      database,
      watching,
      record,
      limits: record.limits,
      queue: { ...isLocal ? DEFAULT_QUEUE : QUEUE_TO_SERVER, ...queue },
      clock,
    });
  } catch (error) {
    if (watching !== database) watching.close();
    database.close();
    throw error;
  }
}

/** The relay's keys are in it: it must never be anyone else's to read. */
async function makeFile(path: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const options = { create: true, append: true, mode: 0o600 };
  (await Deno.open(path, options)).close();
}
