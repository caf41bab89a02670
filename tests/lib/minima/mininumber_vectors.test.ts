/** Numbers as text and as bytes. */
import assert from "node:assert/strict";
import { decode, decodeLoosely, encode } from "../../../lib/minima/codec.ts";
import {
  type MiniNumber,
  miniNumber,
  MiniNumberError,
  miniNumberText,
  parseMiniNumber,
} from "../../../lib/minima/mininumber.ts";
import { claims, testVectors, type Vector } from "../../vectors/mod.ts";
import { assertRefused, reasonsOfException } from "./refusal.ts";

interface EncodeVector extends Vector {
  readonly text: string;
  readonly valid: boolean;
}

interface DecodeVector extends Vector {
  readonly hex: string;
  readonly valid: boolean;
  readonly error: string;
}

const members = (number: MiniNumber) => ({
  canonicalText: miniNumberText(number),
  scale: number.scale,
  unscaled: String(number.unscaled),
});

testVectors<{ encode: EncodeVector; decode: DecodeVector }>("mininumber", {
  encode(vector) {
    if (!vector.valid) {
      assert.throws(() => parseMiniNumber(vector.text), MiniNumberError);
      const expected = claims(vector, "text", "error");
      return assert.deepEqual({ valid: false }, expected);
    }
    const number = parseMiniNumber(vector.text);
    const hex = encode(miniNumber, number).toHex();
    const found = { valid: true, ...members(number), hex };
    assert.deepEqual(found, claims(vector, "text"));
  },

  decode(vector) {
    const bytes = Uint8Array.fromHex(vector.hex);
    if (!vector.valid) {
      const reasons = reasonsOfException(vector.error);
      assertRefused(() => decodeLoosely(miniNumber, bytes), ...reasons);
      const expected = claims(vector, "hex", "error");
      return assert.deepEqual({ valid: false }, expected);
    }
    const { value, canonical, bytesRead } = decodeLoosely(miniNumber, bytes);
    assert.deepEqual({
      valid: true,
      ...members(value),
      bytesRead,
      reencoded: encode(miniNumber, value).toHex(),
      canonical,
    }, claims(vector, "hex"));
    const whole = bytes.subarray(0, bytesRead);
    if (canonical) return assert.deepEqual(decode(miniNumber, whole), value);
    assertRefused(() => decode(miniNumber, whole), "non-canonical");
  },
});
