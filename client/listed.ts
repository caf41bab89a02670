/**
 * Listed messages in one form, whichever way they came: as JSON, whose bodies
 * are base64url, or as elements, whose bodies are bytes.
 */
import { z } from "zod";
import type { Bytes } from "../lib/bytes.ts";
import {
  decodeElement,
  decodeElements,
  type Element,
  ELEMENTS_TYPE,
} from "../lib/elements.ts";
import { Problem } from "../lib/problem.ts";
import type { WholeAnswer } from "./answer.ts";
import { parseJson } from "./body.ts";
import { ClientError } from "./error.ts";
import { countForm, cursorForm, hashForm, timeForm } from "./forms.ts";

/**
 * Bytes of the longest body: those of an envelope, which has at most 262,144
 * bytes of package and 65,536 of TxPoW, and some more.
 */
const MAX_BODY = 360_000;
/** Characters of the same as base64url. */
const MAX_BODY_TEXT = 4 * MAX_BODY / 3;
/** Bytes of the longest facts of a message. */
const MAX_FACTS = 20_000;
/** Characters of the longest listed message as JSON: its body, and the facts. */
export const MAX_LISTED: number = MAX_BODY_TEXT + MAX_FACTS;
/** Messages that no page has. */
const MAX_MESSAGES = 1_000;

const BOUNDS = { count: MAX_MESSAGES, facts: MAX_FACTS, body: MAX_BODY };

/** What is asked for; a relay that knows elements not answers JSON. */
export const ACCEPTED = `${ELEMENTS_TYPE}, application/json;q=0.9`;

const factsForm = z.object({
  cursor: cursorForm,
  id: hashForm,
  object: hashForm,
  size: countForm,
  storedAt: timeForm,
  holdUntil: timeForm,
  expired: z.boolean(),
});

const bodyText = z.string().max(MAX_BODY_TEXT).nullable();
const listedForm = factsForm.extend({ body: bodyText.transform(bytesOf) });

const placeForm = z.object({
  next: cursorForm,
  more: z.boolean(),
  reset: z.boolean(),
});

const pageForm = placeForm.extend({
  messages: z.array(listedForm).max(MAX_MESSAGES),
});

/** A message as the relay lists it. */
export interface Listed extends z.infer<typeof factsForm> {
  /** The envelope; null if it expired or was withheld. */
  readonly body: Bytes | null;
}

/** A part of a mailbox as the relay lists it. */
export interface ListedPage extends z.infer<typeof placeForm> {
  /** In the order of the log. */
  readonly messages: readonly Listed[];
}

/**
 * Reads an element of a stream, JSON or bytes.
 *
 * @throws {ClientError} `relay-nonsense` if it is none
 */
export function parseListed(sent: string | Bytes): Listed {
  const message = typeof sent === "string"
    ? listedOfText(sent)
    : believed(() => listedOf(decodeElement(sent, BOUNDS)));
  if (message !== null) return message;
  throw new ClientError("relay-nonsense", "what was sent is no message");
}

/**
 * Reads a page, in the form in which its answer says that it is.
 *
 * @throws {ClientError} `relay-nonsense` if it is none
 */
export function parsePage({ url, headers, body }: WholeAnswer): ListedPage {
  const [type = ""] = headers.get("Content-Type")?.split(";") ?? [];
  const isBinary = type.trim().toLowerCase() === ELEMENTS_TYPE;
  const page = isBinary
    ? believed(() => pageOfElements(headers, body))
    : pageForm.safeParse(parseJson(body)).data;
  if (page) return page;
  throw new ClientError(
    "relay-nonsense",
    `${url} answered what no relay answers`,
  );
}

function listedOfText(text: string): Listed | null {
  if (text.length > MAX_LISTED) return null;
  return believed(() => listedForm.parse(JSON.parse(text)));
}

function listedOf({ facts, body }: Element): Listed {
  return { ...factsForm.parse(facts), body };
}

function pageOfElements(headers: Headers, body: Bytes): ListedPage {
  const messages = decodeElements(body, BOUNDS).map(listedOf);
  const flag = (name: string) =>
    ({ true: true, false: false })[headers.get(name) ?? ""];
  const place = placeForm.parse({
    next: headers.get("Restante-Next"),
    more: flag("Restante-More"),
    reset: flag("Restante-Reset"),
  });
  return { ...place, messages };
}

/** What is read, or null where it is not of the form. */
function believed<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    const isOfThem = error instanceof Problem || error instanceof z.ZodError ||
      error instanceof SyntaxError;
    if (isOfThem) return null;
    throw error;
  }
}

/** The bytes of a body; none, which no envelope has, if it is no base64url. */
function bytesOf(text: string | null): Bytes | null {
  if (text === null) return null;
  try {
    return Uint8Array.fromBase64(text, { alphabet: "base64url" });
  } catch {
    return new Uint8Array();
  }
}
