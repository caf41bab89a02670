/** Messages that nobody did any work for. */
import type { Bytes } from "../lib/bytes.ts";
import { encode } from "../lib/minima/codec.ts";
import { MAX_HASH, MAXIMA_VERSION } from "../lib/minima/constants.ts";
import { maxTxPow, packageHash } from "../lib/minima/maxima.ts";
import { systemRandom } from "../lib/random.ts";
import { mine } from "../lib/work/mine.ts";

/** A right message of so many sealed bytes, but that its hash is any. */
export async function workless(to: Bytes, size: number): Promise<Bytes> {
  const sealed = { version: MAXIMA_VERSION, to, data: systemRandom(size) };
  const txPow = await mine({
    customHash: packageHash(sealed),
    target: MAX_HASH,
    time: Date.now(),
  });
  return encode(maxTxPow, { version: MAXIMA_VERSION, package: sealed, txPow });
}
