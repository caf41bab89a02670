/** Lists of messages as the relay gives them, and what of them is believed. */
import { parseCursor } from "../lib/cursor.ts";
import { ClientError } from "./error.ts";
import { ACCEPTED, type ListedPage, parsePage } from "./listed.ts";
import type { RequestOptions } from "./relay.ts";
import type { Session } from "./session.ts";

/** Bytes of the longest page: a mebibyte of bodies, one more, and the facts. */
const MAX_PAGE = 8 * 2 ** 20;

/** Which messages to list, and to whom. */
export interface ListOptions {
  /** Our link in bits a second; any, if not said. Slow links get less. */
  readonly bandwidth?: number | undefined;
  /**
   * The name of this device. The relay keeps what a named device has read and
   * not yet acknowledged, whatever other devices acknowledge.
   */
  readonly reader?: string | undefined;
}

/** How to get a list. */
interface PageOptions extends ListOptions, RequestOptions {
  /** Seconds that the relay is to wait for mail where there is none. */
  readonly wait?: number | undefined;
  /** Most messages; the relay's own limit, if not said. */
  readonly limit?: number | undefined;
}

/** Milliseconds that an answer may take beyond the time it was asked to wait. */
const ANSWER_BEYOND = 10_000;

/**
 * A page as the relay lists it.
 *
 * @throws {ClientError} `relay-nonsense` if it is none, not in order, or does not
 * go on where it says that there is more
 */
export async function listPage(
  session: Session,
  after: string | null,
  { wait = 0, limit, signal, ...options }: PageOptions,
): Promise<ListedPage> {
  const query = readQuery(after, options, limit);
  const answer = await session.wholeAnswer(
    `${mailboxPath(session)}/messages${query}`,
    {
      headers: {
        Accept: ACCEPTED,
        ...(wait > 0 && { Prefer: `wait=${wait}` }),
      },
      signal: signal ?? null,
    },
    { within: ANSWER_BEYOND + 1_000 * (wait || 20), most: MAX_PAGE },
  );
  const page = parsePage(answer);
  requireProgress(page, after);
  return page;
}

/** Where a session's mailbox is. */
export function mailboxPath({ identity }: Session): string {
  return `/v1/mailboxes/${identity.mailbox}`;
}

/** The query of every way to read. */
export function readQuery(
  after: string | null,
  { bandwidth, reader }: ListOptions,
  limit?: number,
): string {
  const query = new URLSearchParams({
    ...(after !== null && { after }),
    ...(bandwidth !== undefined && { bandwidth: String(bandwidth) }),
    ...(reader !== undefined && { reader }),
    ...(limit !== undefined && { limit: String(limit) }),
  });
  return query.size === 0 ? "" : `?${query}`;
}

/** Whether a cursor is behind another; null is before all. */
export function isBehind(cursor: string, after: string | null): boolean {
  if (after === null) return true;
  // Those of another store are not to be compared, and new to us.
  return epochOf(cursor) !== epochOf(after) || cursor > after;
}

/** Whether two cursors are of one store, and so in one order. */
export function isOfOneStore(one: string, other: string): boolean {
  return epochOf(one) === epochOf(other);
}

function epochOf(cursor: string): string {
  try {
    return parseCursor(cursor).epoch;
  } catch (cause) {
    const detail = "a message has a cursor that is none";
    throw new ClientError("relay-nonsense", detail, { cause });
  }
}

/** A page goes on behind its cursor, message by message, to its end. */
function requireProgress(
  { messages, next, more, reset }: ListedPage,
  asked: string | null,
): void {
  let place = reset ? null : asked;
  for (const { cursor } of messages) {
    requireOrder(cursor, place);
    place = cursor;
  }
  if (next !== place) requireOrder(next, place);
  if (more && next === asked) throw nonsense("says more, and does not go on");
}

function requireOrder(cursor: string, place: string | null): void {
  if (place !== null && !isOfOneStore(cursor, place)) {
    throw nonsense("lists another store's mail as its own");
  }
  if (isBehind(cursor, place)) return;
  throw nonsense("lists what is not in order");
}

function nonsense(what: string): ClientError {
  return new ClientError("relay-nonsense", `the relay ${what}`);
}
