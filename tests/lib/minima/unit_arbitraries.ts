/** Generated transactions, witnesses, units of work and envelopes. */
import fc from "fast-check";
import type { Decoded } from "../../../lib/minima/codec.ts";
import type { Magic } from "../../../lib/minima/magic.ts";
import type { MaximaPackage, MaxTxPow } from "../../../lib/minima/maxima.ts";
import type {
  coin as coinCodec,
  StateValue,
  stateVariable as stateVariableCodec,
  token as tokenCodec,
  Transaction,
} from "../../../lib/minima/transaction.ts";
import type { TxHeader } from "../../../lib/minima/txheader.ts";
import type { TxBody, TxPow } from "../../../lib/minima/txpow.ts";
import type {
  mmrData as mmrDataCodec,
  mmrProof as mmrProofCodec,
  signature as signatureCodec,
  Witness,
} from "../../../lib/minima/witness.ts";
import {
  bytes,
  entryNumber,
  hash,
  number,
  octet,
  parents,
  record,
  text,
  textNumber,
} from "./arbitraries.ts";

/** A short list. */
function few<T>(of: fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> {
  return fc.array(of, { maxLength: 3 });
}

/** Every type of state value. */
const stateValue: fc.Arbitrary<StateValue> = fc.oneof(
  record<StateValue & { type: 1 }>({ type: fc.constant(1), data: bytes(40) }),
  record<StateValue & { type: 2 }>({
    type: fc.constant(2),
    number: textNumber,
  }),
  record<StateValue & { type: 4 }>({ type: fc.constant(4), text }),
  record<StateValue & { type: 8 }>({
    type: fc.constant(8),
    claim: fc.boolean(),
  }),
);

export const stateVariable: fc.Arbitrary<Decoded<typeof stateVariableCodec>> =
  record({ port: octet, value: stateValue });

export const token: fc.Arbitrary<Decoded<typeof tokenCodec>> = record({
  coinId: hash,
  script: text,
  scale: number,
  minimaAmount: number,
  name: text,
  created: number,
});

export const coin: fc.Arbitrary<Decoded<typeof coinCodec>> = record({
  coinId: hash,
  address: hash,
  amount: number,
  tokenId: hash,
  storeState: fc.boolean(),
  mmrEntryNumber: entryNumber,
  spent: octet,
  blockCreated: number,
  state: few(stateVariable),
  token: fc.option(token),
});

export const transaction: fc.Arbitrary<Transaction> = record({
  inputs: few(coin),
  outputs: few(coin),
  state: few(stateVariable),
  linkHash: hash,
});

export const mmrData: fc.Arbitrary<Decoded<typeof mmrDataCodec>> = record({
  hash,
  value: number,
});

export const mmrProof: fc.Arbitrary<Decoded<typeof mmrProofCodec>> = record({
  blockTime: number,
  path: few(record({ isLeft: octet, data: mmrData })),
});

export const signature: fc.Arbitrary<Decoded<typeof signatureCodec>> = few(
  record({ publicKey: bytes(40), signature: bytes(80), proof: mmrProof }),
);

export const witness: fc.Arbitrary<Witness> = record({
  signatures: few(signature),
  coinProofs: few(record({ coin, proof: mmrProof })),
  scriptProofs: few(record({ script: text, proof: mmrProof })),
});

export const magic: fc.Arbitrary<Magic> = record({
  currentMaxTxPowSize: number,
  currentMaxScriptOps: number,
  currentMaxTransactions: number,
  currentMinTxPowWork: bytes(40),
  desiredMaxTxPowSize: number,
  desiredMaxScriptOps: number,
  desiredMaxTransactions: number,
  desiredMinTxPowWork: bytes(40),
});

export const header: fc.Arbitrary<TxHeader> = record({
  nonce: number,
  chainId: bytes(70),
  time: number,
  blockNumber: number,
  blockDifficulty: bytes(70),
  superParents: parents,
  mmrRoot: hash,
  mmrTotal: number,
  magic,
  customHash: hash,
  bodyHash: hash,
});

export const body: fc.Arbitrary<TxBody> = record({
  prng: hash,
  txnDifficulty: bytes(70),
  transaction,
  witness,
  burnTransaction: transaction,
  burnWitness: witness,
  txPowIds: few(hash),
});

export const unit: fc.Arbitrary<TxPow> = record({
  header,
  body: fc.option(body),
});

export const sealed: fc.Arbitrary<MaximaPackage> = record({
  version: text,
  to: bytes(200),
  data: bytes(300),
});

export const envelope: fc.Arbitrary<MaxTxPow> = record({
  version: text,
  package: sealed,
  txPow: unit,
});
