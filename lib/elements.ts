/**
 * Listed messages as bytes: what a JSON page lists, with the bodies as they are.
 * An element is `length u32 || facts || length u32 || body`, lengths in bytes and
 * little-endian. Its facts are the members of the listed message but `body`, as
 * JSON in UTF-8; a length of 0 is no body, for no envelope is empty. A page is
 * elements one after another, a frame of a WebSocket is one.
 */
import type { Bytes } from "./bytes.ts";
import { Problem } from "./problem.ts";

/** The media type of a page of elements. */
export const ELEMENTS_TYPE = "application/vnd.restante.messages";

/** What is spoken over a WebSocket: messages as JSON, or as elements. */
export const SUBPROTOCOLS = {
  text: "restante.v1",
  binary: "restante.v1.binary",
} as const;

/** Bytes of a length. */
const LENGTH_BYTES = 4;

/** A listed message in two parts. */
export interface Element {
  /** All members but the body; what JSON can say. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** The envelope, of at least one byte; null if it is not given. */
  readonly body: Bytes | null;
}

/** What is believed of elements before they are looked at. */
export interface ElementBounds {
  /** Most elements. */
  readonly count: number;
  /** Bytes of the longest facts. */
  readonly facts: number;
  /** Bytes of the longest body. */
  readonly body: number;
}

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Elements one after another, in one piece of memory; bodies are copied once. */
export function encodeElements(elements: readonly Element[]): Bytes {
  const texts = utf8Of(elements.map(({ facts }) => JSON.stringify(facts)));
  let length = 0;
  for (const [i, { body }] of elements.entries()) {
    length += 2 * LENGTH_BYTES + (texts[i]?.length ?? 0) + (body?.length ?? 0);
  }
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const put = (part: Uint8Array | null | undefined) => {
    const { length } = part ?? [];
    view.setUint32(at, length, true);
    at += LENGTH_BYTES;
    if (part) bytes.set(part, at);
    at += length;
  };
  for (const [i, { body }] of elements.entries()) {
    put(texts[i]);
    put(body);
  }
  return bytes;
}

/** Texts as UTF-8; at once where all is ASCII, for each by itself costs more. */
function utf8Of(texts: readonly string[]): Bytes[] {
  const joined = texts.join("");
  const all = utf8.encode(joined);
  if (all.length > joined.length) return texts.map((text) => utf8.encode(text));
  let at = 0;
  return texts.map(({ length }) => all.subarray(at, at += length));
}

/**
 * The elements that bytes are, to their last one; the bodies are views of them.
 *
 * @throws {Problem} `malformed` if they end amid an element, one is beyond the
 * bounds or there are more of them, or facts are no JSON object in UTF-8
 */
export function decodeElements(bytes: Bytes, bounds: ElementBounds): Element[] {
  const elements: Element[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (most: number, what: string) => {
    if (bytes.length - at < LENGTH_BYTES) throw cutShort(what);
    const length = view.getUint32(at, true);
    at += LENGTH_BYTES;
    if (length > most) {
      throw new Problem(
        "malformed",
        `${what} of ${length} bytes, over ${most}`,
      );
    }
    if (length > bytes.length - at) throw cutShort(what);
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    if (elements.length >= bounds.count) {
      throw new Problem("malformed", `more than ${bounds.count} elements`);
    }
    const facts = parseFacts(take(bounds.facts, "facts"));
    const body = take(bounds.body, "a body");
    elements.push({ facts, body: body.length === 0 ? null : body });
  }
  return elements;
}

/**
 * The one element that bytes are.
 *
 * @throws {Problem} `malformed` as {@link decodeElements} does, and if they are
 * none, or more than one
 */
export function decodeElement(
  bytes: Bytes,
  bounds: Omit<ElementBounds, "count">,
): Element {
  const [element] = decodeElements(bytes, { ...bounds, count: 1 });
  if (element !== undefined) return element;
  throw new Problem("malformed", "no bytes are no element");
}

function cutShort(what: string): Problem {
  return new Problem("malformed", `elements that end amid ${what}`);
}

function parseFacts(bytes: Bytes): Element["facts"] {
  let facts: unknown;
  try {
    facts = JSON.parse(strictUtf8.decode(bytes));
  } catch (cause) {
    throw new Problem("malformed", "facts that are no JSON", {}, { cause });
  }
  if (typeof facts === "object" && facts !== null && !Array.isArray(facts)) {
    return facts as Element["facts"];
  }
  throw new Problem("malformed", "facts that are no JSON object");
}
