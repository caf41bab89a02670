/** Arguments of options that are numbers. */
import { InvalidArgumentError } from "commander";

/** Seconds in each unit of a time. */
const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  s: 1,
  m: 60,
  h: 3_600,
  d: 86_400,
};

/** Bits that the modulus of an identity's key may have. */
const KEY_BITS = { least: 1_024, most: 4_096 };

/** A time in seconds: `3600`, `90s`, `90m`, `36h` or `7d`. */
export function parseTime(text: string): number {
  const [, count, unit = ""] = /^(\d{1,9})([smhd]?)$/.exec(text) ?? [];
  if (count === undefined) {
    throw new InvalidArgumentError("not a time such as 3600, 90m, 36h or 7d.");
  }
  return Number(count) * (UNITS[unit] ?? 1);
}

/** A whole number. */
export function parseCount(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("not a whole number.");
}

/** Bits a second. */
export function parseBandwidth(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("not a number of bits a second.");
}

/** Bits of a key. */
export function parseBits(text: string): number {
  const { least, most } = KEY_BITS;
  const bits = /^\d{4}$/.test(text) ? Number(text) : NaN;
  if (bits >= least && bits <= most) return bits;
  throw new InvalidArgumentError(
    `not a number of bits from ${least} to ${most}.`,
  );
}
