/** Transactions, coins, tokens and state variables (spec/maxima.md 4.4). */
import type { Bytes } from "../bytes.ts";
import {
  byte,
  type Codec,
  type Decoded,
  flag,
  optional,
  type Reader,
  struct,
} from "./codec.ts";
import { hashField, list, miniData, miniString } from "./minidata.ts";
import {
  int32Of,
  integer,
  isItsText,
  type MiniNumber,
  miniNumber,
  MiniNumberError,
  miniNumberText,
  parseMiniNumber,
  readTwosComplement,
  twosComplement,
} from "./mininumber.ts";

/** The value of a state variable, by the type byte before it. */
export type StateValue =
  | { readonly type: 1; readonly data: Bytes }
  | { readonly type: 2; readonly number: MiniNumber }
  | { readonly type: 4; readonly text: string }
  | { readonly type: 8; readonly claim: boolean };

/** `u8 type || value`. */
const stateValue: Codec<StateValue> = {
  encode(value, to) {
    byte.encode(value.type, to);
    switch (value.type) {
      case 1:
        return miniData.encode(value.data, to);
      case 2:
        return miniNumber.encode(value.number, to);
      case 4:
        return miniString.encode(value.text, to);
      case 8:
        return flag.encode(value.claim, to);
    }
  },
  decode(from) {
    const type = byte.decode(from);
    switch (type) {
      case 1:
        return { type, data: miniData.decode(from) };
      case 2:
        return { type, number: heldAsText.decode(from) };
      case 4:
        return { type, text: miniString.decode(from) };
      case 8:
        return { type, claim: flag.decode(from) };
    }
    throw from.error("bad-type", `a state variable of type ${type}`);
  },
};

/** A number that genuine nodes keep as its text, so without trailing zeros. */
const heldAsText: Codec<MiniNumber> = {
  encode: (value, to) => miniNumber.encode(value, to),
  decode(from) {
    const read = miniNumber.decode(from);
    if (isItsText(read)) return read;
    const held = throughText(read, from);
    if (held.scale !== read.scale || held.unscaled !== read.unscaled) {
      from.deviate();
    }
    return held;
  },
};

function throughText(number: MiniNumber, from: Reader): MiniNumber {
  try {
    return parseMiniNumber(miniNumberText(number));
  } catch (error) {
    if (!(error instanceof MiniNumberError)) throw error;
    throw from.error("bad-number", "a state number out of range");
  }
}

/** A variable of a transaction's or a coin's state. */
export const stateVariable = struct({ port: byte, value: stateValue });

/** A decimal whose scale may be any 32-bit integer, and whose size any. */
export type EntryNumber = MiniNumber;

/** MMR entry number: a MiniNumber scale and a two's-complement unscaled. */
export const mmrEntryNumber: Codec<EntryNumber> = {
  encode({ scale, unscaled }, to) {
    miniNumber.encode(integer(scale), to);
    miniData.encode(twosComplement(unscaled) as Bytes, to);
  },
  decode(from) {
    const number = miniNumber.decode(from);
    const scale = int32Of(number);
    if (number.scale !== 0 || number.unscaled !== BigInt(scale)) {
      from.deviate();
    }
    const length = from.i32();
    if (length === 0) {
      throw from.error("bad-number", "an entry number of no bytes");
    }
    if (length < 0) {
      throw from.error("negative-length", `data of ${length} bytes`);
    }
    return { scale, unscaled: readTwosComplement(from, length) };
  },
};

/** What makes a token. Its id is `H(i32 length || serialised token)`. */
export const token = struct({
  coinId: hashField,
  script: miniString,
  scale: miniNumber,
  minimaAmount: miniNumber,
  name: miniString,
  created: miniNumber,
});

/** An unspent or spent output. */
export const coin = struct({
  coinId: hashField,
  address: hashField,
  amount: miniNumber,
  tokenId: hashField,
  storeState: flag,
  mmrEntryNumber,
  spent: byte,
  blockCreated: miniNumber,
  state: list(stateVariable),
  token: optional(token),
});

/** Coins in, coins out, and a state. */
export const transaction = struct({
  inputs: list(coin),
  outputs: list(coin),
  state: list(stateVariable),
  linkHash: hashField,
});

/** A main or burn transaction of a TxPoW. */
export type Transaction = Decoded<typeof transaction>;

/** The transaction of a message: nothing moves. */
export const EMPTY_TRANSACTION: Transaction = {
  inputs: [],
  outputs: [],
  state: [],
  linkHash: new Uint8Array([0]),
};

/** Whether a transaction moves nothing: no inputs and no outputs. */
export function isEmptyTransaction({ inputs, outputs }: Transaction): boolean {
  return inputs.length === 0 && outputs.length === 0;
}
