/** What is said of a unit, for every unit of the vectors and some of ours. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { inspectUnit, type UnitReport } from "../../lib/inspect.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { encode } from "../../lib/minima/codec.ts";
import { type MaxTxPow, maxTxPow } from "../../lib/minima/maxima.ts";
import { decodeMaxTxPow } from "../../lib/minima/maxtxpow.ts";
import type { MiniNumber } from "../../lib/minima/mininumber.ts";
import { type TxPow, txPow } from "../../lib/minima/txpow.ts";
import { Problem } from "../../lib/problem.ts";
import { checkWork } from "../../lib/work/check.ts";
import {
  testVectors,
  testVectorsOfKinds,
  type Vector,
} from "../vectors/mod.ts";
import { FULL_UNIT } from "./minima/units.ts";
import { check, flip, flipped } from "./property.ts";
import { UNIT } from "./work/mined_units.ts";
import {
  type EnvelopeVector,
  factsOfEnvelope,
  factsOfUnit,
  hexOf,
  type UnitVector,
} from "./work/vector_facts.ts";
import { type UnitFacts, verdictFor } from "./work/verdict_rules.ts";

/** The report of bytes that are a unit. */
function report(bytes: Bytes): UnitReport {
  const said = inspectUnit(bytes);
  assert.ok("kind" in said, `malformed: ${said.detail}`);
  assert.doesNotThrow(() => JSON.stringify(said));
  return said;
}

function assertMalformed(bytes: Bytes): void {
  const said = inspectUnit(bytes);
  assert.deepEqual(Object.keys(said).sort(), ["detail", "verdict"]);
  assert.equal(said.verdict, "malformed");
  assert.ok(said.detail);
}

/** The members of a report that follow from the facts of a vector. */
function judged(
  facts: UnitFacts,
  target: string | null,
): Partial<UnitReport> {
  const difficulty = facts.txnDifficulty;
  return {
    canonical: facts.canonical,
    trailingBytes: facts.trailingBytes,
    work: {
      target: target === null ? null : hexOf(target),
      hashes: difficulty ? roundedHashes(difficulty) : 0,
      met: difficulty !== null && facts.id < difficulty,
    },
    verdict: verdictFor(facts).code,
  };
}

/** `MAX / target` to the nearest whole number. */
function roundedHashes(target: bigint): number {
  const max = 2n ** 256n - 1n;
  const [floor, rest] = [max / target, max % target];
  return Number(2n * rest >= target ? floor + 1n : floor);
}

/** Everything but what a vector does not tell. */
function told({ detail, fields, ...rest }: UnitReport): Partial<UnitReport> {
  assert.equal(detail === null, rest.verdict === "ok");
  assert.notEqual(detail, "");
  assert.ok(typeof fields === "object" && fields !== null);
  return rest;
}

testVectors<{ parse: UnitVector; reject: Vector & { raw: string } }>("txpow", {
  parse(vector) {
    const { header } = vector;
    assert.deepEqual(told(report(Uint8Array.fromHex(vector.raw))), {
      kind: "txpow",
      txpowid: hexOf(vector.txpowid),
      customHash: hexOf(header.customHash),
      messageId: null,
      mailbox: null,
      isBlock: vector.isBlock,
      superLevel: vector.superLevel,
      blockWeight: vector.blockWeight,
      isTransaction: vector.isTransaction,
      nonce: header.nonce,
      time: Math.trunc(Number(header.timeMilli)),
      ...judged(factsOfUnit(vector), vector.body?.txnDifficulty ?? null),
    });
  },

  reject({ raw }) {
    assertMalformed(Uint8Array.fromHex(raw));
  },
});

testVectorsOfKinds<{ maxtxpow: EnvelopeVector }>("maxima", {
  async maxtxpow(vector) {
    const raw = Uint8Array.fromHex(vector.raw);
    if (!vector.parsed) return assertMalformed(raw);
    const { superLevel, blockWeight, ...rest } = told(report(raw));
    const { txpow } = vector;
    assert.deepEqual(rest, {
      kind: "maxtxpow",
      txpowid: hexOf(txpow.txpowid),
      customHash: hexOf(txpow.customHash),
      messageId: hexOf(vector.package.packageHash),
      mailbox: await sha3(hexOf(vector.package.to)),
      isBlock: txpow.isBlock,
      isTransaction: txpow.isTransaction,
      nonce: txpow.nonce,
      time: Math.trunc(Number(txpow.timeMilli)),
      ...judged(factsOfEnvelope(vector), txpow.txnDifficulty),
    });
    assert.equal(superLevel !== -1, txpow.isBlock);
    assert.equal(blockWeight !== "0", txpow.isBlock);
  },
});

async function sha3(hex: string): Promise<string> {
  const { createHash } = await import("node:crypto");
  return createHash("sha3-256").update(Uint8Array.fromHex(hex)).digest("hex");
}

Deno.test("inspectUnit() tells every field in wire order, as JSON", () => {
  const { fields } = report(encode(maxTxPow, UNIT));
  const { version, package: sealed, txPow: work } = fields as {
    version: string;
    package: Record<string, string>;
    txPow: { header: Record<string, unknown>; body: Record<string, unknown> };
  };
  assert.equal(version, "1.0");
  assert.deepEqual(sealed, {
    version: "1.0",
    to: UNIT.package.to.toHex(),
    data: UNIT.package.data.toHex(),
  });
  assert.deepEqual(Object.keys(work.header), Object.keys(UNIT.txPow.header));
  assert.equal(work.header["time"], "1790000000000");
  assert.equal(work.header["chainId"], "00");
  assert.deepEqual(
    Object.keys(work.body),
    Object.keys(UNIT.txPow.body ?? {}),
  );
  const text = JSON.stringify(report(encode(txPow, FULL_UNIT)).fields);
  assert.ok(text.includes("RETURN TRUE") && text.includes("[[päckchen]]"));
});

Deno.test("inspectUnit() says what a relay says, after any change of a byte", async () => {
  const bytes = encode(maxTxPow, UNIT);
  assert.equal(inspectUnit(bytes).verdict, "ok");
  await check(
    fc.property(flip, (change) => {
      const changed = flipped(bytes, change);
      assert.equal(inspectUnit(changed).verdict, relayVerdict(changed));
    }),
    500,
  );
});

Deno.test("inspectUnit() counts no hashes for a target of zero, which nothing meets", () => {
  const { header, body } = UNIT.txPow;
  assert.ok(body !== null);
  const txnDifficulty = new Uint8Array(2);
  const unit = { header, body: { ...body, txnDifficulty } };
  assert.deepEqual(report(encode(txPow, unit)).work, {
    target: "0000",
    hashes: 0,
    met: false,
  });
});

/** What a relay says of an envelope, whatever the time. */
function relayVerdict(bytes: Bytes): string {
  try {
    checkWork(decodeMaxTxPow(bytes));
    return "ok";
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
}

/** An envelope with that many bytes of sealed data. */
function envelopeOf(length: number): Bytes {
  const data = new Uint8Array(length);
  return encode(maxTxPow, { ...UNIT, package: { ...UNIT.package, data } });
}

/** One with that many ids in its TxPoW. */
function envelopeWithIds(count: number): Bytes {
  const { header, body } = UNIT.txPow;
  assert.ok(body !== null);
  const txPowIds = Array(count).fill(new Uint8Array(32));
  const unit: MaxTxPow = {
    ...UNIT,
    txPow: { header, body: { ...body, txPowIds } },
  };
  return encode(maxTxPow, unit);
}

/** The same with bytes behind it. */
function followed(bytes: Bytes, length: number): Bytes {
  const longer = new Uint8Array(bytes.length + length);
  longer.set(bytes);
  return longer;
}

const SIZED: Readonly<Record<string, [Bytes, string]>> = {
  "bytes behind it": [followed(envelopeOf(300), 1), "malformed"],
  "64 KiB behind it": [followed(envelopeOf(300), 65_536), "too-large"],
  "a package too large": [envelopeOf(262_144), "too-large"],
  "a package too large, bytes behind it": [
    followed(envelopeOf(262_144), 1),
    "too-large",
  ],
  "a TxPoW too large": [envelopeWithIds(2_048), "too-large"],
  "a TxPoW too large, bytes behind it": [
    followed(envelopeWithIds(2_048), 1),
    "too-large",
  ],
};

for (const [what, [bytes, verdict]] of Object.entries(SIZED)) {
  Deno.test(`inspectUnit() says what a relay says: ${what}`, () => {
    assert.equal(relayVerdict(bytes), verdict);
    assert.equal(inspectUnit(bytes).verdict, verdict);
  });
}

Deno.test("inspectUnit() says malformed where a relay looks at the size alone", () => {
  for (const bytes of [envelopeOf(262_144), envelopeWithIds(2_048)]) {
    const cut = bytes.subarray(0, -1);
    assert.equal(relayVerdict(cut), "too-large");
    assertMalformed(cut);
  }
});

Deno.test("inspectUnit() says malformed of bytes that are no unit", () => {
  for (
    const bytes of [
      new Uint8Array(),
      new Uint8Array(1),
      new Uint8Array(2),
      new Uint8Array(1_000),
      new Uint8Array(1_000).fill(255),
      new TextEncoder().encode("so much for a unit"),
      Uint8Array.fromHex("00000003312e307fffffff"),
    ]
  ) {
    assertMalformed(bytes);
  }
});

// A number of over 128 MiB is more than a BigInt holds.
Deno.test("inspectUnit() has a report for a file of 128 MiB and more", () => {
  const { header, body } = UNIT.txPow;
  assert.ok(body !== null);
  const wide = new Uint8Array(2 ** 27 + 1).fill(255);
  const unit: TxPow = { header, body: { ...body, txnDifficulty: wide } };
  assertMalformed(encode(txPow, unit));
  assertMalformed(new Uint8Array(2 ** 26 + 1));
});

Deno.test("inspectUnit() has a report for any bytes", async () => {
  const whole = [encode(maxTxPow, UNIT), encode(txPow, FULL_UNIT)];
  await check(
    fc.property(
      fc.uint8Array({ maxLength: 400, size: "max" }),
      fc.constantFrom(...whole),
      fc.nat(2_000),
      flip,
      (bytes, unit, start, change) => {
        assert.ok(inspectUnit(bytes).verdict);
        assert.ok(inspectUnit(flipped(unit, change)).verdict);
        const joined = new Uint8Array([...unit.subarray(0, start), ...bytes]);
        assert.ok(inspectUnit(joined).verdict);
      },
    ),
    300,
  );
});

/** The unit with everything in it, and a coin of that MMR entry number. */
function withEntryNumber(mmrEntryNumber: MiniNumber): TxPow {
  const { header, body } = FULL_UNIT;
  assert.ok(body !== null);
  const [coin] = body.transaction.inputs;
  assert.ok(coin !== undefined);
  const inputs = [{ ...coin, mmrEntryNumber }];
  return {
    header,
    body: { ...body, transaction: { ...body.transaction, inputs } },
  };
}

// An entry number has a scale of 32 bits, so its digits can be more than a text
// or the memory holds: 8 bytes of a unit must not become megabytes of report.
for (const scale of [50_000, -50_000, 2 ** 31 - 1, -(2 ** 31)]) {
  Deno.test(`inspectUnit() reports an entry number of scale ${scale} in few bytes`, () => {
    const bytes = encode(txPow, withEntryNumber({ scale, unscaled: 1n }));
    const said = JSON.stringify(report(bytes));
    assert.ok(said.length < 20 * bytes.length, `${said.length} characters`);
  });
}

Deno.test("inspectUnit() tells an entry number of over 256 bits by its bytes, of either sign", () => {
  for (
    const [unscaled, said] of [
      [2n ** 256n - 1n, String(2n ** 256n - 1n)],
      [1n - 2n ** 256n, String(1n - 2n ** 256n)],
      [2n ** 256n, { scale: 0, unscaled: `01${"00".repeat(32)}` }],
      [-(2n ** 256n), { scale: 0, unscaled: `ff${"00".repeat(32)}` }],
    ] as const
  ) {
    const unit = withEntryNumber({ scale: 0, unscaled });
    const { fields } = report(encode(txPow, unit)) as unknown as {
      fields: {
        body: { transaction: { inputs: { mmrEntryNumber: unknown }[] } };
      };
    };
    const [coin] = fields.body.transaction.inputs;
    assert.deepEqual(coin?.mmrEntryNumber, said);
  }
});

Deno.test("inspectUnit() looks at 64 MiB, and at no byte more", () => {
  const limit = /the limit is 67108864$/;
  const most = new Uint8Array(67_108_864);
  assert.doesNotMatch(inspectUnit(most).detail ?? "", limit);
  const more = new Uint8Array(67_108_865);
  assert.match(inspectUnit(more).detail ?? "", limit);
});
