/** What a store knows of itself: its epoch, its form, what it was found to bear. */
import { keys } from "../kinds.ts";
import {
  type Database,
  type EntryMaybe,
  type Key,
  Operation,
} from "./database.ts";
import type { FormerWindow } from "../../lib/work/check.ts";
import { requireUnused } from "./in_use.ts";
import { type CommitLimits, findLimits } from "./limits.ts";

/**
 * The form of everything in a store. A store of another form is not opened: an
 * old worker would count and delete by rules that no longer hold.
 */
export const SCHEMA = 3;
/**
 * The form before it, of which everything can be read: such a store is taken
 * over once no worker uses it, and older ones open it no more.
 */
const READABLE = 2;

/** The store's own record. */
export interface StoreRecord {
  /** {@link SCHEMA}; stores of the first form have none. */
  readonly schema?: number;
  /** 12 hex digits, drawn when the store is created or restored. */
  readonly epoch: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** Set while a backup is being restored into the store: it is not whole. */
  readonly isRestoring?: true;
  /** What one operation may hold, as it was found when the store was made. */
  readonly limits?: CommitLimits;
  /** Epochs that ended, the oldest first. */
  readonly former?: readonly FormerEpoch[];
  /** How long marks of work are kept, and what that is good for. */
  readonly window?: WidestWindow;
}

/** An epoch that was ended by giving the store a new one. */
export interface FormerEpoch {
  /** 12 hex digits. */
  readonly epoch: string;
  /** Versionstamp of the last commit that can have been made in it. */
  readonly through: string;
}

/** The widest window that workers of this store were ever told. */
export interface WidestWindow {
  /** Milliseconds that the time of work may lie back. */
  readonly back: number;
  /**
   * Unix milliseconds. Work of before may have been taken when marks were kept
   * for less: nobody knows any more, so it is not taken.
   */
  readonly floor: number;
  /** The windows that it was widened from, the oldest first. */
  readonly former?: readonly FormerWindow[] | undefined;
}

/** A store cannot be served by this version. */
export class StoreFormError extends Error {
  /** The class, for logs. */
  override name = "StoreFormError";
  /** Stable. */
  readonly code = "store-form";
}

/** A store cannot be served: a restore into it did not end. */
export class HalfRestoredError extends Error {
  /** The class, for logs. */
  override name = "HalfRestoredError";
  /** Stable. */
  readonly code = "store-half-restored";
}

/** A new epoch: no store ever draws that of another. */
export function newEpoch(): string {
  return crypto.getRandomValues(new Uint8Array(6)).toHex();
}

/** A record that is fit to be served. */
export interface FoundRecord {
  /** As it is now. */
  readonly record: StoreRecord & { readonly limits: CommitLimits };
  /** Whether the store is used for the first time. */
  readonly isNew: boolean;
}

/**
 * The record of a store, which is made where there is none. Of several workers
 * that start at once, one makes it and all read it.
 *
 * @throws {StoreFormError} or {@link HalfRestoredError} for a store that cannot be
 * served; {@link StoreInUseError} if it is of the form before and a worker uses it
 */
export async function ensureRecord(
  database: Database,
  now: number,
): Promise<FoundRecord> {
  const found = await database.get(keys.store());
  if (found.value !== null) {
    const { limits = await findLimits(database) } = found.value;
    const record = fitted(found.value);
    if (found.value.schema === READABLE) {
      // A worker of the version before would take what is packed for nothing.
      const use = await requireUnused(database, now).catch((error) => error);
      const taken = new Operation().check(found);
      if (use === undefined) taken.set(keys.store(), record);
      const isSame = await database.commit(taken) !== null;
      // Another worker that starts may be first, or the record be changed.
      if (!isSame) return await ensureRecord(database, now);
      if (use !== undefined) throw use;
    }
    return { record: { ...record, limits }, isNew: false };
  }
  const limits = await findLimits(database);
  const fresh = { schema: SCHEMA, epoch: newEpoch(), createdAt: now, limits };
  await database.commit(
    new Operation().check(found).set(keys.store(), fresh),
  );
  const { value } = await database.get(keys.store());
  if (value === null) {
    throw new StoreFormError("the store does not keep what is written to it");
  }
  const isNew = value.epoch === fresh.epoch;
  return { record: { ...fitted(value), limits }, isNew };
}

function fitted(record: StoreRecord): StoreRecord {
  if (record.isRestoring) {
    throw new HalfRestoredError(
      "a restore into this store has not ended; if none is running, empty the store and restore again",
    );
  }
  if (record.schema === SCHEMA || record.schema === READABLE) {
    return { ...record, schema: SCHEMA };
  }
  throw new StoreFormError(
    (record.schema ?? 1) < SCHEMA
      ? "the store is of an older version: copy it with that version's " +
        "`restante backup`, and restore the copy into a new store"
      : "the store is of a newer version than this program",
  );
}

/** What keeps a record: the store, which this module does not know. */
export interface RecordKeeper {
  /** The entry of a key. */
  get<T>(key: Key<T>): Promise<EntryMaybe<T>>;
  /** Commits what `build` adds; null if a check failed. */
  commit(build: (operation: Operation) => void): Promise<string | null>;
}

/**
 * Changes the record, whoever else does so at the same time.
 *
 * @throws whatever the database does
 */
export async function changeRecord(
  store: RecordKeeper,
  change: (record: StoreRecord) => StoreRecord,
): Promise<StoreRecord> {
  for (;;) {
    const before = await store.get(keys.store());
    if (before.value === null) {
      throw new StoreFormError("the store has no record of itself any more");
    }
    const after = change(before.value);
    if (after === before.value) return after;
    const committed = await store.commit((operation) => {
      operation.check(before).set(keys.store(), after);
    });
    if (committed !== null) return after;
  }
}
