/** How many connections the system has descriptors for. */
import { DEFAULT_CAPS } from "../relay/caps.ts";

/** Descriptors that the store, its threads and the runtime may come to need. */
const RESERVE = 128;

/** Connections where the system does not say: what the least limits allow. */
const CAUTIOUS = 768;

/**
 * The connections that there are descriptors for, at most those of
 * {@link DEFAULT_CAPS}. Deno reads the process's limit only with every
 * permission, so descriptors are taken, counted and given back.
 */
export function roomForConnections(
  open: () => Disposable = () => Deno.openSync("/dev/null"),
): number {
  const most = DEFAULT_CAPS.connections;
  using taken = new DisposableStack();
  let count = 0;
  try {
    for (; count < most + RESERVE; count++) taken.use(open());
  } catch (error) {
    // Not allowed to open it, or no such file: nothing was learnt.
    if (count === 0) return CAUTIOUS;
    if (!(error instanceof Error)) throw error;
  }
  return Math.max(count - RESERVE, 1);
}
