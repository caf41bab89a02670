/**
 * Ending an epoch. A store's file that was copied and put back numbers its mail
 * as it did before: readers hold cursors for mail that it never had, and what
 * comes under these would be hidden from them.
 */
import { keys } from "../kinds.ts";
import { requireUnused } from "./in_use.ts";
import { changeRecord, newEpoch } from "./record.ts";
import type { Store } from "./store.ts";

/** An epoch that was ended, and the one that has begun. */
export interface EndedEpoch {
  /** 12 hex digits. */
  readonly former: string;
  /** 12 hex digits. */
  readonly epoch: string;
}

/** Milliseconds for which the trial stands, should what comes next fail. */
const TRIAL_KEPT = 60_000;

/**
 * Gives a store a new epoch: readers begin again at the oldest message held.
 * Receipts of what it holds stay as they were. No relay may use it meanwhile; of
 * one that does, a lease may tell.
 *
 * @throws {StoreInUseError} (in_use.ts) if a worker has a lease at `now` (Unix milliseconds)
 * @throws {Problem} `busy`
 */
export async function endEpoch(store: Store, now: number): Promise<EndedEpoch> {
  await requireUnused(store, now);
  // Nothing that the former epoch stored can be above this.
  const trial = keys.trial("epoch", crypto.randomUUID());
  const through = await store.commit((operation) =>
    operation.set(trial, true, { expireIn: TRIAL_KEPT })
  );
  if (through === null) throw new Error("a commit without checks was refused");
  let former = "";
  const { epoch } = await changeRecord(store, (record) => {
    former = record.epoch;
    return {
      ...record,
      epoch: newEpoch(),
      former: [...record.former ?? [], { epoch: record.epoch, through }],
    };
  });
  await store.commit((operation) => operation.delete(trial));
  return { former, epoch };
}
