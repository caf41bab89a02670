/** Fees (spec/nexus.md 20.3, M1 and M3). */
import assert from "node:assert/strict";
import fc from "fast-check";
import { DEFAULT_TARIFF, feeFor, type Tariff } from "../../lib/money.ts";
import { check } from "./property.ts";

const FEES: readonly (readonly [
  bytes: number,
  seconds: number,
  fee: number,
])[] = [
  [1, 1, 6],
  [465, 3_600, 6],
  [466, 3_600, 11],
  [930, 3_600, 11],
  [931, 3_600, 16],
  [1_496, 86_400, 22],
  [2 ** 20, 3_600, 11_330],
  [2 ** 20, 3_601, 11_331],
  [262_144, 2_592_000, 11_820],
  [2 ** 24, 2_592_000, 756_405],
  [0, 3_600, 0],
  [465, 0, 5],
];

for (const [bytes, seconds, fee] of FEES) {
  Deno.test(`feeFor() ${bytes} bytes for ${seconds} s is ${fee} μ`, () => {
    assert.equal(feeFor(bytes, seconds), fee);
  });
}

Deno.test("feeFor() goes by the tariff it is given", () => {
  const tariff = { relayPer465Bytes: 7, storagePerMiBHour: 1_000 };
  assert.equal(feeFor(2 ** 20, 3_600, tariff), 7 * 2_256 + 1_000);
  const free = { relayPer465Bytes: 0, storagePerMiBHour: 0 };
  assert.equal(feeFor(2 ** 20, 3_600, free), 0);
  assert.deepEqual(DEFAULT_TARIFF, {
    relayPer465Bytes: 5,
    storagePerMiBHour: 50,
  });
});

/** The same in integers, so without any rounding but the one that is meant. */
function exactFee(bytes: number, seconds: number, tariff: Tariff): bigint {
  const up = (a: bigint, b: bigint) => (a + b - 1n) / b;
  const [n, s] = [BigInt(bytes), BigInt(seconds)];
  return BigInt(tariff.relayPer465Bytes) * up(n, 465n) +
    up(BigInt(tariff.storagePerMiBHour) * n * s, 2n ** 20n * 3_600n);
}

Deno.test("feeFor() is exact for every object and hold, at tariffs up to 200 μ", async () => {
  await check(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 24 }),
      fc.integer({ min: 1, max: 2_592_000 }),
      fc.nat(1_000),
      fc.nat(200),
      (bytes, seconds, relayPer465Bytes, storagePerMiBHour) => {
        const tariff = { relayPer465Bytes, storagePerMiBHour };
        const fee = feeFor(bytes, seconds, tariff);
        assert.ok(Number.isSafeInteger(fee));
        assert.equal(BigInt(fee), exactFee(bytes, seconds, tariff));
      },
    ),
    2_000,
  );
});

Deno.test("feeFor() never falls as size or hold rises", async () => {
  const bytes = fc.nat(2 ** 24);
  const seconds = fc.nat(2_592_000);
  await check(
    fc.property(bytes, seconds, bytes, seconds, (size, hold, more, longer) => {
      assert.ok(feeFor(size + more, hold + longer) >= feeFor(size, hold));
    }),
    1_000,
  );
});
