/** Parts of commits that have nothing to do with mail. */
import type {
  AGAIN,
  Batch,
  Cost,
  Part,
} from "../../../kv/store/commit_part.ts";
import type { Check, EntryMaybe, Key } from "../../../kv/store/database.ts";
import type { SpiedDatabase } from "../spied_database.ts";

/** What is unusual about a part. */
export interface PartOptions {
  readonly order?: readonly string[];
  readonly apart?: readonly string[];
  readonly cost?: Partial<Cost>;
  readonly sharedCost?: Cost;
  readonly inRow?: number;
  readonly checks?: readonly Check[];
  readonly prepare?: () => Promise<void> | null;
  readonly add?: (batch: Batch) => string | typeof AGAIN | void;
  /** Asked for besides its own entry. */
  readonly asks?: readonly Key[];
  readonly done?: (versionstamp: string) => string;
  readonly settle?: (found: readonly EntryMaybe[]) => string | null;
}

/** The entry of a part. */
export const entryOf = (name: string): Key<string> => ["part", name];

/** Sets an entry of its own; a second of the same name finds that it is there. */
export class TestPart implements Part<string> {
  readonly order: readonly string[];
  readonly apart: readonly string[];
  readonly cost: Cost;
  readonly sharedCost?: Cost;
  readonly inRow: number;
  readonly asks: readonly Key[];
  readonly #name: string;
  readonly #options: PartOptions;

  constructor(name: string, options: PartOptions = {}) {
    const { order = [], apart = [], cost, checks = [], inRow = 0 } = options;
    this.inRow = inRow;
    this.#name = name;
    this.#options = options;
    this.order = order;
    this.apart = apart;
    this.cost = {
      checks: 1 + checks.length,
      mutations: 1,
      bytes: 100,
      ...cost,
    };
    if (options.sharedCost !== undefined) this.sharedCost = options.sharedCost;
    this.asks = [
      entryOf(name),
      ...checks.map(({ key }) => key),
      ...options.asks ?? [],
    ];
  }

  prepare(): Promise<void> | null {
    return this.#options.prepare?.() ?? null;
  }

  add(batch: Batch): string | typeof AGAIN | void {
    const outcome = this.#options.add?.(batch);
    if (outcome !== undefined) return outcome;
    const key = entryOf(this.#name);
    batch.operation
      .check({ key, versionstamp: null }, ...this.#options.checks ?? [])
      .set(key, this.#name);
  }

  done(versionstamp: string): string {
    return this.#options.done?.(versionstamp) ?? "done";
  }

  settle(found: readonly EntryMaybe[]): string | null {
    if (this.#options.settle !== undefined) return this.#options.settle(found);
    return found[0]?.value === this.#name ? "there" : null;
  }
}

/** The names of the parts of each operation that a database was given. */
export function batchesOf({ operations }: SpiedDatabase): string[][] {
  return operations.map(({ mutations }) =>
    mutations.flatMap(({ key }) => key[0] === "part" ? [String(key[1])] : [])
  );
}

/** Keeps commits waiting until they are let through, one by one. */
export class Gate {
  readonly #waiting: PromiseWithResolvers<void>[] = [];
  #arrived = Promise.withResolvers<void>();
  #isOpen = false;

  constructor(spy: SpiedDatabase) {
    spy.onCommit = async (_, commit) => {
      if (!this.#isOpen) {
        const turn = Promise.withResolvers<void>();
        this.#waiting.push(turn);
        this.#arrived.resolve();
        await turn.promise;
      }
      return await commit();
    };
  }

  /** How many are waiting. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Waits until so many commits are at the gate. */
  async arrived(count = 1): Promise<void> {
    while (this.#waiting.length < count) {
      this.#arrived = Promise.withResolvers();
      await this.#arrived.promise;
    }
  }

  /** Lets the n-th of those that wait through, the first if not said. */
  pass(n = 0): void {
    this.#waiting.splice(n, 1)[0]?.resolve();
  }

  /** Has the n-th fail with an error, undone. */
  fail(error: unknown, n = 0): void {
    this.#waiting.splice(n, 1)[0]?.reject(error);
  }

  /** Lets everything through from now on. */
  open(): void {
    this.#isOpen = true;
    for (const turn of this.#waiting.splice(0)) turn.resolve();
  }
}

/** Lets everything happen that needs nothing from outside this process. */
export async function settled(): Promise<void> {
  for (let n = 0; n < 50; n++) await Promise.resolve();
}
