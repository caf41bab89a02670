/** The store: Deno KV, opened, named by its epoch, and its failures typed. */
import { dirname } from "node:path";
import { Problem } from "../../lib/problem.ts";
import { CommitQueue } from "./commit_queue.ts";
import { keys } from "../keys.ts";
import { type CommitLimits, findLimits } from "./limits.ts";
import { isFile, openHandle } from "./location.ts";
import { probe } from "./probe.ts";

/** What a store knows of itself. */
export interface StoreRecord {
  /** 12 hex digits, drawn when the store is created. */
  readonly epoch: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** Set while a backup is being restored into the store: it is not whole. */
  readonly isRestoring?: true;
}

/** A store cannot be served: a restore into it did not end. */
export class HalfRestoredError extends Error {
  /** The class, for logs. */
  override name = "HalfRestoredError";
  /** Stable. */
  readonly code = "store-half-restored";
}

/** Seconds after which a caller may try a busy store again. */
const RETRY_AFTER = 2;

/**
 * An open store. Every operation fails with {@link Problem} `busy` when the
 * database does, and whether a commit went through is then not known.
 */
export class Store implements Disposable {
  /** Which store this is: part of every cursor. */
  readonly epoch: string;
  /** What one atomic operation may hold. */
  readonly limits: CommitLimits;
  /** Messages on their way into the log. */
  readonly commits: CommitQueue;
  #kv: Deno.Kv;
  #watchKv: Deno.Kv;

  /**
   * Use {@link openStore}. Watches have a handle of their own: over KV Connect
   * they would keep the streams that reads and writes need.
   */
  constructor(
    kv: Deno.Kv,
    epoch: string,
    limits: CommitLimits,
    watchKv: Deno.Kv = kv,
  ) {
    this.#kv = kv;
    this.#watchKv = watchKv;
    this.epoch = epoch;
    this.limits = limits;
    this.commits = new CommitQueue(this, limits);
  }

  /** The entry of a key. */
  get<T>(key: Deno.KvKey): Promise<Deno.KvEntryMaybe<T>> {
    return guard(() => this.#kv.get<T>(key));
  }

  /** The entries of up to ten keys, read at once. */
  getMany<T extends readonly unknown[]>(
    entryKeys: readonly [...{ [K in keyof T]: Deno.KvKey }],
  ): Promise<{ [K in keyof T]: Deno.KvEntryMaybe<T[K]> }> {
    return guard(() => this.#kv.getMany<T>(entryKeys));
  }

  /** Up to `limit` entries of a range, in order. */
  list<T>(
    range: Deno.KvListSelector,
    limit?: number,
  ): Promise<Deno.KvEntry<T>[]> {
    const options = limit === undefined ? {} : { limit };
    return guard(() => Array.fromAsync(this.#kv.list<T>(range, options)));
  }

  /**
   * Commits what `build` adds to one atomic operation. Gives the versionstamp,
   * or null if one of its checks failed and nothing was done.
   */
  async commit(
    build: (operation: Deno.AtomicOperation) => void,
  ): Promise<string | null> {
    const operation = this.#kv.atomic();
    build(operation);
    const result = await guard(() => operation.commit());
    return result.ok ? result.versionstamp : null;
  }

  /** The entries of up to ten keys, now and whenever one of them changes. */
  watch(
    entryKeys: readonly Deno.KvKey[],
  ): ReadableStream<Deno.KvEntryMaybe<unknown>[]> {
    return this.#watchKv.watch<unknown[]>(entryKeys);
  }

  /** Stands for the commit's own versionstamp as the last part of a key. */
  commitVersionstamp(): symbol {
    return this.#kv.commitVersionstamp();
  }

  /** Reads the store's own record. */
  async check(): Promise<void> {
    await this.get(keys.store());
  }

  /** Closes the database. */
  [Symbol.dispose](): void {
    if (this.#watchKv !== this.#kv) this.#watchKv.close();
    this.#kv.close();
  }
}

/** How often an operation is tried that another process kept from the file. */
const ATTEMPTS = 8;
/** Milliseconds before the second attempt; twice as long before each next. */
const FIRST_PAUSE = 4;

/** What the store says of a call that it could never take: our own mistake. */
const OURS = /too (large|many)|invalid|unsupported|could not be cloned/i;

/** A failing database is no mistake of the caller's. */
async function guard<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await withinTime(whenUnlocked(operation));
  } catch (cause) {
    if (OURS.test(cause instanceof Error ? cause.message : "")) throw cause;
    throw new Problem(
      "busy",
      "the store does not answer",
      { retryAfter: RETRY_AFTER },
      { cause },
    );
  }
}

/** Milliseconds that the database has to answer. */
const PATIENCE = 15_000;

/**
 * A KV Connect client waits for ever for a server that is gone: those who wait
 * here are told instead. What they asked for may still be done.
 */
async function withinTime<T>(operation: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<never>((_, reject) => {
    const late = new Error(`no answer in ${PATIENCE} ms`);
    timer = setTimeout(() => reject(late), PATIENCE);
  });
  operation.catch(() => {}); // it may fail after nobody waits any more
  try {
    return await Promise.race([operation, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * SQLite has one writer at a time, and of several processes on one file those
 * that come too late fail at once, with nothing done: they come again.
 */
async function whenUnlocked<T>(operation: () => Promise<T>): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await operation();
    } catch (error) {
      const isLocked = error instanceof Error &&
        error.message.includes("database is locked");
      if (!isLocked || attempt === ATTEMPTS) throw error;
    }
    // Apart from one another, or they would meet again.
    const pause = FIRST_PAUSE * 2 ** (attempt - 1) * (0.5 + Math.random());
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/**
 * Opens a store and creates it where there is none: a file (readable by its
 * owner alone), `:memory:`, the URL of a KV Connect server, or `platform`.
 *
 * @throws {StoreUnfitError} if it cannot keep what a relay promises
 */
export async function openStore(
  location: string,
  now: () => number = Date.now,
): Promise<Store> {
  if (isFile(location)) {
    await Deno.mkdir(dirname(location), { recursive: true, mode: 0o700 });
    // The relay's keys are in it: it must never be anyone else's to read.
    await (await Deno.open(location, {
      create: true,
      append: true,
      mode: 0o600,
    })).close();
  }
  const kv = await whenUnlocked(() => openHandle(location));
  let watchKv = kv;
  try {
    const epoch = await whenUnlocked(() => ensureEpoch(kv, now()));
    // Two handles on :memory: share nothing.
    if (location !== ":memory:") {
      watchKv = await whenUnlocked(() => openHandle(location));
    }
    await whenUnlocked(() => probe({ kv, watchKv, epoch }));
    const limits = await whenUnlocked(() => findLimits(kv));
    return new Store(kv, epoch, limits, watchKv);
  } catch (error) {
    if (watchKv !== kv) watchKv.close();
    kv.close();
    throw error;
  }
}

async function ensureEpoch(kv: Deno.Kv, now: number): Promise<string> {
  const fresh: StoreRecord = {
    epoch: crypto.getRandomValues(new Uint8Array(6)).toHex(),
    createdAt: now,
  };
  // Of several workers that start at once, one creates it and all read it.
  await kv.atomic()
    .check({ key: keys.store(), versionstamp: null })
    .set(keys.store(), fresh)
    .commit();
  const { value } = await kv.get<StoreRecord>(keys.store());
  if (value === null) {
    throw new Error("the store does not keep what is written to it");
  }
  if (value.isRestoring) {
    throw new HalfRestoredError(
      "a restore into this store has not ended; if none is running, empty the store and restore again",
    );
  }
  return value.epoch;
}
