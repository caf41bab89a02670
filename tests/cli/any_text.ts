/** Texts that try what a terminal, or who reads JSON, would fall for. */
import fc from "fast-check";

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

/**
 * Code points that no text of others may carry to a terminal, written out by
 * hand from what terminals and Unicode say, not from the patterns that are
 * tested.
 */
export const UNWANTED: ReadonlyMap<string, readonly number[]> = new Map([
  ["C0, which move the cursor and begin escapes", range(0x00, 0x1f)],
  ["DEL and C1, which are escapes of one unit", range(0x7f, 0x9f)],
  ["marks of direction", [0x061c, 0x200e, 0x200f]],
  ["embeddings and overrides of direction", range(0x202a, 0x202e)],
  ["isolates", range(0x2066, 0x2069)],
  ["line and paragraph separators", [0x2028, 0x2029]],
  ["zero width", [0x200b, 0x200c, 0x200d, 0x2060, 0xfeff]],
  ["invisible operators, deprecated formats", [
    ...range(0x2061, 0x2065),
    ...range(0x206a, 0x206f),
  ]],
  ["not shown", [0x00ad, 0x034f, 0x115f, 0x1160, 0x17b4, 0x3164, 0xffa0]],
  ["variation selectors", [
    ...range(0x180b, 0x180f),
    ...range(0xfe00, 0xfe0f),
    ...range(0xe0100, 0xe01ef),
  ]],
  ["annotations", range(0xfff9, 0xfffb)],
  ["musical formats", range(0x1d173, 0x1d17a)],
  ["tags", range(0xe0000, 0xe007f)],
  ["halves of surrogate pairs", [0xd800, 0xdbff, 0xdc00, 0xdfff]],
]);

const ALL = [...UNWANTED.values()].flat();
const UNWANTED_UNITS = new Set(ALL);

/** The first unwanted code point of a text that is not one of those let through. */
export function firstUnwanted(text: string, except = ""): number | undefined {
  return [...text].map((character) => character.codePointAt(0) ?? 0)
    .find((point) =>
      (UNWANTED_UNITS.has(point) || (point >= 0xd800 && point <= 0xdfff)) &&
      !except.includes(String.fromCodePoint(point))
    );
}

/** Lines that are a header's, and what may stand around them. */
const forgery = fc.constantFrom(
  "--- 0-0",
  "from 3082",
  "time 2026",
  "for  x",
  "error: ",
  "forwarded: ",
  "(expired)",
  "\\u{202e}",
  "\r\n",
  "\x1b[2J",
  "| ",
  "     ",
  "字",
  "é",
  "א",
  "👩‍👩‍👧",
);

/** Any text at all, of any units, rich in what is unwanted. */
export const anyText: fc.Arbitrary<string> = fc.array(
  fc.oneof(
    fc.constantFrom(...ALL).map((point) => String.fromCodePoint(point)),
    fc.nat(0xffff).map((unit) => String.fromCharCode(unit)),
    fc.string({ unit: "binary" }),
    forgery,
  ),
).map((parts) => parts.join(""));
