/**
 * What of a value may stand in a log: little, and nothing that names a mailbox,
 * a key, a token or somebody's contact address in full.
 */

/** Members of a log line. */
export type Fields = Readonly<Record<string, unknown>>;

/** Characters of a text that are kept. */
const MAX_TEXT = 500;
/** Characters of a stack that are kept. */
const MAX_STACK = 4_000;
/** Members of an object or a list that are kept. */
const MAX_MEMBERS = 32;
/** How deep a value may be. */
const MAX_DEPTH = 3;

/** What is long enough to be an id, a key, a token or an address. */
const LONG_NAME = /[0-9A-Za-z_-]{32,}/g;
/** Digits that an id is still known by. */
const KEPT_DIGITS = 8;

/** A text without what names somebody, cut to so many characters. */
export function discreet(text: string, most: number = MAX_TEXT): string {
  const short = text.slice(0, 2 * most).replace(
    LONG_NAME,
    (name) => name.startsWith("Mx") ? "Mx" : name.slice(0, KEPT_DIGITS),
  );
  return short.length > most ? `${short.slice(0, most)}…` : short;
}

/** A value as JSON knows it, discreet and bounded. */
export function plainValue(value: unknown, depth: number = 0): unknown {
  switch (typeof value) {
    case "string":
      return discreet(value);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
    case "symbol":
      return discreet(String(value));
    case "boolean":
      return value;
    case "object":
      break;
    default:
      return undefined;
  }
  if (value === null) return null;
  if (value instanceof Error) return plainError(value);
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (depth >= MAX_DEPTH) return "…";
  if (Array.isArray(value)) {
    return value.slice(0, MAX_MEMBERS)
      .map((one) => plainValue(one, depth + 1) ?? null);
  }
  return Object.fromEntries(
    Object.entries(value).slice(0, MAX_MEMBERS)
      .map(([name, member]) => [discreet(name), plainValue(member, depth + 1)]),
  );
}

/** An error by its name and message, and those of its cause. */
export function plainError(error: Error, hasStack: boolean = false): Fields {
  const { name, message, stack, cause } = error;
  return {
    name: discreet(name),
    message: discreet(message),
    ...(cause instanceof Error &&
      {
        cause: {
          name: discreet(cause.name),
          message: discreet(cause.message),
        },
      }),
    ...(hasStack && { stack: discreet(stack ?? "", MAX_STACK) }),
  };
}

/** The stable code of an error; `internal` for one that has none. */
export function codeOf(error: unknown): string {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === "string" && /^[\w-]{1,40}$/.test(code)
    ? code
    : "internal";
}

/** JSON in printable ASCII alone: a line of it moves no terminal's cursor. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^ -~]/g,
    (character) =>
      `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
