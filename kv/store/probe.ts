/**
 * Whether a store can keep the promise, tried at start: that what one handle
 * wrote another reads, that the database numbers the log, that a watch tells.
 */
import { keys } from "../keys.ts";
import type { StoreRecord } from "./store.ts";

/** A store cannot keep what a relay promises. */
export class StoreUnfitError extends Error {
  /** The class, for logs. */
  override name = "StoreUnfitError";
  /** Stable. */
  readonly code = "store-unfit";
}

/** Milliseconds that a watch has to tell of a change. */
const PATIENCE = 5_000;
/** Milliseconds after which what a trial wrote may be swept. */
const TRIAL_KEPT = 60_000;

/** The handles of a store that was opened. */
export interface Handles {
  /** Reads and writes. */
  readonly kv: Deno.Kv;
  /** Watches; the same where two handles share nothing. */
  readonly watchKv: Deno.Kv;
  /** What the first handle wrote or read. */
  readonly epoch: string;
}

/**
 * Tries what a relay relies on.
 *
 * @throws {StoreUnfitError} saying what the store does not do
 */
export async function probe({ kv, watchKv, epoch }: Handles): Promise<void> {
  const { value } = await watchKv.get<StoreRecord>(keys.store());
  if (value?.epoch !== epoch) {
    throw new StoreUnfitError(
      "what is written to the store is not there when it is opened again",
    );
  }
  await probeVersionstamps(kv);
  await probeWatch(kv, watchKv);
}

async function probeVersionstamps(kv: Deno.Kv): Promise<void> {
  const prefix = keys.trial("log", crypto.randomUUID());
  const { versionstamp } = await kv.set(
    [...prefix, kv.commitVersionstamp()],
    true,
    { expireIn: TRIAL_KEPT },
  );
  const [entry] = await Array.fromAsync(kv.list({ prefix }));
  if (entry !== undefined) await kv.delete(entry.key);
  if (entry?.key.at(-1) === versionstamp) return;
  throw new StoreUnfitError("the store does not number what is written to it");
}

async function probeWatch(kv: Deno.Kv, watchKv: Deno.Kv): Promise<void> {
  const key = keys.trial("watch", crypto.randomUUID());
  const changes = watchKv.watch([key]).getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), PATIENCE);
  });
  try {
    await Promise.race([changes.read(), timeUp]); // how it stands now
    await kv.set(key, true, { expireIn: TRIAL_KEPT });
    const change = await Promise.race([changes.read(), timeUp]);
    await kv.delete(key);
    if (change?.value?.[0]?.value === true) return;
    throw new StoreUnfitError(
      "the store does not tell of changes to what is watched",
    );
  } finally {
    clearTimeout(timer);
    await changes.cancel();
  }
}
