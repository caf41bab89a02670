/** What holds of every text of a number. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { decode, encode } from "../../../lib/minima/codec.ts";
import {
  type MiniNumber,
  miniNumber,
  MiniNumberError,
  miniNumberText,
  parseMiniNumber,
  sum,
} from "../../../lib/minima/mininumber.ts";
import { check, number, text } from "./arbitraries.ts";
import { digits, orNull, textOf } from "./text_arbitraries.ts";

const exponent = fc.oneof(
  fc.integer({ min: -200, max: 200 }).map((n) => `E${n}`),
  fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }).map((n) => `e${n}`),
  fc.constant(""),
);
const numeral = fc
  .tuple(fc.constantFrom("", "+", "-"), digits, digits, exponent)
  .map(([sign, whole, decimals, power]) =>
    `${sign}${whole}.${decimals}${power}`
  );

/** `a` and `b` as multiples of the same power of ten. */
function sameScale(a: MiniNumber, b: MiniNumber): [bigint, bigint] {
  const scale = Math.max(a.scale, b.scale);
  const raised = (n: MiniNumber) => n.unscaled * 10n ** BigInt(scale - n.scale);
  return [raised(a), raised(b)];
}

Deno.test("parseMiniNumber() gives a MiniNumberError, or a number whose text and bytes give it back", () => {
  const texts = fc.oneof(text, textOf("0123456789+-.eE _"), numeral, digits);
  check(
    fc.property(texts, (input) => {
      const parsed = orNull(() => parseMiniNumber(input), MiniNumberError);
      if (parsed === null) return;
      assert.ok(-128 <= parsed.scale && parsed.scale <= 127);
      const written = miniNumberText(parsed);
      const again = parseMiniNumber(written);
      assert.equal(miniNumberText(again), written);
      const [a, b] = sameScale(parsed, again);
      assert.equal(a, b);
      assert.deepEqual(decode(miniNumber, encode(miniNumber, parsed)), parsed);
    }),
    5_000,
  );
});

Deno.test("parseMiniNumber() cuts toward zero to 64 digits and 44 decimals, and takes up to 2^64-1", () => {
  const parts = fc.tuple(digits, digits, fc.integer({ min: -90, max: 90 }));
  check(
    fc.property(parts, ([whole, decimals, power]) => {
      const exact = {
        scale: decimals.length - power,
        unscaled: BigInt(whole + decimals),
      };
      const parsed = orNull(
        () => parseMiniNumber(`${whole}.${decimals}E${power}`),
        MiniNumberError,
      );
      if (parsed === null) {
        const limit = { scale: 0, unscaled: 2n ** 64n - 1n };
        const [value, largest] = sameScale(exact, limit);
        return assert.ok(value > largest || whole + decimals === "");
      }
      const unit = 10n ** BigInt(Math.max(0, exact.scale - parsed.scale));
      assert.equal(parsed.unscaled, exact.unscaled / unit);
      const digits = parsed.unscaled.toString().length;
      assert.ok(digits <= 64 && parsed.scale <= 44);
      if (unit > 1n) assert.ok(digits === 64 || parsed.scale === 44);
      else assert.equal(parsed.scale, exact.scale);
    }),
    5_000,
  );
});

/** Texts at the edges, and the number each is: its scale and unscaled value. */
const EDGES: readonly [string, number, bigint][] = [
  ["18446744073709551615", 0, 2n ** 64n - 1n],
  ["-18446744073709551615.000", 3, -(2n ** 64n - 1n) * 1000n],
  [`${"0".repeat(100)}1`, 0, 1n],
  [`${"0".repeat(64)}.05`, 2, 5n],
  [`0.${"0".repeat(43)}19`, 44, 1n],
  [`0.${"0".repeat(44)}9`, 44, 0n],
  ["1E-9999999999", 44, 0n],
  ["0E128", -128, 0n],
  ["-0.0", 1, 0n],
];

/** Texts of no number, and of numbers out of range. */
const NO_NUMBERS = [
  "18446744073709551616",
  "-18446744073709551616",
  "18446744073709551615.1",
  "2E19",
  "0E129",
  "1E9999999999",
  "1E-10000000000",
  "1E",
  "E1",
  "1.5.5",
  "1\n",
  "\u0661",
  "0x10",
];

Deno.test("parseMiniNumber() takes numbers up to the edges and refuses what is beyond", () => {
  for (const [input, scale, unscaled] of EDGES) {
    assert.deepEqual(parseMiniNumber(input), { scale, unscaled }, input);
  }
  for (const input of NO_NUMBERS) {
    assert.throws(() => parseMiniNumber(input), MiniNumberError, input);
  }
});

Deno.test("sum() is in plain notation, with the decimals of the finer number", () => {
  const table: readonly (readonly [MiniNumber, MiniNumber, MiniNumber])[] = [
    [
      { scale: -2, unscaled: 1n },
      { scale: -3, unscaled: 2n },
      { scale: 0, unscaled: 2_100n },
    ],
    [
      { scale: -1, unscaled: 1n },
      { scale: 2, unscaled: 5n },
      { scale: 2, unscaled: 1_005n },
    ],
    [
      { scale: 1, unscaled: 15n },
      { scale: 1, unscaled: -20n },
      { scale: 1, unscaled: -5n },
    ],
    [
      { scale: 45, unscaled: 19n },
      { scale: 0, unscaled: 0n },
      { scale: 44, unscaled: 1n },
    ],
  ];
  for (const [a, b, total] of table) {
    assert.deepEqual(sum(a, b), total);
    assert.deepEqual(sum(b, a), total);
  }
  const largest = { scale: 0, unscaled: 2n ** 64n - 1n };
  const one = { scale: 0, unscaled: 1n };
  assert.throws(() => sum(largest, one), MiniNumberError);
});

Deno.test("miniNumberText() writes the value in plain notation without trailing zeros", () => {
  check(fc.property(number, (value) => {
    const written = miniNumberText(value);
    assert.match(written, /^(0|-?(0|[1-9]\d*)(\.\d*[1-9])?)$/);
    const [whole = "", decimals = ""] = written.split(".");
    const [a, b] = sameScale(value, {
      scale: decimals.length,
      unscaled: BigInt(whole + decimals),
    });
    assert.equal(a, b);
  }));
});
