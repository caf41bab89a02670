/** Magic: the network parameters that every header carries (spec/maxima.md 3). */
import { type Decoded, struct } from "./codec.ts";
import { MIN_WORK } from "./constants.ts";
import { miniData } from "./minidata.ts";
import { integer, miniNumber } from "./mininumber.ts";

/** Eight fields: the values in force, and those the miner desires. */
export const magic = struct({
  currentMaxTxPowSize: miniNumber, // bytes
  currentMaxScriptOps: miniNumber,
  currentMaxTransactions: miniNumber, // per block
  currentMinTxPowWork: miniData, // a difficulty
  desiredMaxTxPowSize: miniNumber,
  desiredMaxScriptOps: miniNumber,
  desiredMaxTransactions: miniNumber,
  desiredMinTxPowWork: miniData,
});

/** The network parameters of a header. */
export type Magic = Decoded<typeof magic>;

/** The parameters a network starts with; 96 bytes on the wire. */
export const DEFAULT_MAGIC: Magic = {
  currentMaxTxPowSize: integer(65_536),
  currentMaxScriptOps: integer(1_024),
  currentMaxTransactions: integer(256),
  currentMinTxPowWork: MIN_WORK,
  desiredMaxTxPowSize: integer(65_536),
  desiredMaxScriptOps: integer(1_024),
  desiredMaxTransactions: integer(256),
  desiredMinTxPowWork: MIN_WORK,
};
