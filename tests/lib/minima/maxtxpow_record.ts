/** An envelope the way the vectors tell of it, told from our own decoding. */
import assert from "node:assert/strict";
import { type Bytes, sameBytes } from "../../../lib/bytes.ts";
import { decodeLoosely, encode } from "../../../lib/minima/codec.ts";
import { MAX_PACKAGE_BYTES, MIN_WORK } from "../../../lib/minima/constants.ts";
import {
  type MaximaPackage,
  maximaPackage,
  maxTxPow,
  packageHash,
} from "../../../lib/minima/maxima.ts";
import { decodeMaxTxPow } from "../../../lib/minima/maxtxpow.ts";
import { hexText, parseHex } from "../../../lib/minima/minidata.ts";
import { miniNumberText } from "../../../lib/minima/mininumber.ts";
import type { TxPow } from "../../../lib/minima/txpow.ts";
import {
  bodyHash,
  isBlock,
  isTransaction,
  meets,
  txPowId,
} from "../../../lib/minima/txpow_facts.ts";
import { claims, OWN_COPY, type Vector, vectors } from "../../vectors/mod.ts";
import { assertRefused, reasonsOf } from "./refusal.ts";

/** A `maxtxpow` case; one that does not parse has a reason. */
export interface EnvelopeVector extends Vector {
  readonly raw: string;
  readonly parsed: boolean;
  readonly reason: string;
  readonly package: { readonly data: string };
}

/** What stands for data too long to be told twice; its hash is told. */
const OMITTED = "omitted";

/** What a node makes of an envelope, judged in tests/lib/work and seal. */
const VERDICT = ["recipientKey", "decrypted", "reply", "verdict", "mlsReply"];

/** Fails unless an envelope decodes to what the vector says of its form. */
export function assertEnvelope(vector: EnvelopeVector): void {
  const raw = Uint8Array.fromHex(vector.raw);
  if (!vector.parsed) return assertUndecodable(vector, raw);
  const { value, canonical, bytesRead } = decodeLoosely(maxTxPow, raw);
  const { version, package: sealed, txPow } = value;
  assert.deepEqual({
    parsed: true,
    bytesRead,
    version,
    package: {
      ...packageRecord(sealed),
      ...(vector.package.data === OMITTED ? { data: OMITTED } : {}),
    },
    txpow: txPowSummary(txPow),
    checks: checks(sealed, txPow),
  }, claims(vector, "raw", ...VERDICT));
  assert.ok(canonical);
  assert.deepEqual(encode(maxTxPow, value), raw.subarray(0, bytesRead));

  const packageBytes = encode(maximaPackage, sealed).length;
  if (packageBytes > MAX_PACKAGE_BYTES) {
    assert.throws(() => decodeMaxTxPow(raw), { code: "too-large" });
  } else if (raw.length > bytesRead) {
    assertRefused(() => decodeMaxTxPow(raw), "trailing-bytes");
  } else {
    assert.deepEqual(decodeMaxTxPow(raw), value);
  }
}

function assertUndecodable(vector: EnvelopeVector, raw: Bytes): void {
  const reasons = reasonsOf(vector.reason);
  assertRefused(() => decodeLoosely(maxTxPow, raw), ...reasons);
  assertRefused(() => decodeMaxTxPow(raw), ...reasons);
  assert.deepEqual(
    { parsed: false },
    claims(vector, "raw", "reason", "javaError", ...VERDICT),
  );
}

function packageRecord(sealed: MaximaPackage): Record<string, unknown> {
  return {
    version: sealed.version,
    to: hexText(sealed.to),
    data: hexText(sealed.data),
    dataLength: sealed.data.length,
    packageLength: encode(maximaPackage, sealed).length,
    packageHash: hexText(packageHash(sealed)),
  };
}

function txPowSummary(value: TxPow): Record<string, unknown> {
  const { header, body } = value;
  const id = txPowId(header);
  return {
    txpowid: hexText(id),
    customHash: hexText(header.customHash),
    chainId: hexText(header.chainId),
    nonce: miniNumberText(header.nonce),
    timeMilli: miniNumberText(header.time),
    block: miniNumberText(header.blockNumber),
    hasBody: body !== null,
    isBlock: isBlock(header, id),
    isTransaction: isTransaction(value),
    txnDifficulty: body === null ? null : hexText(body.txnDifficulty),
    blockDifficulty: hexText(header.blockDifficulty),
    magicMinWork: hexText(header.magic.currentMinTxPowWork),
  };
}

function checks(
  sealed: MaximaPackage,
  { header, body }: TxPow,
): Record<string, boolean | null> {
  const id = txPowId(header);
  const { maximaTarget } = vectors("txpow", OWN_COPY).constants ?? {};
  return {
    customHashMatches: sameBytes(packageHash(sealed), header.customHash),
    packageWithin262144:
      encode(maximaPackage, sealed).length <= MAX_PACKAGE_BYTES,
    idBelowMinimumWork: meets(id, MIN_WORK),
    idBelowMaximaTarget: meets(id, parseHex(String(maximaTarget))),
    bodyHashMatchesHeader: body === null
      ? null
      : sameBytes(bodyHash(body), header.bodyHash),
  };
}
