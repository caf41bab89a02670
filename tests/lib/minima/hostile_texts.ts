/** Texts made to take long to read, in any size. */
import { parseContactAddress } from "../../../lib/minima/address.ts";
import {
  hexText,
  parseHex,
  TextFormError,
} from "../../../lib/minima/minidata.ts";
import {
  MiniNumberError,
  parseMiniNumber,
} from "../../../lib/minima/mininumber.ts";
import { mxText, parseMxText } from "../../../lib/minima/mxtext.ts";
import { type Shape, WIDE, type WorkOfSize } from "./growth.ts";

/** Bytes that Mx text can carry. */
const CARRIED = [1_024, 4_096, 16_384, 32_767];
/** Digits that Mx text may have. */
const DIGITS = [4_096, 16_384, 65_000];

/** Parses a text to the end or to the refusal. */
function parses(
  parse: (text: string) => unknown,
  of: (size: number) => string,
): WorkOfSize {
  return (size) => {
    const input = of(size);
    return () => {
      try {
        parse(input);
      } catch (error) {
        if (error instanceof TextFormError) return;
        if (error instanceof MiniNumberError) return;
        throw error;
      }
    };
  };
}

/** The largest bytes of a size. */
function ones(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(size).fill(255);
}

/** What each reader and writer of text may be given. */
export const HOSTILE_TEXTS: readonly Shape[] = [
  ["Mx text", parses(parseMxText, (size) => mxText(ones(size))), CARRIED],
  ["Mx text of zeros", parses(parseMxText, (size) => "0".repeat(size)), DIGITS],
  ["Mx text too long", parses(parseMxText, (size) => "V".repeat(size)), WIDE],
  ["data for Mx text", (size) => {
    const data = ones(size);
    return () => {
      mxText(data);
    };
  }, CARRIED],
  ["hex", parses(parseHex, (size) => `0x${"aB".repeat(size / 2)}`), WIDE],
  ["hex at odd", parses(parseHex, (size) => "a".repeat(size + 1)), WIDE],
  ["bad hex", parses(parseHex, (size) => `${"a".repeat(size)}g`), WIDE],
  ["data for hex", (size) => {
    const data = ones(size);
    return () => {
      hexText(data);
    };
  }, WIDE],
  [
    "a number of many digits",
    parses(parseMiniNumber, (size) => `${"7".repeat(size)}E-${size}`),
    WIDE,
  ],
  [
    "a number of many decimals",
    parses(parseMiniNumber, (size) => `0.${"0".repeat(size)}7`),
    WIDE,
  ],
  [
    "a number of many leading zeros",
    parses(parseMiniNumber, (size) => `${"0".repeat(size)}7`),
    WIDE,
  ],
  [
    "a number with a huge exponent",
    parses(parseMiniNumber, (size) => `${"7".repeat(size)}E-9999999999`),
    WIDE,
  ],
  [
    "a number with a bad end",
    parses(parseMiniNumber, (size) => {
      const digits = "7".repeat(size / 2);
      return `${digits}.${digits}x`;
    }),
    WIDE,
  ],
  [
    "an address with a long port",
    parses(parseContactAddress, (size) => `@:${"9".repeat(size)}`),
    WIDE,
  ],
  [
    "an address of separators",
    parses(parseContactAddress, (size) => "@:".repeat(size)),
    WIDE,
  ],
];
