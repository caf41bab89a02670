/** Generated texts, and what reading them may do. */
import fc from "fast-check";
import type { MiniNumberError } from "../../../lib/minima/mininumber.ts";
import type { TextFormError } from "../../../lib/minima/minidata.ts";
import { mxText } from "../../../lib/minima/mxtext.ts";
import { bytes, text } from "./arbitraries.ts";

/** Text made of some characters, short or up to 90 of them. */
export function textOf(characters: string): fc.Arbitrary<string> {
  const unit = fc.constantFrom(...characters);
  return fc.oneof(
    fc.string({ unit, maxLength: 90, size: "max" }),
    fc.string({ unit, maxLength: 5 }),
  );
}

/** Decimal digits, behind zeros now and then. */
export const digits: fc.Arbitrary<string> = fc
  .tuple(textOf("0"), textOf("0123456789"), fc.boolean())
  .map(([zeros, digits, padded]) => padded ? zeros + digits : digits);

/** Characters that Mx text, hex, keys and addresses are made of. */
const ADDRESS_CHARACTERS = "MxX0123456789abcdefABCDEFGHIJKLOUVßſı\u212a@:#+-";

/** Text that looks like a key or an address, or like nothing. */
export const addressLike: fc.Arbitrary<string> = fc.oneof(
  text,
  textOf(ADDRESS_CHARACTERS),
  fc.tuple(bytes(40).map(mxText), textOf(ADDRESS_CHARACTERS)).map((parts) =>
    parts.join("")
  ),
);

/** What `parse` gives, or null where it throws the error it may throw. */
export function orNull<T>(
  parse: () => T,
  allowed: typeof MiniNumberError | typeof TextFormError,
): T | null {
  try {
    return parse();
  } catch (error) {
    if (error instanceof allowed) return null;
    throw error;
  }
}
