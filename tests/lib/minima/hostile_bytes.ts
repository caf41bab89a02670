/** Bytes made to take long to read, in any size. */
import type { Bytes } from "../../../lib/bytes.ts";
import {
  type Codec,
  decode,
  DecodeError,
  decodeLoosely,
  encode,
  Writer,
} from "../../../lib/minima/codec.ts";
import { maxTxPow, packageHash } from "../../../lib/minima/maxima.ts";
import { decodeMaxTxPow } from "../../../lib/minima/maxtxpow.ts";
import {
  bytesOfInteger,
  hashField,
  integerOfBytes,
  list,
  miniString,
} from "../../../lib/minima/minidata.ts";
import { integer, miniNumber } from "../../../lib/minima/mininumber.ts";
import {
  mmrEntryNumber,
  stateVariable,
} from "../../../lib/minima/transaction.ts";
import { superParents } from "../../../lib/minima/txheader.ts";
import { txPow } from "../../../lib/minima/txpow.ts";
import {
  blockWeight,
  bodyHash,
  isBlock,
  meets,
  superLevel,
  txPowId,
} from "../../../lib/minima/txpow_facts.ts";
import { signature, witness } from "../../../lib/minima/witness.ts";
import { type Shape, WIDE, type WorkOfSize } from "./growth.ts";
import { EMPTY_UNIT, ENVELOPE } from "./units.ts";

/** 8 KiB to 256 KiB, for what leaves many small objects behind. */
const LISTS = [8_192, 32_768, 131_072, 262_144];
/** 2 KiB to 32 KiB, for what takes a microsecond a byte. */
const SLOW = [2_048, 8_192, 32_768];

const ID = new Uint8Array(32).fill(1);

/** Some bytes repeated to fill a size. */
function filled(size: number, ...unit: readonly number[]): Bytes {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = unit[i % unit.length] ?? 0;
  return bytes;
}

/** As many whole elements as fit a size, behind their count. */
function listed(size: number, ...element: readonly number[]): Bytes {
  const count = Math.floor(size / element.length);
  const to = new Writer();
  miniNumber.encode(integer(count), to);
  to.put(filled(count * element.length, ...element));
  return to.done();
}

/** Reads to the end or to the refusal, whichever comes. */
function reads(codec: Codec<unknown>, of: (size: number) => Bytes): WorkOfSize {
  return (size) => {
    const input = of(size);
    return () => {
      try {
        decodeLoosely(codec, input);
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
      }
    };
  };
}

/** Text of two-byte characters. */
function stringOf(size: number): Bytes {
  const bytes = filled(size + 4, 0xc3, 0xa4);
  new DataView(bytes.buffer).setInt32(0, size);
  return bytes;
}

/** The work of judging a block difficulty. */
function judges(...unit: readonly number[]): WorkOfSize {
  return (size) => {
    const blockDifficulty = filled(size, ...unit);
    const header = { ...EMPTY_UNIT.header, blockDifficulty };
    const same = blockDifficulty.slice();
    return () => {
      isBlock(header, ID);
      superLevel(header, ID);
      blockWeight(header, ID);
      meets(blockDifficulty, same);
    };
  };
}

const entryNumber: WorkOfSize = (size) => {
  const value = { scale: 0, unscaled: -(1n << BigInt(8 * size - 1)) };
  const input = encode(mmrEntryNumber, value);
  return () => {
    encode(mmrEntryNumber, decode(mmrEntryNumber, input));
  };
};

const idList: WorkOfSize = (size) => {
  const { header, body } = EMPTY_UNIT;
  if (body === null) throw new Error("a unit without its body");
  const txPowIds = Array<Bytes>(Math.floor(size / 36)).fill(ID);
  const input = encode(txPow, { header, body: { ...body, txPowIds } });
  return () => {
    const read = decode(txPow, input);
    txPowId(read.header);
    if (read.body !== null) bodyHash(read.body);
  };
};

const largePackage: WorkOfSize = (size) => {
  const data = filled(size, 1, 2, 3);
  const large = { ...ENVELOPE, package: { ...ENVELOPE.package, data } };
  const input = encode(maxTxPow, large);
  const limits = { packageBytes: 2 * size, txPowBytes: 65_536 };
  return () => {
    const read = decodeMaxTxPow(input, limits);
    packageHash(read.package);
    encode(maxTxPow, read);
  };
};

/** What each codec and each question about a unit may be given. */
export const HOSTILE_BYTES: readonly Shape[] = [
  [
    "super parents in runs of none",
    reads(superParents, (size) => filled(size, 0, 0, 0, 0, 0)),
    WIDE,
  ],
  [
    "long super parents in runs of none",
    reads(superParents, (size) => filled(size, 0, 0, 0, 0, 64, ...ID, ...ID)),
    WIDE,
  ],
  [
    "a list of empty ids",
    reads(list(hashField), (size) => listed(size, 0, 0, 0, 0)),
    LISTS,
  ],
  [
    "a list of state claims",
    reads(list(stateVariable), (size) => listed(size, 0, 8, 1)),
    LISTS,
  ],
  [
    "a list of state numbers of many decimals",
    reads(list(stateVariable), (size) => listed(size, 0, 2, 127, 1, 1)),
    SLOW,
  ],
  [
    "a list of numbers to be cut",
    reads(
      list(miniNumber),
      (size) => listed(size, 128, 32, 127, ...ID.slice(1)),
    ),
    LISTS,
  ],
  [
    "signatures behind counts of many decimals",
    reads(list(signature), (size) => listed(size, 127, 1, 1)),
    SLOW,
  ],
  [
    "a witness of more signatures than there are",
    reads(witness, (size) => {
      const count = encode(miniNumber, integer(size));
      return new Uint8Array([...count, ...filled(size, 0, 1, 0)]);
    }),
    LISTS,
  ],
  ["an entry number", entryNumber, WIDE],
  ["an integer", (size) => {
    const bytes = filled(size, 255);
    return () => {
      bytesOfInteger(integerOfBytes(bytes));
    };
  }, WIDE],
  ["a string", reads(miniString, stringOf), WIDE],
  ["a unit with a long list of ids", idList, LISTS],
  ["an envelope with a large package", largePackage, WIDE],
  ["a wide block difficulty", judges(255), WIDE],
  ["a block difficulty of zeros", judges(0), WIDE],
];
