/** Reading: listing what is held, and opening it. */
import { z } from "zod";
import { decodeMaxTxPow } from "../lib/minima/maxtxpow.ts";
import type { Bytes } from "../lib/bytes.ts";
import { packageHash } from "../lib/minima/maxima.ts";
import { wholePart } from "../lib/minima/mininumber.ts";
import { Problem } from "../lib/problem.ts";
import { open, OpenError } from "../lib/seal/maxima.ts";
import { ClientError } from "./error.ts";
import type { Identity } from "./identity.ts";
import type { Session } from "./session.ts";

const pageForm = z.looseObject({
  messages: z.array(z.looseObject({
    cursor: z.string(),
    id: z.string(),
    object: z.string(),
    size: z.number(),
    storedAt: z.number(),
    holdUntil: z.number(),
    body: z.string().nullable(),
    expired: z.boolean(),
  })),
  next: z.string(),
  more: z.boolean(),
  reset: z.boolean(),
});

/** A message as the relay lists it. */
type Listed = z.infer<typeof pageForm>["messages"][number];

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

/**
 * One page of messages behind a cursor; from the oldest held, if null. Where
 * there are none, the relay waits for some for so many seconds.
 */
export async function readPage(
  session: Session,
  after: string | null,
  wait = 0,
): Promise<ReceivedPage> {
  const query = after === null ? "" : `?after=${encodeURIComponent(after)}`;
  const response = await session.fetch(
    `/v1/mailboxes/${session.identity.mailbox}/messages${query}`,
    wait > 0 ? { headers: { Prefer: `wait=${wait}` } } : {},
  );
  const page = pageForm.safeParse(await response.json().catch(() => null));
  if (!page.success) {
    throw new ClientError(
      "relay-nonsense",
      `${session.relay.url} lists messages as no relay does`,
    );
  }
  const messages = await Promise.all(
    page.data.messages.map((listed) => receive(listed, session.identity)),
  );
  return { ...page.data, messages };
}

/** Every message behind a cursor that is there now, page by page. */
export async function* readAll(
  session: Session,
  after: string | null,
): AsyncGenerator<ReceivedPage> {
  for (let cursor = after;;) {
    const page = await readPage(session, cursor);
    yield page;
    if (!page.more) return;
    cursor = page.next;
  }
}

/** Tells the relay that a device has everything up to a cursor. */
export async function acknowledge(
  session: Session,
  through: string,
  reader: string,
): Promise<void> {
  const response = await session.fetch(
    `/v1/mailboxes/${session.identity.mailbox}/ack`,
    {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ through, reader }),
    },
  );
  await response.body?.cancel();
}

async function receive(
  listed: Listed,
  identity: Identity,
): Promise<ReceivedMessage> {
  const { cursor, id, storedAt, holdUntil, size, body, expired } = listed;
  const facts = { cursor, id, storedAt, holdUntil, size };
  if (body === null) {
    return {
      ...facts,
      letter: null,
      failure: expired ? "expired" : "withheld",
    };
  }
  try {
    return {
      ...facts,
      letter: await openLetter(id, body, identity),
      failure: null,
    };
  } catch (error) {
    if (error instanceof OpenError) {
      return { ...facts, letter: null, failure: error.code };
    }
    if (error instanceof Problem || error instanceof SyntaxError) {
      return { ...facts, letter: null, failure: "damaged" };
    }
    throw error;
  }
}

async function openLetter(
  id: string,
  body: string,
  identity: Identity,
): Promise<Letter> {
  const envelope = decodeMaxTxPow(
    Uint8Array.fromBase64(body, { alphabet: "base64url" }),
  );
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
