/** The assembler: numbers, and modules that run. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  assemble,
  block,
  branch,
  branchIf,
  type Code,
  get,
  giveBack,
  I32,
  i32,
  I64,
  i64,
  int,
  Locals,
  long,
  loop,
  memory,
  PAGE,
  pair,
  select,
  set,
  signed,
  tee,
  unsigned,
  V128,
  when,
} from "../../../lib/work/wasm.ts";
import { check } from "../property.ts";

const NOTHING = new Uint8Array();

/** A function of those instructions. */
function run(
  parameters: readonly number[],
  result: number,
  write: (locals: Locals) => Code,
  data: Uint8Array = NOTHING,
): (...values: (number | bigint)[]) => number | bigint {
  const locals = new Locals(parameters);
  const body = write(locals);
  const bytes = assemble({ name: "run", locals, result, body, data });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  assert.ok(exports["memory"] instanceof WebAssembly.Memory);
  assert.equal(exports["memory"].buffer.byteLength, PAGE);
  return exports["run"] as (...values: (number | bigint)[]) => number;
}

Deno.test("unsigned() and signed() are LEB128", () => {
  const rows: readonly (readonly [number[], number[]])[] = [
    [unsigned(0), [0]],
    [unsigned(127), [0x7f]],
    [unsigned(128), [0x80, 0x01]],
    [unsigned(624_485), [0xe5, 0x8e, 0x26]],
    [signed(0n), [0]],
    [signed(63n), [0x3f]],
    [signed(64n), [0xc0, 0x00]],
    [signed(-1n), [0x7f]],
    [signed(-64n), [0x40]],
    [signed(-123_456n), [0xc0, 0xbb, 0x78]],
  ];
  for (const [given, expected] of rows) assert.deepEqual(given, expected);
});

Deno.test("i32() and i64() give back every number", async () => {
  await check(
    fc.property(fc.integer(), (value) => {
      assert.equal(run([], I32, () => i32(value))(), value);
    }),
    100,
    [[0], [-1], [2 ** 31 - 1], [-(2 ** 31)]],
  );
  await check(
    fc.property(fc.bigInt(-(2n ** 64n), 2n ** 64n), (value) => {
      const given = run([], I64, () => i64(value))();
      assert.equal(given, BigInt.asIntN(64, value));
    }),
    100,
    [[0n], [-1n], [2n ** 63n], [2n ** 64n - 1n]],
  );
});

const A = get(0);
const B = get(1);
const LONGS: readonly (readonly [string, Code, bigint])[] = [
  ["add", long.add(A, B), 0x0123n + 0xf0f0n],
  ["multiply", long.multiply(A, B), 0x0123n * 0xf0f0n],
  ["and", long.and(A, B), 0x0123n & 0xf0f0n],
  ["xor", long.xor(A, B), 0x0123n ^ 0xf0f0n],
  ["rotate", long.rotate(A, 60), BigInt.asIntN(64, 0x3000000000000012n)],
];
for (const [name, code, expected] of LONGS) {
  Deno.test(`long.${name}() is what it says`, () => {
    assert.equal(run([I64, I64], I64, () => code)(0x123n, 0xf0f0n), expected);
  });
}

const INTS: readonly (readonly [string, Code, number])[] = [
  ["equal", int.equal(A, B), 0],
  ["differ", int.differ(A, B), 1],
  ["below", int.below(A, B), 1],
  ["add", int.add(A, B), 4],
  ["multiply", int.multiply(A, B), -5],
  ["or", int.or(A, B), -1],
  ["select", select(A, B, i32(0)), -1],
  ["isZero", long.isZero(i64(0n)), 1],
];
for (const [name, code, expected] of INTS) {
  Deno.test(`${name}() is what it says`, () => {
    // -1 is the largest of all unsigned numbers.
    assert.equal(run([I32, I32], I32, () => code)(5, -1), expected);
  });
}

/** Both halves of a pair, by way of memory. */
function halves(value: Code): readonly [bigint, bigint] {
  const read = (offset: number) =>
    BigInt.asUintN(
      64,
      run([], I64, () => [
        memory.storePair(i32(64), 16, value),
        memory.load64(i32(80), offset),
      ])() as bigint,
    );
  return [read(0), read(8)];
}

Deno.test("pair's operators work on both halves", () => {
  const a = pair.withUpper(pair.splat(i64(0xf0n)), i64(0x0fn));
  const b = pair.splat(i64(0x3cn));
  const ones = 2n ** 64n - 1n;
  const rows: readonly (readonly [string, Code, bigint, bigint])[] = [
    ["withUpper", a, 0xf0n, 0x0fn],
    ["and", pair.and(a, b), 0x30n, 0x0cn],
    ["andNot", pair.andNot(a, b), 0xc0n, 0x03n],
    ["or", pair.or(a, b), 0xfcn, 0x3fn],
    ["xor", pair.xor(a, b), 0xccn, 0x33n],
    ["shiftLeft", pair.shiftLeft(a, 60), 0n, 0xf000000000000000n],
    ["shiftRight", pair.shiftRight(a, 4), 0x0fn, 0n],
    ["equal", pair.equal(a, pair.splat(i64(0x0fn))), 0n, ones],
  ];
  for (const [name, code, lower, upper] of rows) {
    assert.deepEqual(halves(code), [lower, upper], name);
  }
  assert.equal(run([], I32, () => pair.hasAny(a))(), 1);
  assert.equal(run([], I32, () => pair.hasAny(pair.splat(i64(0n))))(), 0);
});

Deno.test("memory starts with the data, and is read and written where it says", () => {
  const data = new Uint8Array(16).map((_, i) => i);
  const load = (code: Code) => run([], I64, () => code, data)();
  assert.equal(load(memory.load64(i32(0), 8)), 0x0f0e0d0c0b0a0908n);
  assert.equal(
    load([
      memory.store64(i32(300), 1, memory.load64(i32(8), 0)),
      memory.load64(i32(301), 0),
    ]),
    0x0f0e0d0c0b0a0908n,
  );
  assert.deepEqual(halves(memory.loadSplat(i32(0), 0)), [0n, 0n]);
  const copied = [
    memory.storePair(i32(32), 0, memory.loadPair(i32(0), 0)),
    memory.load64(i32(40), 0),
  ];
  assert.equal(load(copied), 0x0f0e0d0c0b0a0908n);
});

Deno.test("loops, blocks and conditions branch as they say", () => {
  // The sum of 1 to n, but 0 from 100 up, and n itself for 7.
  const sum = run([I32], I32, (locals) => {
    const [i, total] = [locals.take(I32), locals.take(I32)];
    locals.takeMany(V128, 3); // of another type, and not used
    return [
      when(int.equal(get(0), i32(7)), giveBack(get(0))),
      block(
        branchIf(0, int.below(i32(99), get(0))),
        block(
          loop(
            branchIf(1, int.equal(get(i), get(0))),
            tee(i, int.add(get(i), i32(1))),
            set(total, int.add([], get(total))),
            branch(0),
          ),
        ),
      ),
      get(total),
    ];
  });
  for (const [n, expected] of [[0, 0], [1, 1], [10, 55], [7, 7], [100, 0]]) {
    assert.equal(sum(n ?? 0), expected, `${n}`);
  }
});
