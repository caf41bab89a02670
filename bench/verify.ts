/** Verifying an envelope beside the bare SHA3-256 of the same bytes. */
import { sha3_256 } from "../lib/hash.ts";
import type { Bytes } from "../lib/bytes.ts";
import { encode } from "../lib/minima/codec.ts";
import { MAXIMA_VERSION, MIN_WORK_TARGET } from "../lib/minima/constants.ts";
import { decodeMaxTxPow } from "../lib/minima/maxtxpow.ts";
import { maxTxPow, packageHash } from "../lib/minima/maxima.ts";
import { generateRsaKey, importRsaKey } from "../lib/seal/rsa.ts";
import { checkTime, checkWork, DEFAULT_WINDOW } from "../lib/work/check.ts";
import { mine } from "../lib/work/mine.ts";
import { count, measure, printTable } from "./measure.ts";

const SIZES = [1_024, 65_536, 262_144];

/** Prints one table. */
export async function benchVerify(): Promise<void> {
  const { publicKey } = await importRsaKey(await generateRsaKey(1_024));
  const rows = [["bytes", "verify/s", "bare SHA3-256/s", "of the bare hash"]];
  for (const size of SIZES) {
    const envelope = await envelopeOf(size, publicKey);
    const { verify, bare } = measure({
      verify() {
        const unit = decodeMaxTxPow(envelope);
        checkTime(unit.txPow.header, Date.now(), DEFAULT_WINDOW);
        return checkWork(unit);
      },
      bare: () => sha3_256(envelope),
    });
    const share = `${Math.round(100 * verify.perSecond / bare.perSecond)} %`;
    rows.push([
      count(size),
      count(verify.perSecond),
      count(bare.perSecond),
      share,
    ]);
  }
  printTable("Verifying a MaxTxPoW, one core", rows);
}

/** A mined envelope of exactly that many bytes. */
async function envelopeOf(size: number, to: Bytes): Promise<Bytes> {
  let dataBytes = 1;
  for (;;) {
    const sealed = {
      version: MAXIMA_VERSION,
      to,
      data: new Uint8Array(dataBytes),
    };
    const txPow = await mine({
      customHash: packageHash(sealed),
      target: MIN_WORK_TARGET,
      time: Date.now(),
    });
    const envelope = encode(maxTxPow, {
      version: MAXIMA_VERSION,
      package: sealed,
      txPow,
    });
    if (envelope.length === size) return envelope;
    dataBytes += size - envelope.length;
  }
}
