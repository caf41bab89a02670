/** No byte of a unit or an envelope can be changed unnoticed. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { sameBytes } from "../../../lib/bytes.ts";
import {
  DecodeError,
  decodeLoosely,
  encode,
} from "../../../lib/minima/codec.ts";
import { check } from "./arbitraries.ts";
import { assertNoticed, everyChange, withByte } from "./changes.ts";
import { ENVELOPE_FORMAT, type Format, partAt, UNIT_FORMAT } from "./parts.ts";
import { assertRefused } from "./refusal.ts";
import { envelope, unit } from "./unit_arbitraries.ts";
import { EMPTY_UNIT, ENVELOPE, FULL_UNIT, HEADER_ONLY } from "./units.ts";

/** What holds of the bytes of one value. */
function bytesHold<T>(name: string, format: Format<T>, value: T): void {
  const bytes = encode(format.codec, value);

  Deno.test(`decode() of ${name} notices every changed byte`, () => {
    for (const { changed, part } of everyChange(format, value)) {
      assertNoticed(format, value, changed, part);
    }
  });

  Deno.test(`decodeLoosely() of ${name} with a changed byte tells what is canonical`, () => {
    const seen = { canonical: 0, other: 0, refused: 0 };
    for (const { changed } of everyChange(format, value)) {
      try {
        const loose = decodeLoosely(format.codec, changed);
        const read = changed.subarray(0, loose.bytesRead);
        const same = sameBytes(encode(format.codec, loose.value), read);
        assert.equal(loose.canonical, same);
        seen[same ? "canonical" : "other"]++;
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
        seen.refused++;
      }
    }
    assert.ok(Math.min(...Object.values(seen)) > 0, JSON.stringify(seen));
  });

  Deno.test(`decode() of ${name} refuses it cut short at any byte`, () => {
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      assertRefused(() => format.read(cut), "truncated");
      assertRefused(() => decodeLoosely(format.codec, cut), "truncated");
    }
  });

  Deno.test(`decode() of ${name} refuses bytes behind it`, () => {
    assert.deepEqual(format.read(bytes), value);
    for (const behind of [[0], [1], [255], [0, 0, 0, 0], [...bytes]]) {
      const longer = new Uint8Array([...bytes, ...behind]);
      assertRefused(() => format.read(longer), "trailing-bytes");
      const { bytesRead } = decodeLoosely(format.codec, longer);
      assert.equal(bytesRead, bytes.length);
    }
  });
}

bytesHold("a header alone", UNIT_FORMAT, HEADER_ONLY);
bytesHold("a unit with an empty body", UNIT_FORMAT, EMPTY_UNIT);
bytesHold("a unit with everything in it", UNIT_FORMAT, FULL_UNIT);
bytesHold("an envelope", ENVELOPE_FORMAT, ENVELOPE);

/** What holds of a byte changed anywhere in any value. */
function anyChangeNoticed<T>(
  name: string,
  format: Format<T>,
  values: fc.Arbitrary<T>,
): void {
  Deno.test(`decode() of any ${name} notices a changed byte`, () => {
    const changes = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }));
    check(fc.property(values, changes, (value, [at, bits]) => {
      const bytes = encode(format.codec, value);
      const offset = at % bytes.length;
      const changed = withByte(bytes, offset, (bytes[offset] ?? 0) ^ bits);
      const part = partAt(format.parts(value), offset);
      assertNoticed(format, value, changed, part);
    }));
  });
}

anyChangeNoticed("unit", UNIT_FORMAT, unit);
anyChangeNoticed("envelope", ENVELOPE_FORMAT, envelope);
