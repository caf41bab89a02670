/** How large the parts of an envelope may be. */
import assert from "node:assert/strict";
import type { Bytes } from "../../../lib/bytes.ts";
import { encode } from "../../../lib/minima/codec.ts";
import {
  MAX_PACKAGE_BYTES,
  MAX_TXPOW_BYTES,
} from "../../../lib/minima/constants.ts";
import {
  maximaPackage,
  type MaxTxPow,
  maxTxPow,
} from "../../../lib/minima/maxima.ts";
import {
  decodeMaxTxPow,
  envelopeBytes,
  NETWORK_LIMITS,
} from "../../../lib/minima/maxtxpow.ts";
import { txPow } from "../../../lib/minima/txpow.ts";
import { assertNoticed, everyChange } from "./changes.ts";
import { ENVELOPE_FORMAT } from "./parts.ts";
import { ENVELOPE } from "./units.ts";

const PACKAGE_BYTES = encode(maximaPackage, ENVELOPE.package).length;
const TXPOW_BYTES = encode(txPow, ENVELOPE.txPow).length;

/** An envelope whose package and TxPoW have these sizes. */
function envelopeOf(packageBytes: number, txPowBytes: number): MaxTxPow {
  const { version, package: sealed, txPow } = ENVELOPE;
  const morePackage = packageBytes - PACKAGE_BYTES;
  const data = new Uint8Array(sealed.data.length + morePackage);
  const { header } = txPow;
  const moreTxPow = txPowBytes - TXPOW_BYTES;
  const chainId = new Uint8Array(header.chainId.length + moreTxPow);
  return {
    version,
    package: { ...sealed, data },
    txPow: { ...txPow, header: { ...header, chainId } },
  };
}

Deno.test("decodeMaxTxPow() takes parts up to the network's limits and refuses a byte more", () => {
  const { packageBytes, txPowBytes } = NETWORK_LIMITS;
  assert.deepEqual([packageBytes, txPowBytes], [262_144, 65_536]);
  assert.equal(packageBytes, MAX_PACKAGE_BYTES);
  assert.equal(txPowBytes, MAX_TXPOW_BYTES);
  const largest = encode(maxTxPow, envelopeOf(packageBytes, txPowBytes));
  assert.equal(largest.length, envelopeBytes(NETWORK_LIMITS));
  assert.deepEqual(encode(maxTxPow, decodeMaxTxPow(largest)), largest);
  const larger = [
    envelopeOf(packageBytes + 1, TXPOW_BYTES),
    envelopeOf(PACKAGE_BYTES, txPowBytes + 1),
  ];
  for (const envelope of larger) {
    const bytes = encode(maxTxPow, envelope);
    assert.throws(() => decodeMaxTxPow(bytes), { code: "too-large" });
  }
});

Deno.test("decodeMaxTxPow() refuses parts over the limits it is given", () => {
  const bytes = encode(maxTxPow, ENVELOPE);
  const limits = { packageBytes: PACKAGE_BYTES, txPowBytes: TXPOW_BYTES };
  assert.deepEqual(decodeMaxTxPow(bytes, limits), ENVELOPE);
  for (const name of ["packageBytes", "txPowBytes"] as const) {
    const less = { ...limits, [name]: limits[name] - 1 };
    assert.throws(() => decodeMaxTxPow(bytes, less), { code: "too-large" });
  }
  const tight = {
    ...ENVELOPE_FORMAT,
    read: (input: Bytes) => decodeMaxTxPow(input, limits),
  };
  for (const { changed, part } of everyChange(tight, ENVELOPE)) {
    assertNoticed(tight, ENVELOPE, changed, part);
  }
});
