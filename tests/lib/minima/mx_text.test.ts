/** What holds of every Mx text. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { sha3_256 } from "../../../lib/hash.ts";
import { TextFormError } from "../../../lib/minima/minidata.ts";
import {
  base32Text,
  mxText,
  parseBase32,
  parseMxText,
} from "../../../lib/minima/mxtext.ts";
import { bytes, check } from "./arbitraries.ts";
import { addressLike, orNull } from "./text_arbitraries.ts";

Deno.test("parseMxText() of what mxText() gives is the data, up to 32767 bytes", () => {
  check(fc.property(bytes(400), (data) => {
    assert.deepEqual(parseMxText(mxText(data)), {
      bytes: data,
      canonical: true,
    });
  }));
  const longest = new Uint8Array(32_767).fill(0xa5);
  assert.deepEqual(parseMxText(mxText(longest)).bytes, longest);
  assert.throws(() => mxText(new Uint8Array(32_768)), RangeError);
});

Deno.test("parseMxText() gives a TextFormError, or tells rightly whether the text is canonical", () => {
  check(
    fc.property(addressLike, (input) => {
      const parsed = orNull(() => parseMxText(input), TextFormError);
      if (parsed === null) return;
      assert.equal(parsed.canonical, mxText(parsed.bytes) === input);
    }),
    5_000,
  );
});

Deno.test("parseMxText() takes leading zeros, up to 65,534 digits in all", () => {
  const text = mxText(Uint8Array.of(1, 2, 3)).slice(2);
  const padded = (length: number) => text.padStart(length, "0");
  assert.deepEqual(parseMxText(padded(65_534)), {
    bytes: Uint8Array.of(1, 2, 3),
    canonical: false,
  });
  assert.throws(() => parseMxText(padded(65_535)), TextFormError);
});

/** What Mx text is the base 32 of. */
function blobOf(
  data: Uint8Array,
  length: number = data.length,
): Uint8Array<ArrayBuffer> {
  const head = [1, length >> 8, length & 255];
  return new Uint8Array([...head, ...data, ...sha3_256(data).subarray(0, 4)]);
}

Deno.test("parseMxText() refuses a changed bit anywhere in the data or its checksum", () => {
  const data = new Uint8Array(32).map((_, i) => 7 * i);
  const blob = blobOf(data);
  assert.equal(base32Text(blob), mxText(data));
  for (let bit = 0; bit < 8 * blob.length; bit++) {
    const changed = blob.slice();
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => parseMxText(base32Text(changed)), TextFormError);
  }
});

Deno.test("parseMxText() refuses a length that is negative in 16 bits", () => {
  const data = new Uint8Array(32_768);
  assert.throws(() => parseMxText(base32Text(blobOf(data))), TextFormError);
  const less = new Uint8Array(32_767);
  assert.deepEqual(parseMxText(base32Text(blobOf(less))).bytes, less);
});

const wrong: readonly [what: string, blob: number[], says: RegExp][] = [
  ["no 01 before it", [2, 0, 0, 0, 0, 0, 0], /leading 01$/],
  ["no length", [1], /length that is not its own$/],
  ["a byte too few", [1, 0, 1, 7, 0, 0, 0], /length that is not its own$/],
  ["another checksum", [1, 0, 1, 7, 0, 0, 0, 0], /wrong checksum$/],
];
for (const [what, blob, says] of wrong) {
  Deno.test(`parseMxText() names what is wrong: ${what}`, () => {
    const text = base32Text(new Uint8Array(blob));
    assert.throws(() => parseMxText(text), { message: says });
  });
}

Deno.test("parseMxText() takes I for W, L for Y and O for Z, and small letters", () => {
  check(fc.property(bytes(100), fc.boolean(), (data, small) => {
    const text = mxText(data);
    const other = text.replaceAll("W", "I").replaceAll("Y", "L")
      .replaceAll("Z", "O");
    const input = small ? other.toLowerCase() : other;
    assert.deepEqual(parseMxText(input), {
      bytes: data,
      canonical: input === text,
    });
  }));
});

// What upper case makes ASCII of: one letter, or two.
const FOLDED: readonly (readonly [string, string])[] = [
  ["\u017f", "S"],
  ["\u0131", "I"],
  ["\u00df", "SS"],
  ["\ufb00", "FF"],
  ["\ufb06", "ST"],
];

for (const [letter, digits] of FOLDED) {
  Deno.test(`parseMxText() refuses ${letter}, which upper case makes ${digits} of`, () => {
    assert.equal(letter.toUpperCase(), digits);
    let found = 0;
    for (let i = 0; found < 5; i++) {
      const text = mxText(Uint8Array.of(i, i >> 8, i >> 16)).replaceAll(
        "W",
        "I",
      );
      const at = text.indexOf(digits);
      assert.ok(i < 10 ** 6);
      if (at < 0) continue;
      found++;
      assert.ok(parseMxText(text));
      const bad = text.replace(digits, letter);
      assert.throws(() => parseMxText(bad), TextFormError, bad);
      assert.throws(() => parseBase32(bad), TextFormError, bad);
    }
  });
}

Deno.test("parseBase32() refuses letters and digits outside ASCII wherever they stand", () => {
  for (
    const other of ["\u212a", "\uff2d", "\u0661", "\uff11", "\u00a0", "\u0080"]
  ) {
    for (
      const text of [`${other}10`, `Mx1${other}0`, `10${other}`, `M${other}x`]
    ) {
      assert.throws(() => parseBase32(text), TextFormError, text);
    }
  }
  assert.throws(() => parseBase32("1\x7f"), TextFormError);
});

Deno.test("parseBase32() of what base32Text() gives is the data without leading zeros", () => {
  check(fc.property(bytes(100), (data) => {
    if (data.every((byte) => byte === 0)) return;
    const start = data.findIndex((byte) => byte !== 0);
    assert.deepEqual(parseBase32(base32Text(data)), data.slice(start));
  }));
  assert.deepEqual(parseBase32("Mx000"), new Uint8Array(1));
  for (
    const none of ["", "Mx", "mX", "+", "Mx+", "++1", "Mx++1", "+Mx1", "-1"]
  ) {
    assert.throws(() => parseBase32(none), TextFormError);
  }
});
