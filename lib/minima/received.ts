/**
 * The bytes that a part was received as. What was read strictly encodes to the
 * very bytes that it was read from, so that they need not be made again to be
 * hashed.
 */
import type { Bytes } from "../bytes.ts";
import { type Codec, encode, type Reader } from "./codec.ts";

const received = new WeakMap<object, Bytes>();

/**
 * Reads a part by a strict reader, and remembers its bytes. The value is not to
 * be changed after this: another is to be made of it.
 */
export function receive<T extends object>(
  codec: Codec<T>,
  from: Reader,
): Readonly<T> {
  const start = from.offset;
  const value = codec.decode(from);
  received.set(value, from.bytes.subarray(start, from.offset));
  return value;
}

/** The bytes of a part: those that it was received as, if it was. */
export function bytesOf<T extends object>(codec: Codec<T>, value: T): Bytes {
  return received.get(value) ?? encode(codec, value);
}
