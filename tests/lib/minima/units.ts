/** Valid units of work, from the plainest to one with everything in it. */
import { MAIN_CHAIN, MIN_WORK } from "../../../lib/minima/constants.ts";
import { DEFAULT_MAGIC } from "../../../lib/minima/magic.ts";
import { type MaxTxPow, packageHash } from "../../../lib/minima/maxima.ts";
import { integer, parseMiniNumber } from "../../../lib/minima/mininumber.ts";
import {
  EMPTY_TRANSACTION,
  type Transaction,
} from "../../../lib/minima/transaction.ts";
import type { TxHeader } from "../../../lib/minima/txheader.ts";
import type { TxBody, TxPow } from "../../../lib/minima/txpow.ts";
import { bodyHash } from "../../../lib/minima/txpow_facts.ts";
import { EMPTY_WITNESS, type Witness } from "../../../lib/minima/witness.ts";

const UNUSED = new Uint8Array([0]);

/** 32 bytes of one value. */
function hash(byte: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(32).fill(byte);
}

/** The template that a genuine miner counts in, section 5. */
const NONCE = "100000000000000000." + "0".repeat(40) + "1";

const HEADER: TxHeader = {
  nonce: parseMiniNumber(NONCE),
  chainId: MAIN_CHAIN,
  time: integer(1_742_811_741_000),
  blockNumber: integer(1),
  blockDifficulty: MIN_WORK,
  superParents: Array(32).fill(UNUSED),
  mmrRoot: UNUSED,
  mmrTotal: integer(0),
  magic: DEFAULT_MAGIC,
  customHash: UNUSED,
  bodyHash: UNUSED,
};

const EMPTY_BODY: TxBody = {
  prng: hash(0x11),
  txnDifficulty: MIN_WORK,
  transaction: EMPTY_TRANSACTION,
  witness: EMPTY_WITNESS,
  burnTransaction: EMPTY_TRANSACTION,
  burnWitness: EMPTY_WITNESS,
  txPowIds: [],
};

const TRANSACTION: Transaction = {
  inputs: [{
    coinId: hash(0x21),
    address: hash(0x22),
    amount: parseMiniNumber("1.50"),
    tokenId: hash(0x23),
    storeState: true,
    mmrEntryNumber: integer(7),
    spent: 0,
    blockCreated: integer(-129),
    state: [
      { port: 0, value: { type: 1, data: new Uint8Array([1, 2, 3]) } },
      { port: 1, value: { type: 2, number: parseMiniNumber("-0.25") } },
      { port: 2, value: { type: 4, text: "[[päckchen]]" } },
      { port: 255, value: { type: 8, claim: true } },
    ],
    token: {
      coinId: hash(0x24),
      script: "RETURN TRUE",
      scale: integer(36),
      minimaAmount: parseMiniNumber("1E-8"),
      name: '{"name":"coin"}',
      created: integer(2),
    },
  }],
  outputs: [],
  state: [{ port: 9, value: { type: 8, claim: false } }],
  linkHash: UNUSED,
};

const PROOF = {
  blockTime: integer(3),
  path: [{ isLeft: 1, data: { hash: hash(0x31), value: integer(40) } }],
};

const WITNESS: Witness = {
  signatures: [[{
    publicKey: hash(0x32),
    signature: new Uint8Array(40).fill(0x33),
    proof: PROOF,
  }]],
  coinProofs: TRANSACTION.inputs.map((coin) => ({ coin, proof: PROOF })),
  scriptProofs: [{ script: "RETURN TRUE", proof: PROOF }],
};

const FULL_BODY: TxBody = {
  ...EMPTY_BODY,
  transaction: TRANSACTION,
  witness: WITNESS,
  burnTransaction: { ...TRANSACTION, linkHash: hash(0x41) },
  txPowIds: [hash(0x51), hash(0x52)],
};

/** A header alone. */
export const HEADER_ONLY: TxPow = { header: HEADER, body: null };

/** A unit whose header commits to its body. */
function bound(body: TxBody, header: Partial<TxHeader> = {}): TxPow {
  return { header: { ...HEADER, ...header, bodyHash: bodyHash(body) }, body };
}

/** A unit with nothing in its body. */
export const EMPTY_UNIT: TxPow = bound(EMPTY_BODY);

/** A unit with every structure of the format in it. */
export const FULL_UNIT: TxPow = bound(FULL_BODY, {
  superParents: Array.from({ length: 32 }, (_, i) => hash(i >> 2)),
});

const SEALED = {
  version: "1.0",
  to: new Uint8Array(44).fill(0x61),
  data: new Uint8Array(100).fill(0x62),
};

/** An envelope whose header commits to package and body. */
export const ENVELOPE: MaxTxPow = {
  version: "1.0",
  package: SEALED,
  txPow: bound(EMPTY_BODY, { customHash: packageHash(SEALED) }),
};
