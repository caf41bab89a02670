/** Letters: what a listed message says, once it is opened. */
import type { Bytes } from "../lib/bytes.ts";
import { packageHash } from "../lib/minima/maxima.ts";
import { decodeMaxTxPow } from "../lib/minima/maxtxpow.ts";
import { wholePart } from "../lib/minima/mininumber.ts";
import { Problem } from "../lib/problem.ts";
import { open, OpenError } from "../lib/seal/maxima.ts";
import type { Identity } from "./identity.ts";
import type { Listed } from "./listed.ts";
import type { Shown } from "./shown.ts";

/** What a message says, once it is opened. */
export interface Letter {
  /** Hex SPKI of the sender, who signed it. */
  readonly from: string;
  /** Hex SPKI of the reader that the sender named inside, and signed. */
  readonly to: string;
  /**
   * Whether `to` is neither our own key nor an alias of ours: the sender wrote
   * to somebody else, and somebody else sealed it to us.
   */
  readonly isForwarded: boolean;
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
  /**
   * Null if it expired unread, its body was withheld, it cannot be opened, or
   * another message brought the same letter before.
   */
  readonly letter: Letter | null;
  /** Why there is no letter; null if there is one. */
  readonly failure:
    | "expired"
    | "withheld"
    | "damaged"
    | "duplicate"
    | OpenError["code"]
    | null;
}

/** How to open. */
export interface OpenOptions {
  /** Further keys that letters to us may name, hex SPKI. */
  readonly aliases?: readonly string[] | undefined;
}

/** A message that the relay listed, opened; it is not yet known to be new. */
export async function openListed(
  listed: Listed,
  identity: Identity,
  options: OpenOptions,
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
  return { ...facts, ...await openEnvelope(id, body, identity, options) };
}

/** The message as it is to be shown: without its letter, if that was shown. */
export function showOnce(
  message: ReceivedMessage,
  shown: Shown,
): ReceivedMessage {
  const { letter } = message;
  return letter !== null && shown.isRepeated(letter.maximaId, message)
    ? { ...message, letter: null, failure: "duplicate" }
    : message;
}

/** What a stored envelope says, or why it says nothing. */
export async function openEnvelope(
  id: string,
  bytes: Bytes,
  identity: Identity,
  options: OpenOptions,
): Promise<Pick<ReceivedMessage, "letter" | "failure">> {
  try {
    const letter = await openLetter(id, bytes, identity, options);
    return { letter, failure: null };
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
  { key }: Identity,
  { aliases = [] }: OpenOptions,
): Promise<Letter> {
  const envelope = decodeMaxTxPow(bytes);
  if (packageHash(envelope.package).toHex() !== id) {
    throw new Problem("wrong-hash", "the body is another message's");
  }
  const message = await open(envelope.package, key);
  const to = message.to.toHex();
  const own = [key.publicKey.toHex(), ...aliases];
  return {
    from: message.from.toHex(),
    to,
    isForwarded: !own.some((name) => name.toLowerCase() === to),
    application: message.application,
    time: Number(wholePart(message.time)),
    maximaId: message.id.toHex(),
    data: message.data,
  };
}
