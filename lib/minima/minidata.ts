/**
 * MiniData, MiniString and lists (spec/maxima.md 2.2, 2.5): bytes, text and
 * sequences behind a count.
 */
import type { Bytes } from "../bytes.ts";
import type { Codec } from "./codec.ts";
import { int32Of, integer, miniNumber } from "./mininumber.ts";

/** Most bytes of general data: 512 MiB. */
const MAX_DATA = 536_870_912;
/** Most bytes of a hash field. */
const MAX_HASH = 64;

/** `i32 length || bytes`, up to 512 MiB. */
export const miniData: Codec<Bytes> = {
  encode(value, to) {
    to.i32(value.length);
    to.put(value);
  },
  decode(from) {
    const length = from.i32();
    if (length < 0) {
      throw from.error("negative-length", `data of ${length} bytes`);
    }
    if (length > MAX_DATA) {
      throw from.error("too-long", `data of ${length} bytes`);
    }
    return from.take(length);
  },
};

/** The layout of {@link miniData}, of 0 to 64 bytes. */
export const hashField: Codec<Bytes> = {
  encode(value, to) {
    if (value.length > MAX_HASH) {
      throw new RangeError(`a hash field holds 64 bytes, not ${value.length}`);
    }
    miniData.encode(value, to);
  },
  decode(from) {
    const length = from.i32();
    if (length < 0 || length > MAX_HASH) {
      throw from.error("too-long", `a hash of ${length} bytes`);
    }
    return from.take(length);
  },
};

const utf8 = new TextEncoder();
// Genuine nodes replace bad sequences, and no two platforms count them alike.
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes up to which a text is looked at one by one: versions are short. */
const SHORT_TEXT = 8;

/** A short text of ASCII alone; null for any other. */
function plainText(bytes: Bytes): string | null {
  if (bytes.length > SHORT_TEXT) return null;
  for (const byte of bytes) if (byte > 0x7f) return null;
  return String.fromCharCode(...bytes);
}

/** UTF-8 text in a {@link miniData}; bad UTF-8 is refused. */
export const miniString: Codec<string> = {
  encode: (value, to) => miniData.encode(utf8.encode(value), to),
  decode(from) {
    const bytes = miniData.decode(from);
    const plain = plainText(bytes);
    if (plain !== null) return plain;
    try {
      return strictUtf8.decode(bytes);
    } catch {
      throw from.error("bad-utf8", "text that is not UTF-8");
    }
  },
};

/** A MiniNumber count and that many values; a negative count reads as none. */
export function list<T>(codec: Codec<T>): Codec<readonly T[]> {
  return {
    encode(values, to) {
      miniNumber.encode(integer(values.length), to);
      for (const value of values) codec.encode(value, to);
    },
    decode(from) {
      const number = miniNumber.decode(from);
      const count = int32Of(number);
      if (
        number.scale !== 0 || number.unscaled !== BigInt(count) || count < 0
      ) {
        from.deviate();
      }
      // Every value takes a byte at least, so more than that cannot be there.
      if (count > from.remaining) {
        throw from.error(
          "truncated",
          `${count} values in ${from.remaining} bytes`,
        );
      }
      const values: T[] = [];
      for (let i = 0; i < count; i++) values.push(codec.decode(from));
      return values;
    },
  };
}

/** A non-negative integer as its shortest bytes; zero is one zero byte. */
export function bytesOfInteger(value: bigint): Bytes {
  if (value < 0n) throw new RangeError(`${value} is negative`);
  const hex = value.toString(16);
  return Uint8Array.fromHex(hex.length % 2 === 0 ? hex : `0${hex}`);
}

/** Bytes as an unsigned big-endian integer of any length; none is zero. */
export function integerOfBytes(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toHex()}`);
}

/** A text is not the text form of some data. */
export class TextFormError extends Error {
  /** The class, for logs. */
  override name = "TextFormError";
}

/**
 * Bytes from the genuine hex text: an optional `0x`, digits of either case,
 * an odd count taken with a leading zero.
 *
 * @throws {TextFormError}
 */
export function parseHex(text: string): Bytes {
  const digits = /^(?:0[xX])?([0-9a-fA-F]*)$/.exec(text)?.[1];
  if (digits === undefined) {
    throw new TextFormError(`"${text.slice(0, 40)}" is not hex`);
  }
  return Uint8Array.fromHex(digits.length % 2 === 0 ? digits : `0${digits}`);
}

/** The genuine hex text: `0x` and upper case; no bytes give an empty text. */
export function hexText(bytes: Uint8Array): string {
  return bytes.length === 0 ? "" : `0x${bytes.toHex().toUpperCase()}`;
}
