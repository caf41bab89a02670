/** Values as bytes: all that is there comes back, and nothing else is packed. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { PACKINGS } from "../../../kv/packings.ts";
import {
  choice,
  type Field,
  hex,
  number,
  packedList,
  packedRecord,
  someBytes,
  text,
  uint,
} from "../../../kv/store/packing.ts";
import type { Bytes } from "../../../lib/bytes.ts";

const hexOf = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes })
    .map((all) => all.toHex());

/** Every type of field, with values that it holds. */
const FIELDS = {
  byte: [uint(1), fc.nat(255)],
  short: [uint(2), fc.nat(65_535)],
  long: [uint(4), fc.integer({ min: 0, max: 2 ** 32 - 1 })],
  time: [uint(6), fc.integer({ min: 0, max: 2 ** 48 - 1 })],
  number: [number, fc.double()],
  hash: [hex(32), hexOf(32)],
  stamp: [hex(10), hexOf(10)],
  kind: [choice("a", "b"), fc.constantFrom("a", "b")],
  bytes: [someBytes, fc.uint8Array({ maxLength: 3_000 })],
  text: [
    text(),
    fc.string({
      unit: fc.integer({ min: 0, max: 255 })
        .map((code) => String.fromCharCode(code)),
      maxLength: 255,
    }),
  ],
} as const satisfies Record<string, readonly [Field, fc.Arbitrary<unknown>]>;

type Row = Record<keyof typeof FIELDS, unknown>;

const fields = Object.fromEntries(
  Object.entries(FIELDS).map(([name, [field]]) => [name, field]),
) as Record<keyof typeof FIELDS, Field>;
const rows = fc.record(
  Object.fromEntries(
    Object.entries(FIELDS).map(([name, [, values]]) => [name, values]),
  ),
  { requiredKeys: [] },
) as fc.Arbitrary<Partial<Row>>;

const one = packedRecord<Row>(fields);
const list = packedList<Row>(fields);

function bytesOf(packed: Bytes | null): Bytes {
  assert.ok(packed);
  return packed;
}

Deno.test("what is packed comes back, whichever members are there", () => {
  fc.assert(fc.property(rows, (row) => {
    assert.deepEqual({ ...one.unpack(bytesOf(one.pack(row))) }, { ...row });
  }));
  fc.assert(fc.property(fc.array(rows, { maxLength: 5 }), (all) => {
    const back = list.unpack(bytesOf(list.pack(all)));
    assert.deepEqual(
      back.map((row) => ({ ...row })),
      all.map((row) => ({ ...row })),
    );
  }));
});

Deno.test("what a field does not hold is not packed", async (t) => {
  const table: [keyof Row, readonly unknown[]][] = [
    ["byte", [-1, 256, 0.5, -0, NaN, "1", null, 1n]],
    ["short", [-1, 65_536]],
    ["long", [-1, 2 ** 32]],
    ["time", [-1, 2 ** 48, Infinity]],
    ["number", ["1", null, 1n]],
    ["hash", ["", "00", "g".repeat(64), "0".repeat(63), 0, null]],
    ["kind", ["c", "", 0, null]],
    ["bytes", [[], "", null, new Uint8Array(65_536)]],
    ["text", ["\u0100", "a".repeat(256), 0, null]],
  ];
  for (const [name, values] of table) {
    await t.step(name, () => {
      for (const value of values) {
        assert.equal(one.pack({ [name]: value }), null, String(value));
        assert.equal(list.pack([{}, { [name]: value }]), null, String(value));
      }
    });
  }
  await t.step("members that are not known", () => {
    assert.equal(one.pack({ byte: 1, more: 1 }), null);
  });
  await t.step("what is no record, or no list", () => {
    for (const value of [null, undefined, 1, "a", true]) {
      assert.equal(one.pack(value), null);
      assert.equal(list.pack(value), null);
    }
    assert.equal(list.pack({}), null);
  });
  await t.step("more than a value may have", () => {
    const all = Array.from({ length: 30 }, () => ({
      bytes: new Uint8Array(3_000),
    }));
    assert.equal(list.pack(all), null);
    const short = Array.from(
      { length: 20_000 },
      () => ({ hash: "0".repeat(64) }),
    );
    assert.equal(list.pack(short), null);
  });
});

Deno.test("bytes that are cut short, longer, or of another form are no value", () => {
  fc.assert(fc.property(rows, (row) => {
    const bytes = bytesOf(one.pack(row));
    for (let length = 0; length < Math.min(bytes.length, 200); length++) {
      assert.throws(() => one.unpack(bytes.slice(0, length)), RangeError);
    }
    assert.throws(() => one.unpack(new Uint8Array([...bytes, 0])), RangeError);
    const other = bytes.slice();
    other[0] = 2;
    assert.throws(() => one.unpack(other), RangeError);
  }));
  // Members that a newer version may have.
  assert.throws(() => one.unpack(new Uint8Array([1, 0x80, 0])), RangeError);
  assert.throws(
    () =>
      packedRecord({ kind: fields.kind }).unpack(new Uint8Array([1, 0, 1, 9])),
    RangeError,
  );
});

Deno.test("what is packed is no view of what others are packed into", () => {
  const first = bytesOf(one.pack({ byte: 1, bytes: new Uint8Array(100) }));
  const copy = first.slice();
  one.pack({ bytes: new Uint8Array(100).fill(7) });
  assert.deepEqual(first, copy);
  const { bytes } = one.unpack(first);
  first.fill(9);
  assert.deepEqual(bytes, new Uint8Array(100));
});

Deno.test("marks, headers and what falls due take less than half of what they would", () => {
  const hash = "ab".repeat(32);
  const mark = {
    mailbox: hash,
    object: hash,
    size: 2_250,
    storedAt: 1_790_000_000_000,
    holdUntil: 1_790_003_600_000,
    paid: { by: "work", hashes: 10_000 },
    root: hash,
    paidFor: 86_400,
    workUntil: 1_790_007_200_000,
    index: 3,
    attempt: "cd".repeat(8),
  };
  const header = {
    mailbox: hash,
    size: 2_250,
    holdUntil: 1_790_003_600_000,
    place: "entry",
    index: 3,
  };
  const sizes: [kind: string, value: unknown, bytes: number][] = [
    ["seen", mark, 146],
    ["object", header, 48],
    ["due", [{ mailbox: hash, id: hash, index: 3 }], 69],
  ];
  for (const [kind, value, bytes] of sizes) {
    const packing = PACKINGS.get(kind);
    const packed = packing?.pack(value);
    assert.equal(packed?.length, bytes, kind);
    assert.deepEqual(packing?.unpack(packed), value);
  }
});
