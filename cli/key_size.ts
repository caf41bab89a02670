/** How large the key of an identity is, and what follows from it. */
import type { Identity } from "../client/mod.ts";
import { parsePublicKey } from "../lib/seal/public_key.ts";
import { type OutputOptions, warn } from "./output.ts";

/** Bits of a new key: as many as are strong, and small enough for all. */
export const DEFAULT_BITS = 1_536;

/** How the option is described. */
export const BITS_OPTION = [
  "--bits <count>",
  `bits of the new key, 1024 to 4096 (${DEFAULT_BITS} if not said: genuine Minima nodes keep no contact with more than 1768)`,
] as const;

/**
 * DER bytes of the largest key that a genuine node keeps: its tables end at 512
 * characters, of hex and a prefix.
 */
const MOST_DER_BYTES = 255;

/** What its owner should know of a key that is not of the usual size. */
export function warningsOfKey(bits: number, derBytes: number): string[] {
  const warnings: string[] = [];
  if (bits < DEFAULT_BITS) {
    warnings.push(
      `a key of ${bits} bits is weak: new ones have ${DEFAULT_BITS}`,
    );
  } else if (derBytes > MOST_DER_BYTES) {
    warnings.push(
      `genuine Minima nodes keep no contact whose key has ${derBytes} bytes: ${MOST_DER_BYTES} is the most`,
    );
  } else if (bits !== DEFAULT_BITS) {
    warnings.push(
      `a key of ${bits} bits is unusual: new ones have ${DEFAULT_BITS}`,
    );
  }
  return warnings;
}

/** Tells them. */
export function warnOfKey(options: OutputOptions, { key }: Identity): void {
  const parsed = parsePublicKey(key.publicKey);
  if (parsed.kind !== "rsa") return;
  for (const warning of warningsOfKey(parsed.bits, key.publicKey.length)) {
    warn(options, warning);
  }
}
