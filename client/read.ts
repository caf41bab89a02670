/** Reading: listing what is held, and opening it. */
import { z } from "zod";
import { decodeMaxTxPow } from "../lib/minima/maxtxpow.ts";
import type { Bytes } from "../lib/bytes.ts";
import { packageHash } from "../lib/minima/maxima.ts";
import { wholePart } from "../lib/minima/mininumber.ts";
import { Problem } from "../lib/problem.ts";
import { open, OpenError } from "../lib/seal/maxima.ts";
import type { Identity } from "./identity.ts";
import type { RequestOptions } from "./relay.ts";
import type { Session } from "./session.ts";

const listedForm = z.looseObject({
  cursor: z.string(),
  id: z.string(),
  object: z.string(),
  size: z.number(),
  storedAt: z.number(),
  holdUntil: z.number(),
  body: z.string().nullable(),
  expired: z.boolean(),
});

const pageForm = z.looseObject({
  messages: z.array(listedForm),
  next: z.string(),
  more: z.boolean(),
  reset: z.boolean(),
});

/** A message as the relay lists it. */
export type Listed = z.infer<typeof listedForm>;

/** What a message says, once it is opened. */
export interface Letter {
  /** Hex SPKI of the sender, who signed it. */
  readonly from: string;
  /** The Maxima application it is for. */
  readonly application: string;
  /** Unix milliseconds, by the sender's clock. */
  readonly time: number;
  /** The id that Maxima applications know it by, hex. */
  readonly maximaId: string;
  /** What was sent. */
  readonly data: Bytes;
}

/** A message in our mailbox. */
export interface ReceivedMessage {
  /** Where it stands in the mailbox. */
  readonly cursor: string;
  /** Message id, hex. */
  readonly id: string;
  /** BLAKE3-256 of the stored bytes, hex. */
  readonly object: string;
  /** Unix milliseconds, by the relay's clock. */
  readonly storedAt: number;
  /** Unix milliseconds. */
  readonly holdUntil: number;
  /** Bytes stored. */
  readonly size: number;
  /** Null if it expired unread, its body was withheld, or it cannot be opened. */
  readonly letter: Letter | null;
  /** Why there is no letter; null if there is one. */
  readonly failure:
    | "expired"
    | "withheld"
    | "damaged"
    | OpenError["code"]
    | null;
}

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
export interface ReadOptions extends RequestOptions {
  /** Seconds that the relay is to wait for mail where there is none; 0 if not said. */
  readonly wait?: number | undefined;
  /** Our link in bits a second; any, if not said. Slow links get less. */
  readonly bandwidth?: number | undefined;
}

/** Milliseconds that an answer may take beyond the time it was asked to wait. */
const ANSWER_BEYOND = 10_000;

/** One page of messages behind a cursor; from the oldest held, if null. */
export async function readPage(
  session: Session,
  after: string | null,
  options: ReadOptions = {},
): Promise<ReceivedPage> {
  const page = await listPage(session, after, options);
  const { identity } = session;
  const messages = await Promise.all(
    page.messages.map((listed) => receive(listed, identity)),
  );
  return { ...page, messages };
}

/** A page as the relay lists it. */
export async function listPage(
  session: Session,
  after: string | null,
  { wait = 0, bandwidth, signal }: ReadOptions,
): Promise<z.infer<typeof pageForm>> {
  return await session.json(
    messagesPath(session, after, bandwidth),
    pageForm,
    {
      headers: wait > 0 ? { Prefer: `wait=${wait}` } : {},
      signal: signal ?? null,
    },
    ANSWER_BEYOND + 1_000 * (wait || 20),
  );
}

/** Where a session's mail behind a cursor is listed. */
export function messagesPath(
  { identity }: Session,
  after: string | null,
  bandwidth: number | undefined,
): string {
  return `/v1/mailboxes/${identity.mailbox}/messages${
    readQuery(after, bandwidth)
  }`;
}

/** The query of every way to read. */
export function readQuery(
  after: string | null,
  bandwidth: number | undefined,
): string {
  const query = new URLSearchParams({
    ...(after !== null && { after }),
    ...(bandwidth !== undefined && { bandwidth: String(bandwidth) }),
  });
  return query.size === 0 ? "" : `?${query}`;
}

/** Reads an element of a stream; null if it is none. */
export function parseListed(text: string): Listed | null {
  try {
    return listedForm.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Every message behind a cursor that is there now, page by page. */
export async function* readAll(
  session: Session,
  after: string | null,
  options: Omit<ReadOptions, "wait"> = {},
): AsyncGenerator<ReceivedPage> {
  for (let cursor = after;;) {
    const page = await readPage(session, cursor, options);
    yield page;
    if (!page.more) return;
    cursor = page.next;
  }
}

/**
 * A message whose body was withheld, with its body: asked for by name it comes
 * over any link.
 */
export async function fetchMessage(
  session: Session,
  message: ReceivedMessage,
  { signal }: RequestOptions = {},
): Promise<ReceivedMessage> {
  const bytes = await session.relay.persist(signal, async () => {
    const response = await session.fetch(`/v1/objects/${message.object}`, {
      signal: signal ?? null,
    });
    return new Uint8Array(await response.arrayBuffer());
  });
  return {
    ...message,
    ...await openEnvelope(message.id, bytes, session.identity),
  };
}

const ackForm = z.looseObject({});

/** Tells the relay that a device has everything up to a cursor. */
export async function acknowledge(
  session: Session,
  through: string,
  reader: string,
  { signal }: RequestOptions = {},
): Promise<void> {
  const path = `/v1/mailboxes/${session.identity.mailbox}/ack`;
  await session.json(path, ackForm, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ through, reader }),
    signal: signal ?? null,
  });
}

/** Opens a message that the relay listed. */
export async function receive(
  listed: Listed,
  identity: Identity,
): Promise<ReceivedMessage> {
  const { cursor, id, object, storedAt, holdUntil, size, body, expired } =
    listed;
  const facts = { cursor, id, object, storedAt, holdUntil, size };
  if (body === null) {
    return {
      ...facts,
      letter: null,
      failure: expired ? "expired" : "withheld",
    };
  }
  const bytes = bytesOf(body);
  return {
    ...facts,
    ...(bytes === null
      ? { letter: null, failure: "damaged" as const }
      : await openEnvelope(id, bytes, identity)),
  };
}

function bytesOf(text: string): Bytes | null {
  try {
    return Uint8Array.fromBase64(text, { alphabet: "base64url" });
  } catch {
    return null;
  }
}

/** What a stored envelope says, or why it says nothing. */
async function openEnvelope(
  id: string,
  bytes: Bytes,
  identity: Identity,
): Promise<Pick<ReceivedMessage, "letter" | "failure">> {
  try {
    return { letter: await openLetter(id, bytes, identity), failure: null };
  } catch (error) {
    if (error instanceof OpenError) {
      return { letter: null, failure: error.code };
    }
    if (error instanceof Problem) return { letter: null, failure: "damaged" };
    throw error;
  }
}

async function openLetter(
  id: string,
  bytes: Bytes,
  identity: Identity,
): Promise<Letter> {
  const envelope = decodeMaxTxPow(bytes);
  if (packageHash(envelope.package).toHex() !== id) {
    throw new Problem("wrong-hash", "the body is another message's");
  }
  const message = await open(envelope.package, identity.key);
  return {
    from: message.from.toHex(),
    application: message.application,
    time: Number(wholePart(message.time)),
    maximaId: message.id.toHex(),
    data: message.data,
  };
}
