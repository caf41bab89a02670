/** Witnesses: the proofs that let a transaction spend (spec/maxima.md 4.5). */
import { byte, type Decoded, struct } from "./codec.ts";
import { hashField, list, miniData, miniString } from "./minidata.ts";
import { miniNumber } from "./mininumber.ts";
import { coin } from "./transaction.ts";

/** A node of the Merkle mountain range: its hash and the sum below it. */
export const mmrData = struct({ hash: hashField, value: miniNumber });

/** The siblings from a leaf up to its peak. */
export const mmrProof = struct({
  blockTime: miniNumber,
  path: list(struct({ isLeft: byte, data: mmrData })),
});

/** A tree-key signature: the chain of keys from the root to the leaf used. */
export const signature = list(
  struct({ publicKey: miniData, signature: miniData, proof: mmrProof }),
);

/** Signatures, coin proofs and scripts. */
export const witness = struct({
  signatures: list(signature),
  coinProofs: list(struct({ coin, proof: mmrProof })),
  scriptProofs: list(struct({ script: miniString, proof: mmrProof })),
});

/** The witness of a transaction. */
export type Witness = Decoded<typeof witness>;

/** The witness of {@link EMPTY_TRANSACTION}. */
export const EMPTY_WITNESS: Witness = {
  signatures: [],
  coinProofs: [],
  scriptProofs: [],
};
