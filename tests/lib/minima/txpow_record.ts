/** A TxPoW the way the vectors tell of it, told from our own decoding. */
import { type Bytes, sameBytes } from "../../../lib/bytes.ts";
import { sha3_256 } from "../../../lib/hash.ts";
import { decodeLoosely, encode } from "../../../lib/minima/codec.ts";
import { MAIN_CHAIN, MIN_WORK } from "../../../lib/minima/constants.ts";
import type { Magic } from "../../../lib/minima/magic.ts";
import { hexText } from "../../../lib/minima/minidata.ts";
import {
  miniNumber,
  miniNumberText,
  wholePart,
} from "../../../lib/minima/mininumber.ts";
import { type TxHeader, txHeader } from "../../../lib/minima/txheader.ts";
import {
  type TxBody,
  txBody,
  type TxPow,
  txPow,
} from "../../../lib/minima/txpow.ts";
import {
  blockWeight,
  bodyHash,
  isBlock,
  isTransaction,
  isTxnPow,
  meets,
  superLevel,
  transactionId,
  txPowId,
} from "../../../lib/minima/txpow_facts.ts";

/** Bytes that an entry of the id list takes off the size on the chain path. */
const ID_BYTES = 32;

/** Every member of a `parse` vector but `raw`. */
export function txPowRecord(
  raw: Bytes,
  maximaTarget: Bytes,
): Record<string, unknown> {
  const { value, canonical, bytesRead } = decodeLoosely(txPow, raw);
  const { header, body } = value;
  const id = txPowId(header);
  const headerBytes = encode(txHeader, header);
  const bytes = encode(txPow, value);
  return {
    valid: true,
    bytesRead,
    trailingBytes: raw.length - bytesRead,
    canonical,
    ...(canonical ? {} : { reserialised: bytes.toHex() }),
    txpowid: hexText(id),
    headerHash: hexText(sha3_256(headerBytes)),
    headerLength: headerBytes.length,
    size: bytes.length,
    isBlock: isBlock(header, id),
    isTransaction: isTransaction(value),
    isTxnPoW: isTxnPow(value, id),
    superLevel: superLevel(header, id),
    blockWeight: blockWeight(header, id),
    header: headerRecord(header),
    hasBody: body !== null,
    ...(body === null ? {} : { body: bodyRecord(body) }),
    checks: checks(value, id, bytes.length, maximaTarget),
  };
}

function headerRecord(header: TxHeader): Record<string, unknown> {
  return {
    nonce: miniNumberText(header.nonce),
    nonceHex: encode(miniNumber, header.nonce).toHex(),
    chainId: hexText(header.chainId),
    timeMilli: miniNumberText(header.time),
    block: miniNumberText(header.blockNumber),
    blockDifficulty: hexText(header.blockDifficulty),
    superParents: runs(header.superParents),
    mmrRoot: hexText(header.mmrRoot),
    mmrTotal: miniNumberText(header.mmrTotal),
    magic: magicRecord(header.magic),
    customHash: hexText(header.customHash),
    bodyHash: hexText(header.bodyHash),
  };
}

/** Equal neighbours as one entry with a count. */
function runs(parents: readonly Bytes[]): { count: number; id: string }[] {
  const found: { count: number; id: string }[] = [];
  for (const id of parents.map(hexText)) {
    const last = found.at(-1);
    if (last?.id === id) last.count++;
    else found.push({ count: 1, id });
  }
  return found;
}

/** The magic under the members' genuine names. */
function magicRecord(magic: Magic): Record<string, string> {
  return {
    currentMaxTxPoWSize: miniNumberText(magic.currentMaxTxPowSize),
    currentMaxKISSVMOps: miniNumberText(magic.currentMaxScriptOps),
    currentMaxTxns: miniNumberText(magic.currentMaxTransactions),
    currentMinTxPoWWork: hexText(magic.currentMinTxPowWork),
    desiredMaxTxPoWSize: miniNumberText(magic.desiredMaxTxPowSize),
    desiredMaxKISSVMOps: miniNumberText(magic.desiredMaxScriptOps),
    desiredMaxTxns: miniNumberText(magic.desiredMaxTransactions),
    desiredMinTxPoWWork: hexText(magic.desiredMinTxPowWork),
  };
}

function bodyRecord(body: TxBody): Record<string, unknown> {
  const { transaction, witness, burnTransaction } = body;
  return {
    prng: hexText(body.prng),
    txnDifficulty: hexText(body.txnDifficulty),
    inputs: transaction.inputs.length,
    outputs: transaction.outputs.length,
    states: transaction.state.length,
    linkHash: hexText(transaction.linkHash),
    transactionId: hexText(transactionId(transaction)),
    signatures: witness.signatures.length,
    coinProofs: witness.coinProofs.length,
    burnInputs: burnTransaction.inputs.length,
    burnOutputs: burnTransaction.outputs.length,
    burnTransactionId: hexText(transactionId(burnTransaction)),
    txpowIds: body.txPowIds.map(hexText),
    bodyLength: encode(txBody, body).length,
    bodyHash: hexText(bodyHash(body)),
  };
}

function checks(
  { header, body }: TxPow,
  id: Bytes,
  size: number,
  maximaTarget: Bytes,
): Record<string, boolean> {
  const ids = body?.txPowIds.length ?? 0;
  return {
    ...(body === null ? {} : {
      bodyHashMatchesHeader: sameBytes(bodyHash(body), header.bodyHash),
      idBelowTxnDifficulty: meets(id, body.txnDifficulty),
      txnDifficultyMeetsMinimum: !meets(MIN_WORK, body.txnDifficulty),
    }),
    idBelowMinimumWork: meets(id, MIN_WORK),
    idBelowMaximaTarget: meets(id, maximaTarget),
    chainIdIsMain: sameBytes(header.chainId, MAIN_CHAIN),
    sizeWithinMagic: BigInt(size - ID_BYTES * ids) <=
      wholePart(header.magic.currentMaxTxPowSize),
  };
}
