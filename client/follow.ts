/** Following a mailbox: what every way of it takes and gives. */
import type { Listed } from "./listed.ts";
import type { ListOptions } from "./listing.ts";
import type { Session } from "./session.ts";

/** What to follow. */
export interface FollowOptions extends ListOptions {
  /** Whose mailbox, and where. */
  readonly session: Session;
  /** Behind this cursor; from the oldest held, if null. */
  readonly after: string | null;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** What arrives at once. */
export interface Arrival {
  /** In the order of the log. */
  readonly messages: readonly Listed[];
  /** Where to go on, if it is known beyond the last message. */
  readonly next: string | null;
  /** Whether this is the first, so that the connection stands. */
  readonly isFirst: boolean;
  /** Whether the cursor was not of this store. */
  readonly reset: boolean;
}

/** Nothing, to be added to. */
export const NO_ARRIVAL: Arrival = {
  messages: [],
  next: null,
  isFirst: false,
  reset: false,
};

/** Milliseconds in which a connection has to stand, and to show life. */
export const OPEN_WITHIN = 6_000;

/** Something between us and the relay does not let a transport through. */
export class BlockedError extends Error {
  /** The class, for logs. */
  override name = "BlockedError";
}
