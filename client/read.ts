/** Reading: listing what is held, opening it, and saying that we have it. */
import { z } from "zod";
import { envelopeBytes, NETWORK_LIMITS } from "../lib/minima/maxtxpow.ts";
import { ClientError } from "./error.ts";
import {
  openEnvelope,
  openListed,
  type OpenOptions,
  type ReceivedMessage,
  showOnce,
} from "./letter.ts";
import { type ListOptions, listPage, mailboxPath } from "./listing.ts";
import type { RequestOptions } from "./relay.ts";
import type { Session } from "./session.ts";
import { shownBy } from "./shown.ts";

/** A part of our mailbox. */
export interface ReceivedPage {
  /** In the order of the log. */
  readonly messages: readonly ReceivedMessage[];
  /** The cursor to go on with. */
  readonly next: string;
  /** Whether there is more behind it now. */
  readonly more: boolean;
  /** Whether the cursor was not of this store, so that this is from the oldest held. */
  readonly reset: boolean;
}

/** How to read. */
export interface ReadOptions extends RequestOptions, ListOptions, OpenOptions {
  /** Seconds that the relay is to wait for mail where there is none; 0 if not said. */
  readonly wait?: number | undefined;
}

/** One page of messages behind a cursor; from the oldest held, if null. */
export async function readPage(
  session: Session,
  after: string | null,
  options: ReadOptions = {},
): Promise<ReceivedPage> {
  const page = await listPage(session, after, options);
  const { identity } = session;
  const opened = await Promise.all(
    page.messages.map((listed) => openListed(listed, identity, options)),
  );
  const shown = shownBy(session);
  const messages = opened.map((message) => showOnce(message, shown));
  return { ...page, messages };
}

/** Pages that no mailbox has: a million messages, or ten gigabytes. */
const MAX_PAGES = 10_000;
/** Messages that no mailbox has, however its pages are cut. */
const MAX_MESSAGES = 1_000_000;
/** How often a store may be restored while it is read. */
const MAX_RESETS = 3;

/** How to read all that there is. */
export interface ReadAllOptions extends Omit<ReadOptions, "wait"> {
  /**
   * Messages after which the relay is not believed that there are more, a
   * million if not said.
   */
  readonly maxMessages?: number | undefined;
}

/**
 * Every message behind a cursor that is there now, page by page.
 *
 * @throws {ClientError} `relay-nonsense` if the relay never comes to an end
 */
export async function* readAll(
  session: Session,
  after: string | null,
  { maxMessages = MAX_MESSAGES, ...options }: ReadAllOptions = {},
): AsyncGenerator<ReceivedPage> {
  let [cursor, resets, messages] = [after, 0, 0];
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = await readPage(session, cursor, options);
    if (page.reset && ++resets > MAX_RESETS) break;
    messages += page.messages.length;
    if (messages > maxMessages) break;
    yield page;
    if (!page.more) return;
    cursor = page.next;
  }
  throw new ClientError(
    "relay-nonsense",
    `${session.relay.url} says more for ever`,
  );
}

/** Milliseconds for the largest envelope over a link of 10 kbit/s. */
const FETCH_WITHIN = 300_000;

/**
 * A message whose body was withheld, with its body: asked for by name it comes
 * over any link.
 */
export async function fetchMessage(
  session: Session,
  message: ReceivedMessage,
  { signal, ...options }: RequestOptions & OpenOptions = {},
): Promise<ReceivedMessage> {
  const path = `/v1/objects/${message.object}`;
  const bytes = await session.bytes(path, { signal: signal ?? null }, {
    most: envelopeBytes(NETWORK_LIMITS),
    within: FETCH_WITHIN,
  });
  const opened = await openEnvelope(
    message.id,
    bytes,
    session.identity,
    options,
  );
  return showOnce({ ...message, ...opened }, shownBy(session));
}

const ackForm = z.object({});

/** Tells the relay that a device has everything up to a cursor. */
export async function acknowledge(
  session: Session,
  through: string,
  reader: string,
  { signal }: RequestOptions = {},
): Promise<void> {
  await session.json(`${mailboxPath(session)}/ack`, ackForm, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ through, reader }),
    signal: signal ?? null,
  });
}
