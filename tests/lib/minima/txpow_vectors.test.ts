/** TxPoW units as the genuine reader takes and refuses them. */
import assert from "node:assert/strict";
import { sha3_256 } from "../../../lib/hash.ts";
import { decode, decodeLoosely, encode } from "../../../lib/minima/codec.ts";
import {
  MAIN_CHAIN,
  MAX_HASH,
  MIN_HASHES,
  MIN_WORK,
  MIN_WORK_TARGET,
  SUPER_PARENTS,
} from "../../../lib/minima/constants.ts";
import { DEFAULT_MAGIC, magic } from "../../../lib/minima/magic.ts";
import {
  bytesOfInteger,
  hexText,
  integerOfBytes,
  parseHex,
} from "../../../lib/minima/minidata.ts";
import { miniNumberText } from "../../../lib/minima/mininumber.ts";
import {
  EMPTY_TRANSACTION,
  transaction,
} from "../../../lib/minima/transaction.ts";
import { txPow } from "../../../lib/minima/txpow.ts";
import { divideToDigits } from "../../../lib/minima/txpow_facts.ts";
import { EMPTY_WITNESS, witness } from "../../../lib/minima/witness.ts";
import {
  claims,
  testVectors,
  type Vector,
  vectors,
} from "../../vectors/mod.ts";
import { assertRefused, reasonsOf } from "./refusal.ts";
import { txPowRecord } from "./txpow_record.ts";

/**
 * Checks of coins, scripts and signatures that a node makes before it takes a
 * unit into its chain (section 9). A relay keeps no chain: they are not ours.
 */
const GENUINE_CHAIN_CHECKS = ["genuineBasicCheck", "genuineSignatureCheck"];

interface UnitVector extends Vector {
  readonly raw: string;
}

interface ParseVector extends UnitVector {
  readonly canonical: boolean;
  readonly bytesRead: number;
  readonly checks: Readonly<Record<string, unknown>>;
}

interface RejectVector extends UnitVector {
  readonly reason: string;
}

testVectors<{ parse: ParseVector; reject: RejectVector }>("txpow", {
  parse(vector) {
    const raw = Uint8Array.fromHex(vector.raw);
    assert.deepEqual(txPowRecord(raw, maximaTarget()), {
      ...claims(vector, "raw"),
      checks: claims(vector.checks, ...GENUINE_CHAIN_CHECKS),
    });
    const unit = raw.subarray(0, vector.bytesRead);
    if (vector.canonical) {
      assert.deepEqual(encode(txPow, decode(txPow, unit)), unit);
    } else {
      assertRefused(() => decode(txPow, unit), "non-canonical");
    }
    if (raw.length > unit.length) {
      assertRefused(() => decode(txPow, raw), "trailing-bytes");
    }
  },

  reject(vector) {
    const raw = Uint8Array.fromHex(vector.raw);
    const reasons = reasonsOf(vector.reason);
    assertRefused(() => decodeLoosely(txPow, raw), ...reasons);
    assertRefused(() => decode(txPow, raw), ...reasons);
    const expected = claims(vector, "raw", "reason", "javaError");
    assert.deepEqual({ valid: false }, expected);
  },
});

Deno.test("constants of the network are those of the genuine node", () => {
  const { scale, unscaled } = divideToDigits(
    MAX_HASH,
    integerOfBytes(maximaTarget()),
    16,
  );
  assert.deepEqual({
    hash: sha3_256(new Uint8Array()).toHex().startsWith("a7ffc6f8bf1ed766")
      ? "SHA3-256"
      : "another",
    maxHash: hexText(bytesOfInteger(MAX_HASH)),
    minHashes: String(MIN_HASHES),
    minTxPoWWork: hexText(MIN_WORK),
    maximaTarget: hexText(bytesOfInteger(tenElevenths(MIN_WORK_TARGET))),
    maximaExpectedHashes: miniNumberText({ scale, unscaled }),
    defaultMagicHex: encode(magic, DEFAULT_MAGIC).toHex(),
    cascadeLevels: SUPER_PARENTS,
    mainChainId: hexText(MAIN_CHAIN),
    emptyTransactionHex: encode(transaction, EMPTY_TRANSACTION).toHex(),
    emptyWitnessHex: encode(witness, EMPTY_WITNESS).toHex(),
  }, vectors("txpow").constants);
});

/** What a genuine Maxima sender mines to, section 5 (4). */
function maximaTarget(): Uint8Array<ArrayBuffer> {
  return parseHex(String(vectors("txpow").constants?.["maximaTarget"]));
}

/** `floor(target / 1.1)` at 16 significant digits. */
function tenElevenths(target: bigint): bigint {
  const { scale, unscaled } = divideToDigits(10n * target, 11n, 16);
  return unscaled * 10n ** BigInt(-scale);
}
