/** Deno KV as a {@link Database}: the one place that says `Deno.Kv`. */
import type { Bytes } from "../../lib/bytes.ts";
import {
  type Database,
  DatabaseError,
  type Entry,
  type EntryMaybe,
  type Key,
  type NewKey,
  type Operation,
  type Range,
  STAMP,
} from "./database.ts";
import { PACKINGS } from "../packings.ts";
import { PLATFORM_STORE } from "./location.ts";

/** Opens a handle on the database at a location. */
export async function openDatabase(location: string): Promise<Database> {
  const path = location === PLATFORM_STORE ? undefined : location;
  return new DenoKv(await typed(() => Deno.openKv(path)));
}

/** A handle. Two of them on `:memory:` share nothing. */
class DenoKv implements Database {
  readonly #kv: Deno.Kv;
  readonly #stamp: symbol;

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
    this.#stamp = kv.commitVersionstamp();
  }

  async get<T>(key: Key<T>): Promise<EntryMaybe<T>> {
    return plain(await typed(() => this.#kv.get<T>(key)));
  }

  async getMany<T extends readonly unknown[]>(
    keys: readonly [...{ [K in keyof T]: Key<T[K]> }],
  ): Promise<{ [K in keyof T]: EntryMaybe<T[K]> }> {
    const entries = await typed(() => this.#kv.getMany<unknown[]>(keys));
    return entries.map(plain) as { [K in keyof T]: EntryMaybe<T[K]> };
  }

  async list<T>(range: Range<T>, limit?: number): Promise<Entry<T>[]> {
    const selector = range as Deno.KvListSelector;
    const options = limit === undefined ? {} : { limit };
    const entries = await typed(() =>
      Array.fromAsync(this.#kv.list<T>(selector, options))
    );
    return entries.map((entry) => plain(entry) as Entry<T>);
  }

  async commit({ checks, mutations }: Operation): Promise<string | null> {
    const operation = this.#kv.atomic().check(...checks);
    for (const one of mutations) {
      if (one.kind === "set") {
        const { expireIn } = one;
        const options = expireIn === undefined ? {} : { expireIn };
        operation.set(this.#keyOf(one.key), packed(one), options);
      } else if (one.kind === "delete") operation.delete(one.key);
      else operation.sum(one.key, BigInt.asUintN(64, one.by));
    }
    const result = await typed(() => operation.commit());
    return result.ok ? result.versionstamp : null;
  }

  watch(keys: readonly Key[]): ReadableStream<EntryMaybe[]> {
    return this.#kv.watch<unknown[]>(keys) as unknown as ReadableStream<
      EntryMaybe[]
    >;
  }

  close(): void {
    try {
      this.#kv.close();
    } catch (error) {
      // Closed before: the platform has no gentler way to say so.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  /** The types know the platform's symbol as a symbol, and not as part of a key. */
  #keyOf(key: NewKey): Deno.KvKey {
    return key.map((part) => part === STAMP ? this.#stamp : part) as Deno.KvKey;
  }
}

/** A value as it is kept; one that fits no packing as it is. */
function packed({ key, value }: { key: NewKey; value: unknown }): unknown {
  return PACKINGS.get(key[0])?.pack(value) ?? value;
}

/** Sums are read as the numbers that they are, and what is packed as it was. */
function plain<T>({ key, value, versionstamp }: Deno.KvEntryMaybe<T>) {
  return { key, value: unpacked(key, value), versionstamp } as EntryMaybe<T>;
}

function unpacked(key: Deno.KvKey, value: unknown): unknown {
  if (value instanceof Deno.KvU64) return value.value;
  const packing = value instanceof Uint8Array && PACKINGS.get(key[0]);
  return packing ? packing.unpack(value as Bytes) : value;
}

/** SQLite's only way to say that another process is writing. */
const LOCKED = "database is locked";

/** What can never be done, for it is past a limit that the message names. */
const NEVER = /\(max \d+( bytes)?\)$/;

/**
 * Tells the platform's errors apart. It has one class for nearly all of them, so
 * that this is the one place where their texts are looked at.
 */
async function typed<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : "";
    if (cause instanceof TypeError && NEVER.test(text)) throw cause;
    throw new DatabaseError(text.includes(LOCKED) ? "locked" : "failed", {
      cause,
    });
  }
}
