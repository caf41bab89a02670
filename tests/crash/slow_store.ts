/** A store whose commits take as long as a test wants. */
import {
  type Database,
  DatabaseError,
  type Operation,
} from "../../kv/store/database.ts";
import { openDatabase } from "../../kv/store/deno_kv.ts";
import { Store } from "../../kv/store/store.ts";
import type { CommitLimits } from "../../kv/store/limits.ts";

/** A commit that has begun, and waits to be let go. */
export interface HeldCommit {
  /** Lets it be done. */
  go(): void;
  /** Fails it, before or after it was done. */
  fail(when: "before" | "after"): void;
}

const LIMITS: CommitLimits = { checks: 100, mutations: 1_000, bytes: 780_000 };

/** Holds commits back, once told to. */
export class SlowKv {
  /** Commits that have begun, in order. */
  readonly held: HeldCommit[] = [];
  /** Whether commits wait. */
  isSlow = false;
  /** Whether reads of several keys fail. */
  isUnreadable = false;
  #noticed = Promise.withResolvers<void>();

  /** Opens a store in memory on it. */
  async open(): Promise<Store> {
    const database = await openDatabase(":memory:");
    const slow: Database = {
      get: (key) => database.get(key),
      list: (range, limit) => database.list(range, limit),
      watch: (keys) => database.watch(keys),
      close: () => database.close(),
      getMany: async (keys) => {
        if (this.isUnreadable) throw lost();
        return await database.getMany(keys);
      },
      commit: (operation) => this.#commit(database, operation),
    };
    return new Store({
      database: slow,
      record: { epoch: "0".repeat(12), createdAt: 0 },
      limits: LIMITS,
    });
  }

  /** The next commit, once it has begun. */
  async next(): Promise<HeldCommit> {
    for (;;) {
      const held = this.held.shift();
      if (held !== undefined) return held;
      await this.#noticed.promise;
    }
  }

  async #commit(
    database: Database,
    operation: Operation,
  ): Promise<string | null> {
    if (!this.isSlow) return await database.commit(operation);
    const { promise, resolve } = Promise.withResolvers<
      "go" | "before" | "after"
    >();
    this.held.push({ go: () => resolve("go"), fail: resolve });
    this.#noticed.resolve();
    this.#noticed = Promise.withResolvers();
    const how = await promise;
    if (how === "before") throw lost();
    const result = await database.commit(operation);
    if (how === "after") throw lost();
    return result;
  }
}

function lost(): DatabaseError {
  return new DatabaseError("failed", {
    cause: new Error("the connection is lost"),
  });
}
