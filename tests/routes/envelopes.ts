/** Envelopes with real work, and with any part of them other than it should. */
import { sha3_256 } from "../../lib/hash.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { decode, encode } from "../../lib/minima/codec.ts";
import {
  MAIN_CHAIN,
  MAX_PACKAGE_BYTES,
  MAX_TXPOW_BYTES,
  MAXIMA_VERSION,
  MIN_HASHES,
} from "../../lib/minima/constants.ts";
import { DEFAULT_MAGIC } from "../../lib/minima/magic.ts";
import {
  type MaximaPackage,
  maximaPackage,
  type MaxTxPow,
  maxTxPow,
  packageHash,
} from "../../lib/minima/maxima.ts";
import { integer, miniNumber } from "../../lib/minima/mininumber.ts";
import { EMPTY_TRANSACTION } from "../../lib/minima/transaction.ts";
import { type TxBody, txPow } from "../../lib/minima/txpow.ts";
import { bodyHash, meets } from "../../lib/minima/txpow_facts.ts";
import { type TxHeader, txHeader } from "../../lib/minima/txheader.ts";
import { EMPTY_WITNESS } from "../../lib/minima/witness.ts";
import { systemRandom } from "../../lib/random.ts";
import { targetBytes, targetOf } from "../../lib/work/target.ts";

/** What an envelope is made of; the rest is as a sender makes it. */
export interface EnvelopeParts {
  readonly package: MaximaPackage;
  /** Unix milliseconds, into the header. */
  readonly time: number;
  /** Expected hashes of the target that the body commits to. */
  readonly hashes?: number;
  /** Fields of the header that are not as they should be. */
  readonly header?: Partial<TxHeader>;
  /** Fields of the body that are not as they should be. */
  readonly body?: Partial<TxBody>;
  /** Which id is taken; one that meets the target, if not given. */
  readonly accepts?: (id: Bytes) => boolean;
}

const UNUSED = new Uint8Array([0]);

/** A nonce of 25 bytes behind scale and count, of which any 23 do. */
const NONCE = decode(
  miniNumber,
  new Uint8Array([41, 25, 0x01, 0x97, ...new Uint8Array(23).fill(0x2a)]),
);
/** Where the nonce's counter stands in a header. */
const COUNTER = 8;

/** An envelope whose header commits to package and body, and is mined. */
export function makeEnvelope(parts: EnvelopeParts): MaxTxPow {
  const target = targetBytes(targetOf(parts.hashes ?? MIN_HASHES));
  const body: TxBody = {
    prng: systemRandom(32),
    txnDifficulty: target,
    transaction: EMPTY_TRANSACTION,
    witness: EMPTY_WITNESS,
    burnTransaction: EMPTY_TRANSACTION,
    burnWitness: EMPTY_WITNESS,
    txPowIds: [],
    ...parts.body,
  };
  const header: TxHeader = {
    nonce: NONCE,
    chainId: MAIN_CHAIN,
    time: integer(parts.time),
    blockNumber: integer(0),
    blockDifficulty: UNUSED,
    superParents: new Array<Bytes>(32).fill(UNUSED),
    mmrRoot: UNUSED,
    mmrTotal: integer(0),
    magic: DEFAULT_MAGIC,
    customHash: packageHash(parts.package),
    bodyHash: bodyHash(body),
    ...parts.header,
  };
  const accepts = parts.accepts ?? ((id) => meets(id, target));
  return {
    version: MAXIMA_VERSION,
    package: parts.package,
    txPow: { header: searchNonce(header, accepts), body },
  };
}

function searchNonce(
  header: TxHeader,
  accepts: (id: Bytes) => boolean,
): TxHeader {
  const bytes = encode(txHeader, header);
  const counter = new DataView(bytes.buffer, bytes.byteOffset + COUNTER, 4);
  for (let tries = 0;; tries++) {
    counter.setUint32(0, tries);
    if (accepts(sha3_256(bytes))) return decode(txHeader, bytes.slice());
  }
}

/** A package to a key; the relay cannot tell its data from a sealed message. */
export function makePackage(to: Bytes, data: number | Bytes): MaximaPackage {
  return {
    version: MAXIMA_VERSION,
    to,
    data: typeof data === "number" ? randomBytes(data) : data,
  };
}

/** A mined envelope to a key, in bytes. */
export interface PlainEnvelope {
  readonly to: Bytes;
  readonly time: number;
  /** Bytes of the whole; 1,500 if not given. */
  readonly size?: number;
  readonly hashes?: number;
}

/** The bytes of an envelope of some size. */
export function envelopeBytes(options: PlainEnvelope): Bytes {
  const { to, time, size = 1_500, hashes = MIN_HASHES } = options;
  const withData = (length: number, accepts?: () => boolean) =>
    encode(
      maxTxPow,
      makeEnvelope({
        package: makePackage(to, length),
        time,
        hashes,
        ...(accepts && { accepts }),
      }),
    );
  const around = withData(0, () => true).length;
  return withData(size - around);
}

/** Random bytes, also more than the platform gives at once. */
export function randomBytes(length: number): Bytes {
  const bytes = new Uint8Array(length);
  for (let start = 0; start < length; start += 65_536) {
    crypto.getRandomValues(bytes.subarray(start, start + 65_536));
  }
  return bytes;
}

/** The largest envelope there is: both its parts are as large as can be. */
export function largestEnvelope(
  { to, time, hashes = MIN_HASHES }: PlainEnvelope,
): Bytes {
  const bodyWith = (length: number) => ({
    transaction: {
      ...EMPTY_TRANSACTION,
      state: [{
        port: 0,
        value: { type: 1 as const, data: randomBytes(length) },
      }],
    },
  });
  const unitWith = (data: number, state: number, mined: boolean) =>
    makeEnvelope({
      package: makePackage(to, data),
      time,
      hashes,
      body: bodyWith(state),
      ...(!mined && { accepts: () => true }),
    });
  const empty = unitWith(0, 0, false);
  const data = MAX_PACKAGE_BYTES - encode(maximaPackage, empty.package).length;
  const state = MAX_TXPOW_BYTES - encode(txPow, empty.txPow).length;
  return encode(maxTxPow, unitWith(data, state, true));
}
