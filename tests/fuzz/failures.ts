/** A database that fails when it is told to, and does not say what it did. */
import {
  type Database,
  DatabaseError,
  type Operation,
} from "../../kv/store/database.ts";

/** What becomes of a commit that fails. */
export type Failure = "before it is done" | "after it is done";

/** Commits that are to fail, whichever come first. */
export class Failures {
  #next: Failure[] = [];

  /** Lets the next commits fail so, in turn. */
  plan(failures: readonly Failure[]): void {
    this.#next.push(...failures);
  }

  /** Lets none fail any more; gives how many that were planned never came. */
  end(): number {
    return this.#next.splice(0).length;
  }

  /** A database whose commits fail as planned. */
  wrap(database: Database): Database {
    return around(database, {
      commit: async (operation) => {
        const failure = this.#next.shift();
        if (failure === "before it is done") throw lost();
        const versionstamp = await database.commit(operation);
        if (failure === "after it is done") throw lost();
        return versionstamp;
      },
    });
  }
}

function lost(): DatabaseError {
  const cause = new Error("the connection is lost");
  return new DatabaseError("failed", { cause });
}

/** A database with some of its methods exchanged. */
export function around(
  database: Database,
  changes: Partial<Database>,
): Database {
  return {
    get: (key) => database.get(key),
    getMany: (keys) => database.getMany(keys),
    list: (range, limit) => database.list(range, limit),
    commit: (operation: Operation) => database.commit(operation),
    watch: (keys) => database.watch(keys),
    close: () => database.close(),
    ...changes,
  };
}
