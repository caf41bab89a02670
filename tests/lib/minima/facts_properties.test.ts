/** Integers, difficulties and what follows from them, against plain arithmetic. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_HASH } from "../../../lib/minima/constants.ts";
import {
  bytesOfInteger,
  integerOfBytes,
} from "../../../lib/minima/minidata.ts";
import {
  int32Of,
  miniNumberText,
  twosComplement,
  wholePart,
} from "../../../lib/minima/mininumber.ts";
import { EMPTY_TRANSACTION } from "../../../lib/minima/transaction.ts";
import type { TxBody } from "../../../lib/minima/txpow.ts";
import type { TxHeader } from "../../../lib/minima/txheader.ts";
import {
  blockWeight,
  divideToDigits,
  isBlock,
  isTransaction,
  isTxnPow,
  meets,
  superLevel,
} from "../../../lib/minima/txpow_facts.ts";
import { bytes, check, number } from "./arbitraries.ts";
import { EMPTY_UNIT, FULL_UNIT, HEADER_ONLY } from "./units.ts";

/** Big-endian integers near each other, with leading zeros now and then. */
const integer = fc.oneof(
  bytes(70),
  fc.tuple(fc.nat({ max: 4 }), fc.nat({ max: 1_000 })).map(([zeros, value]) =>
    new Uint8Array([...Array(zeros).fill(0), ...bytesOfInteger(BigInt(value))])
  ),
);

const id = fc.uint8Array({ minLength: 32, maxLength: 32 });

const headerOf = (blockDifficulty: Uint8Array<ArrayBuffer>): TxHeader => ({
  ...EMPTY_UNIT.header,
  blockDifficulty,
});

Deno.test("bytesOfInteger() writes the shortest bytes of an integer", () => {
  const integers = fc.bigInt({ min: 0n, max: 2n ** 600n });
  check(fc.property(integers, (value) => {
    const written = bytesOfInteger(value);
    assert.equal(integerOfBytes(written), value);
    assert.ok(written.length === 1 || written[0] !== 0);
  }));
  assert.throws(() => bytesOfInteger(-1n), RangeError);
});

Deno.test("twosComplement() writes the shortest signed bytes of an integer", () => {
  const integers = fc.bigInt({ min: -(2n ** 600n), max: 2n ** 600n });
  check(fc.property(integers, (value) => {
    const written = twosComplement(value);
    const bits = 8 * written.length;
    assert.equal(BigInt.asIntN(bits, integerOfBytes(written)), value);
    assert.ok(bits === 8 || BigInt.asIntN(bits - 8, value) !== value);
  }));
});

Deno.test("wholePart() and int32Of() drop decimals toward zero and keep 32 bits", () => {
  check(fc.property(number, (value) => {
    const whole = BigInt(miniNumberText(value).split(".")[0] ?? "");
    assert.equal(wholePart(value), whole);
    assert.equal(int32Of(value), Number(BigInt.asIntN(32, whole)));
  }));
});

Deno.test("meets() compares unsigned integers of any length, strictly", () => {
  check(fc.property(integer, integer, (a, b) => {
    assert.equal(meets(a, b), integerOfBytes(a) < integerOfBytes(b));
    assert.equal(meets(a, a), false);
  }));
});

Deno.test("superLevel() is the bit length of difficulty / id less one, at most 31, -1 for no block", () => {
  check(fc.property(id, integer, fc.nat({ max: 40 }), (hash, wide, shift) => {
    const near = bytesOfInteger(integerOfBytes(hash) << BigInt(shift));
    for (const difficulty of [wide, near]) {
      const ratio = integerOfBytes(difficulty) / (integerOfBytes(hash) || 1n);
      const header = headerOf(difficulty);
      const level = isBlock(header, hash)
        ? Math.min(31, ratio.toString(2).length - 1)
        : -1;
      assert.equal(superLevel(header, hash), level);
    }
  }));
  const nothing = new Uint8Array(32);
  assert.equal(superLevel(headerOf(bytesOfInteger(1n)), nothing), 0);
  assert.equal(superLevel(headerOf(bytesOfInteger(MAX_HASH)), nothing), 31);
});

Deno.test("blockWeight() is MAX / difficulty rounded to seven digits, and 0 for no block", () => {
  const difficulties = bytes(70).filter((bytes) => integerOfBytes(bytes) > 0n);
  check(fc.property(difficulties, id, (difficulty, hash) => {
    const header = headerOf(difficulty);
    const text = blockWeight(header, hash);
    if (!isBlock(header, hash)) return assert.equal(text, "0");
    assert.match(text, /^\d+(\.\d+)?(E[+-]\d+)?$/);
    const [digits = "", power = "0"] = text.split("E");
    const [whole = "", decimals = ""] = digits.split(".");
    const unscaled = BigInt(whole + decimals);
    assert.ok(unscaled.toString().length <= 7);
    const scale = decimals.length - Number(power);
    const [a, b] = scale >= 0
      ? [MAX_HASH * 10n ** BigInt(scale), integerOfBytes(difficulty)]
      : [MAX_HASH, integerOfBytes(difficulty) * 10n ** BigInt(-scale)];
    const off = 2n * (unscaled * b - a);
    assert.ok(-b <= off && off <= b);
    assert.ok(off === 0n || unscaled.toString().length === 7);
  }));
});

/** Difficulties, and the weight as the genuine node writes it. */
const WEIGHTS: readonly [bigint, string][] = [
  [MAX_HASH, "1"],
  [MAX_HASH / 16n, "16.00000"],
  [MAX_HASH / 3n, "3"],
  [MAX_HASH + 1n, "1.000000"],
  [MAX_HASH * 4n, "0.25"],
  [MAX_HASH * 10n ** 5n, "0.00001"],
  [MAX_HASH * 10n ** 6n, "0.000001"],
  [MAX_HASH * 10n ** 7n, "1E-7"],
  [MAX_HASH * 3n * 10n ** 5n, "0.000003333333"],
  [MAX_HASH * 3n * 10n ** 6n, "3.333333E-7"],
  [MAX_HASH / 9_999_999n, "9999999"],
  [MAX_HASH / 10_000_000n, "1.000000E+7"],
];

Deno.test("blockWeight() is written as a BigDecimal of seven digits", () => {
  const nothing = new Uint8Array(32);
  for (const [difficulty, weight] of WEIGHTS) {
    const header = headerOf(bytesOfInteger(difficulty));
    assert.equal(blockWeight(header, nothing), weight);
  }
  assert.equal(blockWeight(headerOf(nothing), nothing), "0");
});

Deno.test("blockWeight() divides by difficulties of up to 4,096 bytes", () => {
  const nothing = new Uint8Array(32);
  const weight = (bytes: number, zeros = 0) => {
    const difficulty = new Uint8Array(zeros + bytes);
    difficulty[zeros] = 1;
    return blockWeight(headerOf(difficulty), nothing);
  };
  assert.equal(weight(4_096), "2.094213E-9785");
  assert.equal(weight(4_097), "0");
  assert.equal(weight(65_536), "0");
  assert.equal(weight(33, 10_000), "1.000000");
});

Deno.test("isTransaction() wants inputs or outputs, isTxnPow() the work for the main one", () => {
  const { header, body } = EMPTY_UNIT;
  const { transaction } = FULL_UNIT.body ?? {};
  assert.ok(body !== null && transaction !== undefined);
  const { inputs, state } = transaction;
  const [nothing, all] = [new Uint8Array(32), new Uint8Array(32).fill(255)];
  const facts = (given: Partial<TxBody>) => {
    const unit = { header, body: { ...body, ...given } };
    return [isTransaction(unit), isTxnPow(unit, nothing), isTxnPow(unit, all)];
  };
  const empty = EMPTY_TRANSACTION;
  const paying = { ...empty, outputs: inputs };
  assert.deepEqual(facts({}), [false, false, false]);
  const stateful = { ...empty, state };
  assert.deepEqual(facts({ transaction: stateful }), [false, false, false]);
  const spending = { ...empty, inputs };
  assert.deepEqual(facts({ transaction: spending }), [true, true, false]);
  assert.deepEqual(facts({ transaction: paying }), [true, true, false]);
  assert.deepEqual(facts({ burnTransaction: paying }), [true, false, false]);
  assert.equal(isTransaction(HEADER_ONLY), false);
  assert.equal(isTxnPow(HEADER_ONLY, nothing), false);
});

/** Dividend, divisor and digits asked for; unscaled value and scale. */
const QUOTIENTS: readonly [bigint, bigint, number, bigint, number][] = [
  [25n, 10n, 1, 2n, 0],
  [35n, 10n, 1, 4n, 0],
  [251n, 100n, 1, 3n, 0],
  [95n, 10n, 1, 1n, -1],
  [1n, 3n, 7, 3_333_333n, 7],
  [2n, 3n, 7, 6_666_667n, 7],
  [99_999_995n, 10n, 7, 1_000_000n, -1],
  [99_999_985n, 10n, 7, 9_999_998n, 0],
  [1n, 1n, 7, 1_000_000n, 6],
  [10n ** 80n, 10n ** 70n, 7, 1_000_000n, -4],
];

Deno.test("divideToDigits() rounds half to even, and carries", () => {
  for (const [dividend, divisor, digits, unscaled, scale] of QUOTIENTS) {
    assert.deepEqual(divideToDigits(dividend, divisor, digits), {
      scale,
      unscaled,
    });
  }
});
