/**
 * What restante asks of a database, and no more: entries in the order of their
 * keys, atomic operations with checks, and watches. `deno_kv.ts` has it of Deno
 * KV; nothing else knows which database it is.
 */

/** A part of a key. */
export type KeyPart = string | number | bigint | boolean | Uint8Array;

/** A key; `T` is what is kept under it. */
export type Key<T = unknown> = readonly KeyPart[] & { readonly [VALUE]?: T };

/** Stands for what is kept under a key; there is no such member. */
declare const VALUE: unique symbol;

/** Stands for the commit's own versionstamp as the last part of a key. */
export const STAMP: unique symbol = Symbol("the commit's versionstamp");

/** A key to be written: its last part may be {@link STAMP}. */
export type NewKey<T = unknown> =
  & readonly (KeyPart | typeof STAMP)[]
  & { readonly [VALUE]?: T };

/** An entry that is there. */
export interface Entry<T = unknown> {
  /** Where it stands. */
  readonly key: Key<T>;
  /** What is kept. */
  readonly value: T;
  /** 20 hex digits of the commit that wrote it; sorts as text. */
  readonly versionstamp: string;
}

/** An entry that may be there. */
export type EntryMaybe<T = unknown> =
  | Entry<T>
  | { readonly key: Key<T>; readonly value: null; readonly versionstamp: null };

/** Keys from `start` up to, not with, `end`; of a prefix, or between both. */
export interface Range<T = unknown> {
  /** The keys that begin so, but not this one itself. */
  readonly prefix?: Key<T>;
  /** From here on. */
  readonly start?: Key;
  /** Up to here. */
  readonly end?: Key;
}

/** That an entry is still as it was read. */
export interface Check {
  /** Whose versionstamp. */
  readonly key: Key;
  /** Null if there must be no entry. */
  readonly versionstamp: string | null;
}

/** One change of an operation. */
export type Mutation =
  | {
    readonly kind: "set";
    readonly key: NewKey;
    readonly value: unknown;
    /** Milliseconds after which the database may drop it; never, if not said. */
    readonly expireIn?: number | undefined;
  }
  | { readonly kind: "delete"; readonly key: Key }
  /** Adds to a number, which wraps at 2^64. */
  | { readonly kind: "sum"; readonly key: Key<bigint>; readonly by: bigint };

/** What is done together, or not at all. */
export class Operation {
  /** What must hold, or nothing is done. */
  readonly checks: Check[] = [];
  /** What is done. */
  readonly mutations: Mutation[] = [];

  /** Adds checks. */
  check(...checks: readonly Check[]): this {
    this.checks.push(...checks);
    return this;
  }

  /** Sets an entry. */
  set<T>(
    key: NewKey<T>,
    value: NoInfer<T>,
    { expireIn }: { readonly expireIn?: number | undefined } = {},
  ): this {
    this.mutations.push({ kind: "set", key, value, expireIn });
    return this;
  }

  /** Removes an entry, if there is one. */
  delete(key: Key): this {
    this.mutations.push({ kind: "delete", key });
    return this;
  }

  /** Adds to a number; one that is not there is 0. */
  sum(key: Key<bigint>, by: bigint): this {
    this.mutations.push({ kind: "sum", key, by });
    return this;
  }
}

/** Most keys of one {@link Database.getMany} or {@link Database.watch}. */
export const MOST_KEYS = 10;

/**
 * An open database. What it refuses for ever is a `TypeError`; everything else
 * that it throws is a {@link DatabaseError}, and may pass.
 */
export interface Database {
  /** The entry of a key. */
  get<T>(key: Key<T>): Promise<EntryMaybe<T>>;
  /** The entries of up to {@link MOST_KEYS} keys, as they stood at one moment. */
  getMany<T extends readonly unknown[]>(
    keys: readonly [...{ [K in keyof T]: Key<T[K]> }],
  ): Promise<{ [K in keyof T]: EntryMaybe<T[K]> }>;
  /** Up to `limit` entries of a range, in order. */
  list<T>(range: Range<T>, limit?: number): Promise<Entry<T>[]>;
  /** The versionstamp, or null if a check failed and nothing was done. */
  commit(operation: Operation): Promise<string | null>;
  /** The entries of up to {@link MOST_KEYS} keys, now and whenever one changes. */
  watch(keys: readonly Key[]): ReadableStream<EntryMaybe[]>;
  /** Ends everything; whoever waits hears of it. */
  close(): void;
}

/** Why a database did not do what it was asked. */
export type DatabaseFailure =
  /** Another process kept us from the file: nothing was done. */
  | "locked"
  /** Anything else: whether something was done is not known. */
  | "failed";

/** A database failed, and may not fail the next time. */
export class DatabaseError extends Error {
  /** The class, for logs. */
  override name = "DatabaseError";
  /** Which failure it is. */
  readonly code: DatabaseFailure;

  /** Made where the database's own error is caught. */
  constructor(code: DatabaseFailure, options?: ErrorOptions) {
    const why = options?.cause instanceof Error ? options.cause.message : "";
    super(`the database ${code}: ${why}`, options);
    this.code = code;
  }
}
