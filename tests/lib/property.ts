/** How properties of asynchronous code are run. */
import fc from "fast-check";

/**
 * The seed of this run, told by fast-check where a property fails. Set
 * RESTANTE_SEED to it, and the same values come again.
 */
const SEED = Number(Deno.env.get("RESTANTE_SEED") ?? Date.now() % 2 ** 31);

/** Checks a property for the examples, and then for generated values. */
export async function check<T>(
  property: fc.IRawProperty<T>,
  numRuns: number,
  examples: T[] = [],
): Promise<void> {
  await fc.assert(property, { seed: SEED, numRuns, examples });
}

/** A change of one byte at a time: where it is, and what is flipped in it. */
export interface Flip {
  /** From the start, as a fraction of the length: 0 up to, not with, 1. */
  readonly at: number;
  /** 1 to 255. */
  readonly bits: number;
}

/** Any change of one byte. */
export const flip: fc.Arbitrary<Flip> = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  bits: fc.integer({ min: 1, max: 255 }),
}, { noNullPrototype: true });

/** A copy with one byte changed. */
export function flipped(
  bytes: Uint8Array,
  { at, bits }: Flip,
): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  const offset = Math.floor(at * copy.length);
  copy[offset] = (copy[offset] ?? 0) ^ bits;
  return copy;
}
