/** Generated values of the primitive formats, and how properties are run. */
import fc from "fast-check";
import type { Bytes } from "../../../lib/bytes.ts";
import {
  type MiniNumber,
  miniNumberText,
  parseMiniNumber,
} from "../../../lib/minima/mininumber.ts";

/**
 * The seed of this run, told by fast-check where a property fails. Set
 * RESTANTE_SEED to it, and the same values come again.
 */
const SEED = Number(Deno.env.get("RESTANTE_SEED") ?? Date.now() % 2 ** 31);

/** Checks a property for many generated values. */
export function check(
  property: fc.IRawProperty<unknown>,
  numRuns = 500,
): void {
  fc.assert(property, { seed: SEED, numRuns });
}

/** An object of generated members. */
export function record<T>(
  members: { [name in keyof T]: fc.Arbitrary<T[name]> },
): fc.Arbitrary<T> {
  return fc.record(members, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

/** Bytes, up to a length. */
export function bytes(maxLength: number): fc.Arbitrary<Bytes> {
  return fc.uint8Array({ maxLength, size: "max" });
}

/** A hash field: 32 bytes, one byte 00, or any length it may have. */
export const hash: fc.Arbitrary<Bytes> = fc.oneof(
  fc.uint8Array({ minLength: 32, maxLength: 32 }),
  fc.constant(new Uint8Array(1)),
  bytes(64),
);

/** A byte. */
export const octet: fc.Arbitrary<number> = fc.integer({ min: 0, max: 255 });

/** A Unicode character, of one to four bytes in UTF-8. */
const character: fc.Arbitrary<string> = fc
  .oneof(
    fc.integer({ min: 0, max: 0x7f }),
    fc.integer({ min: 0x80, max: 0x7ff }),
    fc.integer({ min: 0x800, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x10ffff }),
  )
  .map((point) => String.fromCodePoint(point));

/** Text of any characters, a leading byte-order mark among them. */
export const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: character, maxLength: 24, size: "max" }),
  fc.string({ unit: character, maxLength: 3 }).map((end) => `\u{FEFF}${end}`),
);

/** The largest unscaled value that is read as it is: 64 digits. */
const MAX_UNSCALED = 10n ** 64n - 1n;

/** Where the length of the two's complement changes, and its neighbours. */
const EDGES: readonly bigint[] = Array.from({ length: 27 }, (_, i) => {
  const edge = 2n ** BigInt(8 * i + 7);
  return [edge - 1n, edge, edge + 1n, 1n - edge, -edge, -edge - 1n];
}).flat().filter((n) => -MAX_UNSCALED <= n && n <= MAX_UNSCALED);

/** Whole numbers of up to 64 digits, dense where encodings change length. */
const unscaled: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: -MAX_UNSCALED, max: MAX_UNSCALED }),
  fc.bigInt({ min: -300n, max: 300n }),
  fc.constantFrom(...EDGES, MAX_UNSCALED, -MAX_UNSCALED),
);

/** Any number that is canonical on the wire, over the full range of scales. */
export const number: fc.Arbitrary<MiniNumber> = record({
  scale: fc.integer({ min: -128, max: 127 }),
  unscaled,
});

/** A number whose text gives the same number again: no trailing zeros. */
export const textNumber: fc.Arbitrary<MiniNumber> = fc
  .integer({ min: 0, max: 44 })
  .chain((scale) => {
    const largest = (2n ** 64n - 1n) * 10n ** BigInt(scale);
    const max = largest < MAX_UNSCALED ? largest : MAX_UNSCALED;
    return record({
      scale: fc.constant(scale),
      unscaled: fc.oneof(
        fc.bigInt({ min: -max, max }),
        fc.constantFrom(0n, 1n, -1n, max, -max),
      ),
    });
  })
  .map((held) => parseMiniNumber(miniNumberText(held)));

/** An MMR entry number: its scale has 32 bits, its digits no bound. */
export const entryNumber: fc.Arbitrary<MiniNumber> = record({
  scale: fc.oneof(
    fc.integer({ min: -300, max: 300 }),
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  ),
  unscaled: fc.oneof(
    unscaled,
    fc.bigInt({ min: -(2n ** 900n), max: 2n ** 900n }),
  ),
});

/** 32 super parents in runs, neighbours of the same hash among them. */
export const parents: fc.Arbitrary<readonly Bytes[]> = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 32 }), hash), { maxLength: 8 })
  .map((runs) => {
    const listed = runs.flatMap(([n, id]) => Array<Bytes>(n).fill(id));
    const unused = Array<Bytes>(32).fill(new Uint8Array(1));
    return [...listed, ...unused].slice(0, 32);
  });
