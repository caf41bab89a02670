/** Whether somebody uses a store: what must not happen meanwhile is refused. */
import type { Database } from "./database.ts";
import type { Lease } from "./lease.ts";

/** A relay uses the store. */
export class StoreInUseError extends Error {
  /** The class, for logs. */
  override name = "StoreInUseError";
  /** Stable. */
  readonly code = "store-in-use";
}

/**
 * Refuses while a worker says that it uses the store, or has a lease of it.
 *
 * @throws {StoreInUseError} if one has at `now` (Unix milliseconds)
 */
export async function requireUnused(
  store: Pick<Database, "list">,
  now: number,
): Promise<void> {
  const leases = await store.list<Lease>({ prefix: ["lease"] });
  if (leases.every(({ value: { until } }) => until <= now)) return;
  throw new StoreInUseError(
    "a relay uses the store, or did until a minute ago: stop it, and try again",
  );
}
