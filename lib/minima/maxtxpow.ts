/** Reading an envelope the way a relay does: strictly and within limits. */
import type { Bytes } from "../bytes.ts";
import { expectEnd, flag, Reader } from "./codec.ts";
import { Problem } from "../problem.ts";
import { MAX_PACKAGE_BYTES, MAX_TXPOW_BYTES } from "./constants.ts";
import { maximaPackage, type MaxTxPow } from "./maxima.ts";
import { miniString } from "./minidata.ts";
import { receive } from "./received.ts";
import { txHeader } from "./txheader.ts";
import { txBody } from "./txpow.ts";

/** Most bytes of the parts of an envelope. */
export interface EnvelopeLimits {
  /** A serialised MaximaPackage. */
  packageBytes: number;
  /** A serialised TxPoW. */
  txPowBytes: number;
}

/** The limits of the Minima network (spec/maxima.md 12). */
export const NETWORK_LIMITS: EnvelopeLimits = {
  packageBytes: MAX_PACKAGE_BYTES,
  txPowBytes: MAX_TXPOW_BYTES,
};

/** Bytes of an envelope's own version text, `1.0` behind its length. */
const VERSION_BYTES = 7;

/** Most bytes of an envelope within the limits. */
export function envelopeBytes(limits: EnvelopeLimits): number {
  return VERSION_BYTES + limits.packageBytes + limits.txPowBytes;
}

/**
 * The envelope that the bytes are, canonical and with nothing left over. The
 * package's limit is looked at before the TxPoW is decoded, the TxPoW's before
 * that (spec/maxima.md 8.2, step 1).
 *
 * @throws {Problem} `malformed` (a DecodeError) or `too-large`
 */
export function decodeMaxTxPow(
  bytes: Bytes,
  limits: EnvelopeLimits = NETWORK_LIMITS,
): MaxTxPow {
  expectAtMost(envelopeBytes(limits), bytes.length, "envelope");
  const from = new Reader(bytes, { strict: true });
  const version = miniString.decode(from);
  const start = from.offset;
  const sealed = receive(maximaPackage, from);
  expectAtMost(limits.packageBytes, from.offset - start, "package");
  expectAtMost(limits.txPowBytes, from.remaining, "TxPoW");
  const header = receive(txHeader, from);
  const body = flag.decode(from) ? receive(txBody, from) : null;
  expectEnd(from);
  return { version, package: sealed, txPow: { header, body } };
}

/** Refuses a part over its limit. @throws {Problem} `too-large` */
export function expectAtMost(limit: number, size: number, part: string): void {
  if (size <= limit) return;
  throw new Problem(
    "too-large",
    `the ${part} has ${size} bytes, the limit is ${limit}`,
  );
}
