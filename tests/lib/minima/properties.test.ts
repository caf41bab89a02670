/** What holds of every value and of every input, not of chosen ones. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, sameBytes } from "../../../lib/bytes.ts";
import {
  type Codec,
  decode,
  DecodeError,
  decodeLoosely,
  encode,
} from "../../../lib/minima/codec.ts";
import { bytes, check } from "./arbitraries.ts";
import { everyCodec } from "./every_codec.ts";

/** Bytes that are a length, a count, a flag or a type more often than not. */
const loaded: fc.Arbitrary<Bytes> = fc
  .array(fc.constantFrom(0, 0, 0, 1, 1, 2, 4, 8, 32, 127, 128, 255), {
    maxLength: 400,
    size: "max",
  })
  .map((numbers) => new Uint8Array(numbers));

/** The start of valid bytes, and something else from there on. */
function cut(valid: fc.Arbitrary<Bytes>): fc.Arbitrary<Bytes> {
  return fc.tuple(valid, fc.nat(), loaded).map(([encoded, at, end]) => {
    const start = encoded.subarray(0, at % (encoded.length + 1));
    return new Uint8Array([...start, ...end]);
  });
}

/** Valid bytes with a few changed. */
function changed(valid: fc.Arbitrary<Bytes>): fc.Arbitrary<Bytes> {
  const change = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }));
  const changes = fc.array(change, { minLength: 1, maxLength: 3 });
  return fc.tuple(valid, changes).map(([encoded, list]) => {
    const bytes = encoded.slice();
    for (const [at, bits] of list) {
      const offset = at % bytes.length;
      bytes[offset] = (bytes[offset] ?? 0) ^ bits;
    }
    return bytes;
  });
}

/** What `read` gives, or null where it throws a DecodeError. */
function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}

everyCodec((name, codec, values) => {
  Deno.test(`decode(${name}) of what encode() gives is the value`, () => {
    check(fc.property(values, (value) => {
      const encoded = encode(codec, value);
      assert.deepEqual(decode(codec, encoded), value);
      const { canonical, bytesRead } = decodeLoosely(codec, encoded);
      assert.deepEqual([canonical, bytesRead], [true, encoded.length]);
    }));
  });

  Deno.test(`decodeLoosely(${name}) of any bytes gives a DecodeError, or tells rightly whether they are canonical`, () => {
    const valid = values.map((value) => encode(codec, value));
    const inputs = fc.oneof(bytes(300), loaded, cut(valid), changed(valid));
    check(fc.property(inputs, (input) => assertHonest(codec, input)));
  });
});

/** Canonical is what encodes to the bytes read, and only that. */
function assertHonest<T>(codec: Codec<T>, input: Bytes): void {
  const strict = orNull(() => ({ value: decode(codec, input) }));
  const loose = orNull(() => decodeLoosely(codec, input));
  if (loose === null) return assert.equal(strict, null);
  const { value, canonical, bytesRead } = loose;
  const read = input.subarray(0, bytesRead);
  assert.equal(canonical, sameBytes(encode(codec, value), read));
  const whole = canonical && bytesRead === input.length;
  assert.deepEqual(strict, whole ? { value } : null);
}
