/** Sizes and places that the specification states. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  byte,
  type Codec,
  decode,
  decodeLoosely,
  encode,
  optional,
} from "../../../lib/minima/codec.ts";
import { MAX_HASH, MIN_WORK } from "../../../lib/minima/constants.ts";
import { DEFAULT_MAGIC, magic } from "../../../lib/minima/magic.ts";
import {
  bytesOfInteger,
  hashField,
  list,
  miniData,
} from "../../../lib/minima/minidata.ts";
import { integer, miniNumber } from "../../../lib/minima/mininumber.ts";
import {
  EMPTY_TRANSACTION,
  mmrEntryNumber,
  stateVariable,
  transaction,
} from "../../../lib/minima/transaction.ts";
import { superParents, txHeader } from "../../../lib/minima/txheader.ts";
import { txBody, txPow } from "../../../lib/minima/txpow.ts";
import { EMPTY_WITNESS, witness } from "../../../lib/minima/witness.ts";
import { check } from "./arbitraries.ts";
import { assertRefused } from "./refusal.ts";
import { EMPTY_UNIT } from "./units.ts";

Deno.test("encode() of the plainest structures has the specified size", () => {
  const { header, body } = EMPTY_UNIT;
  assert.ok(body !== null);
  assert.deepEqual({
    minWork: MIN_WORK.length,
    magic: encode(magic, DEFAULT_MAGIC).length,
    nonce: encode(miniNumber, header.nonce).length,
    header: encode(txHeader, header).length,
    transaction: encode(transaction, EMPTY_TRANSACTION).length,
    witness: encode(witness, EMPTY_WITNESS).length,
    body: encode(txBody, body).length,
  }, {
    minWork: 31,
    magic: 96,
    nonce: 27,
    header: 229,
    transaction: 14,
    witness: 9,
    body: 120,
  });
});

/** Encodings that the specification spells out. */
const SPELLED: readonly [string, string][] = [
  [encode(miniNumber, integer(0)).toHex(), "000100"],
  [encode(miniNumber, integer(1)).toHex(), "000101"],
  [encode(miniNumber, integer(128)).toHex(), "00020080"],
  [encode(mmrEntryNumber, integer(0)).toHex(), "0001000000000100"],
  [encode(miniData, bytesOfInteger(0n)).toHex(), "0000000100"],
  [bytesOfInteger(MAX_HASH).toHex(), "ff".repeat(32)],
];

Deno.test("encode() writes small values as the specification spells them", () => {
  for (const [written, spelled] of SPELLED) assert.equal(written, spelled);
});

Deno.test("a state number of more than 44 decimals is held without those beyond", () => {
  const variable = (scale: number, unscaled: bigint) =>
    encode(stateVariable, {
      port: 1,
      value: { type: 2, number: { scale, unscaled } },
    });
  const kept = variable(44, 10n ** 44n + 1n);
  assert.deepEqual(encode(stateVariable, decode(stateVariable, kept)), kept);
  const { value, canonical } = decodeLoosely(
    stateVariable,
    variable(45, 10n ** 45n + 11n),
  );
  assert.equal(canonical, false);
  assert.deepEqual(encode(stateVariable, value), variable(44, 10n ** 44n + 1n));
});

Deno.test("decode(miniData) looks for up to 512 MiB, and refuses the length of more", () => {
  const lengthAlone = (length: number) => {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setInt32(0, length);
    return bytes;
  };
  assertRefused(() => decode(miniData, lengthAlone(2 ** 29)), "truncated");
  assertRefused(() => decode(miniData, lengthAlone(2 ** 29 + 1)), "too-long");
  assertRefused(() => decode(miniData, lengthAlone(-1)), "negative-length");
});

Deno.test("decode(txPow) takes any nonce that keeps the template's first four bytes", () => {
  const bytes = encode(txPow, EMPTY_UNIT);
  assert.equal(bytes.subarray(0, 4).toHex(), "29190197");
  const filling = fc.uint8Array({ minLength: 23, maxLength: 23 });
  check(
    fc.property(filling, (nonce) => {
      const filled = bytes.slice();
      filled.set(nonce, 4);
      const unit = decode(txPow, filled);
      assert.deepEqual(unit.body, EMPTY_UNIT.body);
      assert.deepEqual(encode(txPow, unit), filled);
    }),
    2_000,
  );
});

/** What 4.6 lists: read by the genuine node, but not to be taken. */
const NOT_CANONICAL: readonly [string, Codec<unknown>, string][] = [
  ["a redundant sign byte", miniNumber, "00020001"],
  ["a redundant negative sign byte", miniNumber, "0002ff80"],
  ["more than 64 digits", miniNumber, `0020${"7f".repeat(32)}`],
  ["a run of parents split", superParents, "100000000100100000000100"],
  ["a run of no parents", superParents, "0000000000200000000100"],
  ["a boolean byte of 2", stateVariable, "000802"],
  ["a state number with a trailing zero", stateVariable, "000201010a"],
  ["a negative count", list(hashField), "0001ff"],
  ["a fractional count", list(hashField), "01010f0000000100"],
  ["a count over 32 bits", list(hashField), "00050100000000"],
  ["a count of scale -1", list(miniNumber), `ff0101${"000100".repeat(10)}`],
  ["a fractional entry number scale", mmrEntryNumber, "01010f0000000100"],
  [
    "an entry number scale over 32 bits",
    mmrEntryNumber,
    "000501000000000000000100",
  ],
  ["a has-body byte of 2", optional(miniNumber), "02000100"],
];

Deno.test("decode() refuses what is read but would be written otherwise", async (t) => {
  for (const [name, codec, hex] of NOT_CANONICAL) {
    await t.step(name, () => {
      const bytes = Uint8Array.fromHex(hex);
      assert.equal(decodeLoosely(codec, bytes).bytesRead, bytes.length);
      assertRefused(() => decode(codec, bytes), "non-canonical");
    });
  }
});

Deno.test("decode(list()) refuses a count beyond the bytes before it reads a value", () => {
  const count = encode(miniNumber, integer(1_000));
  const input = new Uint8Array([...count, ...new Uint8Array(999)]);
  assert.throws(() => decode(list(byte), input), {
    reason: "truncated",
    offset: count.length,
  });
  const enough = new Uint8Array([...input, 0]);
  assert.equal(decode(list(byte), enough).length, 1_000);
});
