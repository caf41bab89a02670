/** The store that a backup is restored into: empty before, whole afterwards. */
import { kindsOf } from "./backup.ts";
import { BackupError } from "./records.ts";
import type { CheckedBackup } from "./restore.ts";
import { keys } from "../kinds.ts";
import { newEpoch, SCHEMA, type StoreRecord } from "../store/record.ts";
import type { Store } from "../store/store.ts";

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
  const before = await store.get(keys.store());
  if (before.value?.isRestoring) throw notEmpty(); // another one is under way
  const record: StoreRecord = {
    schema: SCHEMA,
    limits: store.limits,
    epoch: newEpoch(),
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
  { now, header: { window } }: CheckedBackup,
): Promise<void> {
  const { limits } = store;
  const record: StoreRecord = {
    schema: SCHEMA,
    limits,
    epoch,
    createdAt: now(),
    ...(window !== undefined && { window }),
  };
  await store.commit((operation) => operation.set(keys.store(), record));
}
