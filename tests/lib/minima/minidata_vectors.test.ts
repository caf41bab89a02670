/** Data as bytes, as hex text and as Mx text; strings. */
import assert from "node:assert/strict";
import {
  type Codec,
  decode,
  DecodeError,
  decodeLoosely,
  encode,
} from "../../../lib/minima/codec.ts";
import {
  bytesOfInteger,
  hashField,
  hexText,
  integerOfBytes,
  miniData,
  miniString,
  parseHex,
  TextFormError,
} from "../../../lib/minima/minidata.ts";
import {
  base32Text,
  mxText,
  parseBase32,
  parseMxText,
} from "../../../lib/minima/mxtext.ts";
import { claims, testVectors, type Vector } from "../../vectors/mod.ts";
import { assertRefused, reasonsOfException } from "./refusal.ts";

interface DataVector extends Vector {
  readonly data: string;
}

interface TextVector extends Vector {
  readonly text: string;
  readonly valid: boolean;
}

interface SerialisedVector extends Vector {
  readonly serialised: string;
  readonly validData: boolean;
  readonly validHash: boolean;
  readonly dataError: string;
  readonly hashError: string;
}

interface StringVector extends Vector {
  readonly serialised: string;
  readonly valid: boolean;
  readonly error: string;
  readonly canonical: boolean;
  readonly text: string;
  readonly reencoded: string;
}

testVectors<{
  serialise: DataVector;
  deserialise: SerialisedVector;
  hextext: TextVector;
  mxencode: DataVector;
  mxdecode: TextVector;
  fromBigInteger: Vector & { readonly decimal: string };
  base32raw: DataVector;
  ministring: StringVector;
}>("minidata", {
  serialise(vector) {
    const data = Uint8Array.fromHex(vector.data);
    const bytes = encode(miniData, data);
    const hashAllowed = data.length <= 64;
    assert.deepEqual(
      { text0x: hexText(data), serialised: bytes.toHex(), hashAllowed },
      claims(vector, "data"),
    );
    assert.deepEqual(parseHex(hexText(data)), data);
    if (hashAllowed) return assert.deepEqual(encode(hashField, data), bytes);
    assert.throws(() => encode(hashField, data), RangeError);
  },

  deserialise(vector) {
    const read = reading(miniData, vector.serialised, vector.dataError);
    const hash = reading(hashField, vector.serialised, vector.hashError);
    if (hash !== null) assert.deepEqual(hash, read);
    assert.deepEqual(
      { ...read, validData: read !== null, validHash: hash !== null },
      claims(vector, "serialised", "dataError", "hashError"),
    );
  },

  hextext(vector) {
    if (!vector.valid) {
      assert.throws(() => parseHex(vector.text), TextFormError);
      const expected = claims(vector, "text", "error");
      return assert.deepEqual({ valid: false }, expected);
    }
    const data = parseHex(vector.text);
    assert.deepEqual({
      valid: true,
      data: data.toHex(),
      canonicalText: hexText(data),
    }, claims(vector, "text"));
  },

  mxencode(vector) {
    const data = Uint8Array.fromHex(vector.data);
    const text = mxText(data);
    assert.deepEqual({ text }, claims(vector, "data"));
    assert.deepEqual(parseMxText(text), { bytes: data, canonical: true });
  },

  mxdecode(vector) {
    if (!vector.valid) {
      assert.throws(() => parseMxText(vector.text), TextFormError);
      const expected = claims(vector, "text", "error");
      return assert.deepEqual({ valid: false }, expected);
    }
    const { bytes, canonical } = parseMxText(vector.text);
    assert.deepEqual({
      valid: true,
      data: bytes.toHex(),
      canonicalText: mxText(bytes),
      canonical,
    }, claims(vector, "text"));
  },

  fromBigInteger(vector) {
    const data = bytesOfInteger(BigInt(vector.decimal));
    assert.deepEqual({ data: data.toHex() }, claims(vector, "decimal"));
    assert.equal(String(integerOfBytes(data)), vector.decimal);
  },

  base32raw(vector) {
    const text = base32Text(Uint8Array.fromHex(vector.data));
    const decodedBack = parseBase32(text).toHex();
    assert.deepEqual({ text, decodedBack }, claims(vector, "data"));
  },

  ministring(vector) {
    const bytes = Uint8Array.fromHex(vector.serialised);
    if (!vector.valid) {
      const expected = claims(vector, "serialised", "error");
      assert.deepEqual({ valid: false }, expected);
      const reasons = reasonsOfException(vector.error);
      return assertRefused(() => decode(miniString, bytes), ...reasons);
    }
    if (!vector.canonical) return assertBadUtf8(vector, bytes);
    const text = decode(miniString, bytes);
    const reencoded = encode(miniString, text).toHex();
    assert.deepEqual(
      { valid: true, text, reencoded, canonical: true },
      claims(vector, "serialised"),
    );
  },
});

/** The genuine node replaces bad UTF-8 by U+FFFD, we refuse it (2.5). */
function assertBadUtf8(
  { text, reencoded, serialised }: StringVector,
  bytes: Uint8Array<ArrayBuffer>,
): void {
  assertRefused(() => decodeLoosely(miniString, bytes), "bad-utf8");
  assert.ok(text.includes("\u{FFFD}"));
  assert.equal(encode(miniString, text).toHex(), reencoded);
  assert.notEqual(reencoded, serialised);
}

/** What is read, or null where the genuine reader throws and so do we. */
function reading(
  codec: Codec<Uint8Array<ArrayBuffer>>,
  hex: string,
  javaError: string | undefined,
): { data: string; bytesRead: number } | null {
  const bytes = Uint8Array.fromHex(hex);
  try {
    const { value, bytesRead } = decodeLoosely(codec, bytes);
    return { data: value.toHex(), bytesRead };
  } catch (error) {
    if (!(error instanceof DecodeError) || javaError === undefined) throw error;
    assertRefused(() => {
      throw error;
    }, ...reasonsOfException(javaError));
    return null;
  }
}
