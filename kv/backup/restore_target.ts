/** The store that a backup is restored into: empty before, whole afterwards. */
import { kindsOf } from "./backup.ts";
import { BackupError } from "./records.ts";
import { keys } from "../keys.ts";
import type { Store, StoreRecord } from "../store/store.ts";

/** What a store has that has never been used. */
const UNUSED = ["store", "trial"];

/** Fails for a store that has ever been used. @throws {BackupError} `store-not-empty` */
export async function checkEmpty(store: Store): Promise<void> {
  for await (const kind of kindsOf(store)) {
    if (!UNUSED.includes(kind)) throw notEmpty();
  }
}

function notEmpty(): BackupError {
  return new BackupError(
    "store-not-empty",
    "the store is not empty: a backup is restored into a new one",
  );
}

/** Marks the store as not whole, under an epoch that nobody has seen. */
export async function beginRestore(store: Store, now: number): Promise<string> {
  const before = await store.get<StoreRecord>(keys.store());
  const record: StoreRecord = {
    epoch: crypto.getRandomValues(new Uint8Array(6)).toHex(),
    createdAt: now,
    isRestoring: true,
  };
  const versionstamp = await store.commit((operation) =>
    operation.check(before).set(keys.store(), record)
  );
  if (versionstamp === null) throw notEmpty(); // another restore was first
  return record.epoch;
}

/** Says that the store is whole. */
export async function endRestore(
  store: Store,
  epoch: string,
  createdAt: number,
): Promise<void> {
  await store.commit((operation) =>
    operation.set(keys.store(), { epoch, createdAt } satisfies StoreRecord)
  );
}
