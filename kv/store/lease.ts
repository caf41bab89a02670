/** Leases: of several workers one sees to something, for a while. */
import { keys } from "../kinds.ts";
import type { Store } from "./store.ts";

/** Who sees to something. */
export interface Lease {
  /** The worker: a name that nobody else has. */
  readonly holder: string;
  /** Unix milliseconds; then anybody may take it. */
  readonly until: number;
}

/**
 * Takes a lease, or keeps it for longer; false if another worker has it.
 *
 * @throws {Problem} `busy`
 */
export async function takeLease(
  store: Store,
  what: string,
  { holder, until }: Lease,
  now: number,
): Promise<boolean> {
  const key = keys.lease(what);
  const before = await store.get(key);
  const isTaken = before.value !== null && before.value.until > now &&
    before.value.holder !== holder;
  if (isTaken) return false;
  return await store.commit((operation) =>
    operation.check(before)
      .set(key, { holder, until }, { expireIn: Math.max(until - now, 1) })
  ) !== null;
}

/** Gives a lease back before its time. */
export async function endLease(
  store: Store,
  what: string,
  holder: string,
): Promise<void> {
  const before = await store.get(keys.lease(what));
  if (before.value?.holder !== holder) return;
  await store.commit((operation) => operation.check(before).delete(before.key));
}
