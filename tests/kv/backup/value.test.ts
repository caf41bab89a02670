/** Values of a store as JSON and back. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeValue,
  encodeValue,
  type Json,
} from "../../../kv/backup/value.ts";

function throughText(value: unknown): unknown {
  return decodeValue(JSON.parse(JSON.stringify(encodeValue(value))));
}

Deno.test("decodeValue() gives back what encodeValue() was given", async (t) => {
  const table: readonly unknown[] = [
    null,
    undefined,
    true,
    "",
    "$bytes",
    0,
    -0,
    1.5,
    NaN,
    Infinity,
    -Infinity,
    2n ** 70n,
    -1n,
    new Date(1_790_000_000_000),
    new Date(NaN),
    new Uint8Array(),
    new Uint8Array([0, 127, 128, 255]),
    [],
    [undefined, [null]],
    {},
    { a: { b: [1, new Uint8Array([1])] }, c: undefined },
    { $bytes: "AA==" },
    { $object: [] },
    { a: 1, $b: 2 },
    JSON.parse('{"__proto__": 1}'),
  ];
  for (const value of table) {
    await t.step(
      Deno.inspect(value),
      () => assert.deepEqual(throughText(value), value),
    );
  }
});

Deno.test("decodeValue() gives back any structure", () => {
  const value = fc.anything({
    withBigInt: true,
    withDate: true,
    withTypedArray: false,
    withNullPrototype: false,
    key: fc.string({ unit: fc.constantFrom("$", "a", "bytes", "object") }),
  });
  fc.assert(fc.property(value, (value) => {
    assert.deepEqual(throughText(value), value);
  }));
});

Deno.test("encodeValue() refuses what no record is made of", () => {
  for (const value of [() => 1, Symbol("a"), new Map(), [new Set()], /a/]) {
    assert.throws(() => encodeValue(value), TypeError);
  }
});

Deno.test("decodeValue() refuses what encodeValue() never gives", () => {
  const table: readonly Json[] = [
    { $bytes: "=" },
    { $bytes: 1 },
    { $bigint: "1.5" },
    { $u64: "-1" },
    { $number: "7" },
    { $other: 1 },
    { $bytes: "", $bigint: "1" },
    { $object: 1 },
    { $object: ["ab"] },
  ];
  for (const json of table) {
    assert.throws(
      () => decodeValue(json),
      (error) => error instanceof TypeError || error instanceof SyntaxError,
      JSON.stringify(json),
    );
  }
});
