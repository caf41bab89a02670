/** A real database that notes what it is asked, and can be made to fail. */
import type {
  Database,
  Entry,
  EntryMaybe,
  Key,
  Operation,
  Range,
} from "../../kv/store/database.ts";
import { openDatabase } from "../../kv/store/deno_kv.ts";
import { type OpenOptions, openStore, Store } from "../../kv/store/store.ts";
import { around } from "../fuzz/failures.ts";

/** Makes a commit, or does otherwise. */
export type OnCommit = (
  operation: Operation,
  commit: () => Promise<string | null>,
) => Promise<string | null>;

/** A handle on a database. */
export class SpiedDatabase implements Database {
  readonly #database: Database;
  /** What was committed, or tried. */
  readonly operations: Operation[] = [];
  /** Those that were done. */
  readonly done: Operation[] = [];
  /** Calls that read. */
  reads = 0;
  /** Those that are not answered yet. */
  reading = 0;
  /** Entries that they gave. */
  entries = 0;
  /** Watches that were begun, and that have ended. */
  readonly watches = { begun: 0, ended: 0 };
  /** What becomes of commits. */
  onCommit: OnCommit = (_, commit) => commit();
  /** Called before every read; may throw. */
  onRead: () => Promise<void> = () => Promise.resolve();
  /** What becomes of watches. */
  onWatch: (
    watch: () => ReadableStream<EntryMaybe[]>,
  ) => ReadableStream<EntryMaybe[]> = (watch) => watch();

  constructor(database: Database) {
    this.#database = database;
  }

  /** What was asked since the last time this was asked. */
  takeCounts(): { reads: number; entries: number; commits: number } {
    const { reads, entries } = this;
    [this.reads, this.entries] = [0, 0];
    return { reads, entries, commits: this.operations.splice(0).length };
  }

  get<T>(key: Key<T>): Promise<EntryMaybe<T>> {
    return this.#read(() => this.#database.get(key), () => 1);
  }

  getMany<T extends readonly unknown[]>(
    keys: readonly [...{ [K in keyof T]: Key<T[K]> }],
  ): Promise<{ [K in keyof T]: EntryMaybe<T[K]> }> {
    const read = () => this.#database.getMany<T>(keys);
    return this.#read(read, () => keys.length);
  }

  list<T>(range: Range<T>, limit?: number): Promise<Entry<T>[]> {
    const read = () => this.#database.list(range, limit);
    return this.#read(read, ({ length }) => length);
  }

  commit(operation: Operation): Promise<string | null> {
    this.operations.push(operation);
    return this.onCommit(operation, async () => {
      const versionstamp = await this.#database.commit(operation);
      if (versionstamp !== null) this.done.push(operation);
      return versionstamp;
    });
  }

  watch(keys: readonly Key[]): ReadableStream<EntryMaybe[]> {
    this.watches.begun += 1;
    const stream = this.onWatch(() => this.#database.watch(keys));
    const reader = stream.getReader();
    return new ReadableStream<EntryMaybe[]>({
      pull: async (controller) => {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => {
        this.watches.ended += 1;
        await reader.cancel().catch(() => {}); // it may have failed
      },
    }, { highWaterMark: 0 });
  }

  close(): void {
    this.#database.close();
  }

  async #read<T>(
    read: () => Promise<T>,
    entriesOf: (found: T) => number,
  ): Promise<T> {
    this.reads += 1;
    this.reading += 1;
    try {
      await this.onRead();
      const found = await read();
      this.entries += entriesOf(found);
      return found;
    } finally {
      this.reading -= 1;
    }
  }
}

/** A store and its handles: the first reads and writes, the last watches. */
export interface SpiedStore extends Disposable {
  readonly store: Store;
  readonly spy: SpiedDatabase;
  readonly watching: SpiedDatabase;
}

/** Opens a store on spied handles. */
export async function openSpied(
  location = ":memory:",
  options: Omit<OpenOptions, "open"> = {},
): Promise<SpiedStore> {
  const spies: SpiedDatabase[] = [];
  const store = await openStore(location, {
    ...options,
    async open(location) {
      const spy = new SpiedDatabase(await openDatabase(location));
      spies.push(spy);
      return spy;
    },
  });
  const [spy] = spies;
  if (spy === undefined) throw new Error("a store without a database");
  return {
    store,
    spy,
    watching: spies[1] ?? spy,
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

/** Limits of Deno's own database. */
export const LIMITS = { checks: 100, mutations: 1_000, bytes: 780_000 };

/**
 * A store on a spied database in memory, with limits and a queue of its own. As
 * a server does, it takes no operation that is over the limits.
 */
export async function spiedWith(
  parts: Partial<ConstructorParameters<typeof Store>[0]> = {},
): Promise<SpiedStore> {
  const { limits = LIMITS } = parts;
  const database = await openDatabase(":memory:");
  const spy = new SpiedDatabase(around(database, {
    commit(operation) {
      const { checks, mutations } = operation;
      const isOver = checks.length > limits.checks ||
        mutations.length > limits.mutations;
      if (!isOver) return database.commit(operation);
      const size = `${checks.length} checks, ${mutations.length} mutations`;
      return Promise.reject(new TypeError(`an operation of ${size}`));
    },
  }));
  const record = { epoch: "0".repeat(12), createdAt: 0 };
  const store = new Store({ database: spy, record, limits: LIMITS, ...parts });
  return {
    store,
    spy,
    watching: spy,
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}
