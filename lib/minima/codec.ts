/**
 * Encoder and decoder pairs for the Minima wire formats, and the small
 * combinators they are composed from.
 *
 * Decoding is total: it gives a value or throws a {@link DecodeError}, never
 * another kind of error. It allocates nothing at a length's word, reads every
 * byte once, and notices whether the input was canonical, that is, whether
 * encoding the value would give the same bytes back (spec/maxima.md 2.7).
 */
import type { Bytes } from "../bytes.ts";
import { Problem } from "../problem.ts";

/** Why some bytes are not a value of the format. */
export type DecodeReason =
  | "truncated"
  | "too-long"
  | "negative-length"
  | "bad-number"
  | "bad-type"
  | "bad-utf8"
  | "too-many-parents"
  | "non-canonical"
  | "trailing-bytes";

/** The bytes are not a (canonical) value of the format that was asked for. */
export class DecodeError extends Problem {
  /** The class, for logs. */
  override name = "DecodeError";
  /** What is wrong with the bytes. */
  readonly reason: DecodeReason;
  /** Where it is wrong: bytes from the start of the input. */
  readonly offset: number;

  /** Made by {@link Reader.error}. */
  constructor(reason: DecodeReason, offset: number, detail: string) {
    super("malformed", `${detail}, at byte ${offset}`);
    this.reason = reason;
    this.offset = offset;
  }
}

/** A position in some bytes. It never reads past their end. */
export class Reader {
  /** What is read. */
  readonly bytes: Bytes;
  /** Bytes read so far. */
  offset = 0;
  #strict: boolean;
  #canonical = true;

  /**
   * Starts at the first byte. A strict reader refuses what is not canonical
   * where it stands, before more of it is paid for.
   */
  constructor(bytes: Bytes, { strict = false }: { strict?: boolean } = {}) {
    this.bytes = bytes;
    this.#strict = strict;
  }

  /** False once anything was read that encodes back to other bytes. */
  get canonical(): boolean {
    return this.#canonical;
  }

  /**
   * Notes that what was just read encodes back to other bytes.
   *
   * @throws {DecodeError} `non-canonical` from a strict reader
   */
  deviate(): void {
    if (this.#strict) {
      throw this.error("non-canonical", "not the canonical form, read");
    }
    this.#canonical = false;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  /** The next `length` bytes: a view, not a copy. */
  take(length: number): Bytes {
    const end = this.offset + length;
    if (end > this.bytes.length) {
      throw this.error(
        "truncated",
        `${length} bytes needed, ${this.remaining} left`,
      );
    }
    const taken = this.bytes.subarray(this.offset, end);
    this.offset = end;
    return taken;
  }

  /** An unsigned byte. */
  u8(): number {
    const byte = this.bytes[this.offset];
    if (byte === undefined) {
      throw this.error("truncated", "1 byte needed, 0 left");
    }
    this.offset += 1;
    return byte;
  }

  /** A signed byte. */
  i8(): number {
    return (this.u8() << 24) >> 24;
  }

  /** A big-endian signed 32-bit integer. */
  i32(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.take(4);
    return (a << 24) | (b << 16) | (c << 8) | d;
  }

  /** What is wrong at the present offset, to be thrown. */
  error(reason: DecodeReason, detail: string): DecodeError {
    return new DecodeError(reason, this.offset, detail);
  }
}

/** Bytes being written; the buffer doubles as it fills. */
export class Writer {
  #buffer = new Uint8Array(512);
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Makes room for `extra` bytes and returns where they start. */
  #grow(extra: number): number {
    const start = this.#length;
    this.#length += extra;
    if (this.#length > this.#buffer.length) {
      const grown = new Uint8Array(
        Math.max(this.#length, 2 * this.#buffer.length),
      );
      grown.set(this.#buffer.subarray(0, start));
      this.#buffer = grown;
    }
    return start;
  }

  /** Appends the bytes as they are. */
  put(bytes: Uint8Array): void {
    const start = this.#grow(bytes.length);
    this.#buffer.set(bytes, start);
  }

  /** Appends the low eight bits. */
  u8(value: number): void {
    const start = this.#grow(1);
    this.#buffer[start] = value;
  }

  /** Appends a big-endian signed 32-bit integer. */
  i32(value: number): void {
    const start = this.#grow(4);
    this.#buffer[start] = value >> 24;
    this.#buffer[start + 1] = value >> 16;
    this.#buffer[start + 2] = value >> 8;
    this.#buffer[start + 3] = value;
  }

  /** What was written. */
  done(): Bytes {
    return this.#buffer.subarray(0, this.#length);
  }
}

/** How a value of type `T` stands on the wire. */
export interface Codec<T> {
  /** Appends the value. */
  encode(value: T, to: Writer): void;
  /** Reads one value, or throws a {@link DecodeError}. */
  decode(from: Reader): T;
}

/** The value type of a codec. */
export type Decoded<C> = C extends Codec<infer T> ? T : never;

/** The bytes of a value. */
export function encode<T>(codec: Codec<T>, value: T): Bytes {
  const writer = new Writer();
  codec.encode(value, writer);
  return writer.done();
}

/**
 * The value that the bytes stand for: all of them, in canonical form.
 *
 * @throws {DecodeError} also for trailing bytes and for input that decodes but
 * does not encode to itself.
 */
export function decode<T>(codec: Codec<T>, bytes: Bytes): T {
  const reader = new Reader(bytes, { strict: true });
  const value = codec.decode(reader);
  expectEnd(reader);
  return value;
}

/** Refuses bytes left over. */
export function expectEnd(reader: Reader): void {
  if (reader.remaining === 0) return;
  throw reader.error("trailing-bytes", `${reader.remaining} bytes left over`);
}

/** What {@link decodeLoosely} gives. */
export interface LooselyDecoded<T> {
  /** What was read. */
  value: T;
  /** Whether encoding the value gives the bytes read. */
  canonical: boolean;
  /** How many bytes the value took; what follows them was not looked at. */
  bytesRead: number;
}

/**
 * Reads as a genuine node does: bytes behind the value are ignored, and input
 * that is not canonical is read all the same.
 *
 * @throws {DecodeError}
 */
export function decodeLoosely<T>(
  codec: Codec<T>,
  bytes: Bytes,
): LooselyDecoded<T> {
  const reader = new Reader(bytes);
  const value = codec.decode(reader);
  return { value, canonical: reader.canonical, bytesRead: reader.offset };
}

// deno-lint-ignore no-explicit-any -- the one way to say "codecs of anything"
type Fields = Record<string, Codec<any>>;

/** Fields one after another, in the order written. */
export function struct<F extends Fields>(
  fields: F,
): Codec<{ [name in keyof F]: Decoded<F[name]> }> {
  const entries = Object.entries(fields);
  return {
    encode(value, to) {
      for (const [name, codec] of entries) codec.encode(value[name], to);
    },
    decode(from) {
      const value: Record<string, unknown> = {};
      for (const [name, codec] of entries) value[name] = codec.decode(from);
      return value as { [name in keyof F]: Decoded<F[name]> };
    },
  };
}

/** One byte, kept as it is (spec/maxima.md 2.1). */
export const byte: Codec<number> = {
  encode: (value, to) => to.u8(value),
  decode: (from) => from.u8(),
};

/** One byte as a claim: 0 is false, anything else true, written as 0 or 1. */
export const flag: Codec<boolean> = {
  encode: (value, to) => to.u8(value ? 1 : 0),
  decode(from) {
    const value = from.u8();
    if (value > 1) from.deviate();
    return value !== 0;
  },
};

/** A flag, and the value only where the flag is set. */
export function optional<T>(codec: Codec<T>): Codec<T | null> {
  return {
    encode(value, to) {
      flag.encode(value !== null, to);
      if (value !== null) codec.encode(value, to);
    },
    decode: (from) => flag.decode(from) ? codec.decode(from) : null,
  };
}
