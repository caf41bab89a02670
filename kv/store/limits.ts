/** What one atomic operation may hold, found by trying (DESIGN section 4). */
import { keys } from "../kinds.ts";
import { type Database, DatabaseError, Operation } from "./database.ts";

/** Bounds of one atomic operation. */
export interface CommitLimits {
  /** Checks of versionstamps. */
  readonly checks: number;
  /** Sets, deletes and sums. */
  readonly mutations: number;
  /** Bytes of all keys and values together. */
  readonly bytes: number;
}

/** What is tried, the most first: Deno's own limits, then those of servers. */
const TRIED = {
  checks: [100, 50, 20, 10],
  mutations: [1_000, 500, 200, 100],
  bytes: [780_000, 480_000, 240_000, 120_000],
};

/** A value that every backend takes. */
const VALUE_BYTES = 60_000;

const trialKey = (n: number) => keys.trial("limits", n);

/** A check that fails: there is no such entry, and none has such a stamp. */
const NEVER = { key: trialKey(0), versionstamp: "f".repeat(20) };

/** Finds the limits of a store by operations that are kept from doing anything. */
export async function findLimits(
  database: Pick<Database, "commit">,
): Promise<CommitLimits> {
  const checks = await most(TRIED.checks, (count) => {
    const operation = new Operation().check(NEVER);
    for (let n = 1; n < count; n++) {
      operation.check({ key: trialKey(n), versionstamp: null });
    }
    return database.commit(operation);
  });
  const mutations = await most(TRIED.mutations, (count) => {
    const operation = new Operation().check(NEVER);
    for (let n = 0; n < count; n++) operation.delete(trialKey(n));
    return database.commit(operation);
  });
  const bytes = await most(TRIED.bytes, (count) => {
    const operation = new Operation().check(NEVER);
    const parts = Math.ceil(count / VALUE_BYTES);
    const value = new Uint8Array(Math.floor(count / parts));
    for (let n = 0; n < parts; n++) operation.set(trialKey(n), value);
    return database.commit(operation);
  });
  return { checks, mutations, bytes };
}

/** The first of the counts that an operation succeeds with. */
async function most(
  counts: readonly number[],
  operation: (count: number) => Promise<unknown>,
): Promise<number> {
  let failure: unknown;
  for (const count of counts) {
    try {
      await operation(count);
      return count;
    } catch (error) {
      // Nothing was learnt, and what is found is kept for good.
      if (error instanceof DatabaseError && error.code === "locked") {
        throw error;
      }
      failure = error;
    }
  }
  throw failure;
}
