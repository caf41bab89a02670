/** TxPoW: a unit of work, with or without its body (spec/maxima.md 4). */
import { type Decoded, optional, struct } from "./codec.ts";
import { hashField, list, miniData } from "./minidata.ts";
import { transaction } from "./transaction.ts";
import { txHeader } from "./txheader.ts";
import { witness } from "./witness.ts";

/** The body, bound to the header by its hash; 120 bytes with nothing in it. */
export const txBody = struct({
  prng: hashField, // 32 random bytes
  txnDifficulty: miniData, // the target that the work commits to
  transaction,
  witness,
  burnTransaction: transaction,
  burnWitness: witness,
  txPowIds: list(hashField),
});

/** The body of a TxPoW. */
export type TxBody = Decoded<typeof txBody>;

/** `TxHeader || u8 hasBody || [TxBody]`. */
export const txPow = struct({ header: txHeader, body: optional(txBody) });

/** A unit of work. */
export type TxPow = Decoded<typeof txPow>;
