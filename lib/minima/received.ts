/**
 * The bytes that a part was received as. What is canonical encodes to the very
 * bytes that it was read from, so that they need not be made again to be hashed.
 */
import type { Bytes } from "../bytes.ts";
import { type Codec, encode, type Reader } from "./codec.ts";

const received = new WeakMap<object, Bytes>();

/**
 * Reads a part, and remembers its bytes if all that was read is canonical.
 * Neither the value nor the bytes are to be changed after this: another value
 * is to be made of it.
 */
export function receive<T extends object>(
  codec: Codec<T>,
  from: Reader,
): Readonly<T> {
  const start = from.offset;
  const value = codec.decode(from);
  if (from.canonical) {
    received.set(value, from.bytes.subarray(start, from.offset));
  }
  return value;
}

/** The bytes of a part: those that it was received as, if it was. */
export function bytesOf<T extends object>(codec: Codec<T>, value: T): Bytes {
  return received.get(value) ?? encode(codec, value);
}
