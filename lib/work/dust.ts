/**
 * Dust: a number of a header's desired magic, written with so many decimals
 * that its last bytes may hold anything. A genuine node reads the number as it
 * is, and steps its own values by a part in 16,384 of it (spec/maxima.md 3), if
 * the header ever is a block at all.
 */
import type { MiniNumber } from "../minima/mininumber.ts";

/** As many decimals as a number has that is made and not read. */
const DECIMALS = 44;

/**
 * The number with all decimals, and its last bytes zero: the least such number
 * not below it. Six bytes, filled with anything, add less than 10⁻²⁹.
 *
 * @throws {RangeError} if it is not positive, or has more decimals already
 */
export function withDust(
  { scale, unscaled }: MiniNumber,
  bytes: number,
): MiniNumber {
  if (unscaled <= 0n || scale > DECIMALS) {
    throw new RangeError(`no dust on ${unscaled} at scale ${scale}`);
  }
  const all = unscaled * 10n ** BigInt(DECIMALS - scale);
  const unit = 2n ** BigInt(8 * bytes);
  return { scale: DECIMALS, unscaled: (all + unit - 1n) / unit * unit };
}
