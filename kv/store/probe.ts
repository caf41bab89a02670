/**
 * Whether a store can keep the promise, tried when it is opened: that what one
 * handle wrote another reads, and that the database numbers the log.
 */
import { keys } from "../kinds.ts";
import { type Database, Operation } from "./database.ts";

/** A store cannot keep what a relay promises. */
export class StoreUnfitError extends Error {
  /** The class, for logs. */
  override name = "StoreUnfitError";
  /** Stable. */
  readonly code = "store-unfit";
}

/** Milliseconds after which what a trial wrote may be swept. */
const TRIAL_KEPT = 60_000;

/**
 * Tries whether another handle sees the same store: a platform may give each of
 * them an empty one of its own.
 *
 * @throws {StoreUnfitError}
 */
export async function probeSharing(
  other: Database,
  epoch: string,
): Promise<void> {
  const { value } = await other.get(keys.store());
  if (value?.epoch === epoch) return;
  throw new StoreUnfitError(
    "what is written to the store is not there when it is opened again",
  );
}

/**
 * Tries whether the database ends a key in its commit's versionstamp.
 *
 * @throws {StoreUnfitError}
 */
export async function probeNumbering(database: Database): Promise<void> {
  const trial = crypto.randomUUID();
  const versionstamp = await database.commit(
    new Operation().set(keys.newTrial("log", trial), true, {
      expireIn: TRIAL_KEPT,
    }),
  );
  const [entry] = await database.list({ prefix: keys.trial("log", trial) });
  if (entry !== undefined) {
    await database.commit(new Operation().delete(entry.key));
  }
  if (entry?.key.at(-1) === versionstamp) return;
  throw new StoreUnfitError("the store does not number what is written to it");
}

/**
 * Whether a watch tells of a change before `timeUp` ends. One that does not is
 * no reason to refuse the store: mail is found without any bell, only later.
 */
export async function probeWatch(
  database: Database,
  watching: Database,
  timeUp: Promise<unknown>,
): Promise<boolean> {
  const key = keys.trial("watch", crypto.randomUUID());
  const changes = watching.watch([key]).getReader();
  const late = timeUp.then(() => null);
  try {
    await Promise.race([changes.read(), late]); // how it stands now
    await database.commit(
      new Operation().set(key, true, { expireIn: TRIAL_KEPT }),
    );
    const change = await Promise.race([changes.read(), late]);
    await database.commit(new Operation().delete(key));
    return change?.value?.[0]?.value === true;
  } finally {
    await changes.cancel().catch(() => {}); // it may have broken
  }
}
