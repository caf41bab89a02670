/** What is committed together with other things that wait at the same time. */
import {
  type Check,
  type EntryMaybe,
  type Key,
  Operation,
} from "./database.ts";

/** That a part has to be prepared anew. */
export const AGAIN: unique symbol = Symbol("again");

/** What a part takes of an operation, at most. */
export interface Cost {
  /** Checks of versionstamps. */
  readonly checks: number;
  /** Sets, deletes and sums. */
  readonly mutations: number;
  /** Bytes of keys and values. */
  readonly bytes: number;
}

/**
 * A part of a commit. The queue knows nothing of what it is for: a new use of
 * the store brings a part of its own, and checks of its own.
 */
export interface Part<Outcome> {
  /**
   * Parts that share one of these are committed in the order in which they came,
   * and never in two operations that are under way at once.
   */
  readonly order: readonly string[];
  /** No two parts of one operation share one of these. */
  readonly apart: readonly string[];
  /** What it adds by itself, at most. */
  readonly cost: Cost;
  /** What all parts of one order add together, at most; nothing, if not said. */
  readonly sharedCost?: Cost;
  /** Bytes that it would add to a row that all parts of one order share; 0, if not said. */
  readonly inRow?: number;
  /** Entries that tell what became of it. */
  readonly asks: readonly Key[];
  /** What it still has to read before it can be added; null if nothing. */
  prepare(): Promise<void> | null;
  /**
   * Adds itself to a batch, all at once. What it throws it is refused with, and
   * nothing of it has been added then; nor if it gives an outcome, for it was
   * done before. {@link AGAIN} if what it relies on has changed since it was
   * prepared.
   */
  add(batch: Batch): Outcome | typeof AGAIN | void;
  /** What came of it, once it is committed. */
  done(versionstamp: string): Outcome;
  /**
   * What became of it where the operation was refused, or its outcome is not
   * known; null if it was not done. What it throws it is refused with.
   */
  settle(found: readonly EntryMaybe[]): Outcome | null;
}

/**
 * Why an operation was not committed: there was nothing in it, a check of it
 * failed, or it is not known whether it was.
 */
export type Failure = "empty" | "refused" | "unknown";

/** What the parts of a batch add together, such as one row for several. */
export interface Gathered {
  /** Adds it to the operation, once all parts have been added. */
  finish(operation: Operation): void;
  /** The operation was committed. */
  committed?(versionstamp: string): void;
  /** It was not, or that is not known. */
  failed?(why: Failure): void;
  /** Some of it may have been done all the same. */
  found?(): void;
}

/** An operation that is being put together of parts. */
export class Batch {
  /** What is added so far. */
  readonly operation: Operation = new Operation();
  readonly #gathered = new Map<unknown, Gathered>();

  /** What all parts of this batch add to under a name; made by the first. */
  gather<G extends Gathered>(name: unknown, make: () => G): G {
    const gathered = this.#gathered.get(name) as G | undefined ?? make();
    this.#gathered.set(name, gathered);
    return gathered;
  }

  /** The whole operation. */
  finish(): Operation {
    for (const one of this.#gathered.values()) one.finish(this.operation);
    const checks = distinct(this.operation.checks);
    this.operation.checks.splice(0, Infinity, ...checks);
    return this.operation;
  }

  /** Tells those that gathered. */
  committed(versionstamp: string): void {
    for (const one of this.#gathered.values()) one.committed?.(versionstamp);
  }

  /** Tells them that some of it may have been done, though it had failed. */
  found(): void {
    for (const one of this.#gathered.values()) one.found?.();
  }

  /** The same, of a failure. */
  failed(why: Failure): void {
    for (const one of this.#gathered.values()) one.failed?.(why);
  }
}

/** Several parts may rely on the same entry: it is checked once. */
function distinct(checks: readonly Check[]): Check[] {
  const byName = new Map<string, Check>();
  for (const check of checks) {
    const name = JSON.stringify(check.key);
    const other = byName.get(name);
    if (other !== undefined && other.versionstamp !== check.versionstamp) {
      throw new Error("two parts of a commit saw an entry differently");
    }
    byName.set(name, check);
  }
  return [...byName.values()];
}
