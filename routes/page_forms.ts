/** Pages that are not JSON, and pages as the parts of a stream. */
import type { Page } from "../kv/mail/read.ts";
import type { Bytes } from "../lib/bytes.ts";
import { ELEMENTS_TYPE, encodeElements } from "../lib/elements.ts";
import { encodeDigest, encodeHints } from "../lib/link.ts";
import type { Delivery } from "../relay/delivery.ts";
import { messageElement, messageJson } from "./message_json.ts";

/** Media types of the pages that are not JSON. */
export const PAGE_TYPES = {
  digest: "application/vnd.restante.digest",
  hint: "application/vnd.restante.hint",
  elements: ELEMENTS_TYPE,
} as const;

/** A page that is not JSON. */
export type CompactForm = keyof typeof PAGE_TYPES;

/** Headers that say what a JSON page has members for. */
export const PAGE_HEADERS = [
  "Restante-Next",
  "Restante-More",
  "Restante-Reset",
] as const;

const ENCODERS: Readonly<Record<CompactForm, (page: Page) => Bytes>> = {
  digest: digestOf,
  hint: ({ messages }) => encodeHints(messages.map(({ object }) => object)),
  elements: ({ messages }) => encodeElements(messages.map(messageElement)),
};

/** A page of bytes, as the answer to a poll has it. */
export function compactPage(page: Page, form: CompactForm) {
  const body = ENCODERS[form](page);
  const headers = {
    "Content-Type": PAGE_TYPES[form],
    "Restante-Next": page.next,
    "Restante-More": String(page.more),
    "Restante-Reset": String(page.reset),
  };
  return { body, headers };
}

/** A part of a stream: an event, or a frame. */
export interface StreamPart {
  /** As the text of a frame: JSON. */
  readonly text: string;
  /** As the bytes of a frame: an element; null of what has no such form. */
  readonly element: Bytes | null;
  /** As an event, whose id is where the reader stands once it has it. */
  readonly event: Uint8Array;
}

const utf8 = new TextEncoder();

/** The bytes of an event (HTML, section 9.2). */
export function eventBytes(
  name: string,
  text: string,
  id?: string,
): Uint8Array<ArrayBuffer> {
  const place = id === undefined ? "" : `id: ${id}\n`;
  return utf8.encode(`event: ${name}\n${place}data: ${text}\n\n`);
}

/** Made when somebody wants it, and then once, however many read the page. */
class Part implements StreamPart {
  readonly #name: string;
  readonly #cursor: string;
  readonly #make: () => unknown;
  readonly #encode: (() => Bytes) | null;
  #text: string | undefined;
  #event: Uint8Array | undefined;
  #element: Bytes | undefined;

  constructor(
    name: string,
    cursor: string,
    make: () => unknown,
    encode: (() => Bytes) | null = null,
  ) {
    this.#name = name;
    this.#cursor = cursor;
    this.#make = make;
    this.#encode = encode;
  }

  get text(): string {
    return this.#text ??= JSON.stringify(this.#make());
  }

  get element(): Bytes | null {
    if (this.#encode === null) return null;
    return this.#element ??= this.#encode();
  }

  get event(): Uint8Array {
    if (this.#event !== undefined) return this.#event;
    // Who sends events has no use for the text by itself: it is not kept.
    const text = this.#text ?? JSON.stringify(this.#make());
    return this.#event = eventBytes(this.#name, text, this.#cursor);
  }
}

/** What was made of pages, as messages and as digests. */
const made = {
  messages: new WeakMap<Page, readonly StreamPart[]>(),
  digests: new WeakMap<Page, readonly StreamPart[]>(),
};

/** A page as parts of a stream: its messages, or one digest of them all. */
export function streamParts(
  page: Page,
  delivery: Delivery,
): readonly StreamPart[] {
  const isDigest = delivery === "digest";
  const before = isDigest ? made.digests : made.messages;
  const parts = before.get(page) ??
    (isDigest ? digestParts(page) : messageParts(page));
  before.set(page, parts);
  return parts;
}

function messageParts({ messages }: Page): Part[] {
  return messages.map((message) =>
    new Part(
      "message",
      message.cursor,
      () => messageJson(message),
      () => encodeElements([messageElement(message)]),
    )
  );
}

function digestParts(page: Page): Part[] {
  if (page.messages.length === 0) return [];
  const { next: cursor } = page;
  const options = { alphabet: "base64url", omitPadding: true } as const;
  const make = () => ({ cursor, digest: digestOf(page).toBase64(options) });
  return [new Part("digest", cursor, make)];
}

function digestOf({ messages }: Page) {
  return encodeDigest(
    messages.map(({ holdUntil, ...message }) => ({
      ...message,
      expires: holdUntil,
    })),
  );
}
