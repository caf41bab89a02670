/** Steps 2 to 5 of spec/maxima.md 8.2, each refusal, and their order. */
import assert from "node:assert/strict";
import { mailboxIdOf } from "../../../lib/ids.ts";
import { MIN_WORK_TARGET } from "../../../lib/minima/constants.ts";
import { type MaxTxPow, packageHash } from "../../../lib/minima/maxima.ts";
import { integer } from "../../../lib/minima/mininumber.ts";
import { txPowId } from "../../../lib/minima/txpow_facts.ts";
import type { ProblemCode } from "../../../lib/problem.ts";
import { checkTxPow, checkWork } from "../../../lib/work/check.ts";
import { targetOf } from "../../../lib/work/target.ts";
import { assertProblem } from "../problems.ts";
import { BIG, ED25519 } from "../seal/keys.ts";
import {
  ANY_ID,
  build,
  GENUINE,
  PACKAGE,
  type Plan,
  TIME,
  UNIT,
} from "./mined_units.ts";

/** A thing that can be wrong with an envelope. */
interface Defect {
  readonly name: string;
  readonly plan: (plan: Plan) => Plan;
  readonly code: ProblemCode;
  readonly detail: RegExp;
}

/** In the order in which they are looked for. */
const DEFECTS = [
  {
    name: "the envelope's version",
    plan: (plan) => ({ ...plan, version: "1.1" }),
    code: "malformed",
    detail: /^version "1\.1", not 1\.0$/,
  },
  {
    name: "the package's version",
    plan: (plan) => ({
      ...plan,
      package: { ...plan.package, version: "9.9" },
    }),
    code: "malformed",
    detail: /^version "9\.9", not 1\.0$/,
  },
  {
    name: "the recipient's key",
    plan: (plan) => ({
      ...plan,
      package: { ...plan.package, to: new Uint8Array(1) },
    }),
    code: "malformed",
    detail: /^not a public key: /,
  },
  {
    name: "the chain",
    plan: (plan) => ({ ...plan, chainId: new Uint8Array([1]) }),
    code: "malformed",
    detail: /chain id/,
  },
  {
    name: "the custom hash",
    plan: (plan) => ({ ...plan, customHash: new Uint8Array(32).fill(7) }),
    code: "wrong-hash",
    detail: /custom hash/,
  },
  {
    name: "less work than the minimum",
    plan: (plan) => ({ ...plan, below: ANY_ID, notBelow: MIN_WORK_TARGET }),
    code: "work-insufficient",
    detail: /less work than the minimum of 10000 hashes/,
  },
  {
    name: "no body",
    plan: (plan) => ({ ...plan, hasBody: false }),
    code: "work-insufficient",
    detail: /no body/,
  },
  {
    name: "the body hash",
    plan: (plan) => ({ ...plan, bodyHash: new Uint8Array(32).fill(8) }),
    code: "wrong-hash",
    detail: /body hash/,
  },
  {
    name: "a target easier than the minimum",
    plan: (plan) => ({
      ...plan,
      target: MIN_WORK_TARGET + 1n,
      below: plan.below === ANY_ID ? ANY_ID : MIN_WORK_TARGET,
    }),
    code: "work-insufficient",
    detail: /a target easier than 10000 hashes/,
  },
  {
    name: "a target that the id does not meet",
    plan: (plan) => ({
      ...plan,
      target: targetOf(20_000),
      below: plan.below === ANY_ID ? ANY_ID : MIN_WORK_TARGET,
      notBelow: plan.below === ANY_ID ? MIN_WORK_TARGET : targetOf(20_000),
    }),
    code: "work-insufficient",
    detail: /does not meet the target/,
  },
] as const satisfies readonly Defect[];

/** The two about the target cannot stand together. */
function exclude(first: Defect, second: Defect): boolean {
  return first === DEFECTS.at(-2) && second === DEFECTS.at(-1);
}

Deno.test("checkWork() gives message, mailbox, id and target of right work", () => {
  for (const unit of [UNIT, build(GENUINE)]) {
    const { header, body } = unit.txPow;
    assert.deepEqual(checkWork(unit), {
      txPowId: txPowId(header),
      target: BigInt(`0x${body?.txnDifficulty.toHex()}`),
      messageId: packageHash(PACKAGE).toHex(),
      mailbox: mailboxIdOf(PACKAGE.to),
    });
  }
});

Deno.test("checkWork() takes keys of 2048 bits and of Ed25519", () => {
  for (const to of [BIG.publicKey, ED25519]) {
    const unit = build({ ...GENUINE, package: { ...PACKAGE, to } });
    assert.equal(checkWork(unit).mailbox, mailboxIdOf(to));
  }
});

Deno.test("checkWork() counts the target, however lucky the id", () => {
  const lucky = build({ ...GENUINE, below: targetOf(100_000) });
  assert.equal(checkWork(lucky).target, targetOf(11_000));
});

for (const { name, plan, code, detail } of DEFECTS) {
  Deno.test(`checkWork() refuses: ${name}`, () => {
    const unit = build(plan(GENUINE));
    assertProblem(() => checkWork(unit), code, detail);
  });
}

Deno.test("checkWork() names the first of two things wrong", async (t) => {
  for (const [i, first] of DEFECTS.entries()) {
    for (const second of DEFECTS.slice(i + 1)) {
      if (exclude(first, second)) continue;
      await t.step(`${first.name}, before ${second.name}`, () => {
        const unit = build(second.plan(first.plan(GENUINE)));
        assertProblem(() => checkWork(unit), first.code, first.detail);
      });
    }
  }
});

Deno.test("checkTxPow() checks chain, minimum, body and target alone", async (t) => {
  const own = DEFECTS.slice(3).filter(({ name }) => name !== "the custom hash");
  for (const { name, plan, code, detail } of own) {
    await t.step(name, () => {
      const unit = build(plan(GENUINE));
      assertProblem(() => checkTxPow(unit.txPow), code, detail);
    });
  }
  for (const { name, plan } of DEFECTS.filter((each) => !own.includes(each))) {
    await t.step(`not ${name}`, () => {
      const { txPow } = build(plan(GENUINE));
      assert.deepEqual(checkTxPow(txPow), {
        txPowId: txPowId(txPow.header),
        target: targetOf(11_000),
      });
    });
  }
});

/** An envelope with one thing changed after it was mined. */
const CHANGED: Readonly<Record<string, [MaxTxPow, ProblemCode, RegExp]>> = {
  "a byte of the sealed data": [
    { ...UNIT, package: { ...PACKAGE, data: new Uint8Array(300) } },
    "wrong-hash",
    /custom hash/,
  ],
  "another recipient": [
    { ...UNIT, package: { ...PACKAGE, to: BIG.publicKey } },
    "wrong-hash",
    /custom hash/,
  ],
  "a body of another prng": [
    withBody({ prng: new Uint8Array(32) }),
    "wrong-hash",
    /body hash/,
  ],
  "a body of a harder target": [
    withBody({ txnDifficulty: new Uint8Array(1) }),
    "wrong-hash",
    /body hash/,
  ],
  "a body with a list of ids": [
    withBody({ txPowIds: [new Uint8Array(32)] }),
    "wrong-hash",
    /body hash/,
  ],
  "another time": [
    withHeader({ time: integer(TIME + 1) }),
    "work-insufficient",
    /less work than the minimum/,
  ],
  "another nonce": [
    withHeader({ nonce: integer(1) }),
    "work-insufficient",
    /less work than the minimum/,
  ],
  "a magic minimum of its own": [
    withHeader({
      magic: {
        ...UNIT.txPow.header.magic,
        currentMinTxPowWork: new Uint8Array(32).fill(255),
      },
    }),
    "work-insufficient",
    /less work than the minimum/,
  ],
  "a chain id of two bytes": [
    withHeader({ chainId: new Uint8Array(2) }),
    "malformed",
    /chain id/,
  ],
  "no chain id": [
    withHeader({ chainId: new Uint8Array() }),
    "malformed",
    /chain id/,
  ],
  "a custom hash of 00": [
    withHeader({ customHash: new Uint8Array(1) }),
    "wrong-hash",
    /custom hash/,
  ],
  "a custom hash with a zero before it": [
    withHeader({
      customHash: new Uint8Array([0, ...UNIT.txPow.header.customHash]),
    }),
    "wrong-hash",
    /custom hash/,
  ],
  "a version with a space": [
    { ...UNIT, version: "1.0 " },
    "malformed",
    /version/,
  ],
  "no version": [{ ...UNIT, version: "" }, "malformed", /version ""/],
  "a version of 1,000 characters": [
    { ...UNIT, version: "1.0".repeat(333) },
    "malformed",
    /^version ".{20}", not 1\.0$/,
  ],
};

function withBody(
  change: Partial<NonNullable<MaxTxPow["txPow"]["body"]>>,
): MaxTxPow {
  const { header, body } = UNIT.txPow;
  assert.ok(body !== null);
  return { ...UNIT, txPow: { header, body: { ...body, ...change } } };
}

function withHeader(change: Partial<MaxTxPow["txPow"]["header"]>): MaxTxPow {
  const { header, body } = UNIT.txPow;
  return { ...UNIT, txPow: { header: { ...header, ...change }, body } };
}

for (const [what, [unit, code, detail]] of Object.entries(CHANGED)) {
  Deno.test(`checkWork() refuses after mining: ${what}`, () => {
    assertProblem(() => checkWork(unit), code, detail);
  });
}

Deno.test("checkWork() takes the minimum itself as a target, and none easier", () => {
  const easiest = build({ ...GENUINE, target: MIN_WORK_TARGET });
  assert.equal(checkWork(easiest).target, MIN_WORK_TARGET);
  for (const target of [MIN_WORK_TARGET + 1n, targetOf(9_999), ANY_ID]) {
    const unit = build({ ...GENUINE, target });
    assertProblem(
      () => checkWork(unit),
      "work-insufficient",
      /a target easier than 10000 hashes/,
    );
  }
});

Deno.test("checkWork() finds that no id meets a target of zero", () => {
  const unit = build({ ...GENUINE, target: 0n });
  assertProblem(
    () => checkWork(unit),
    "work-insufficient",
    /does not meet the target/,
  );
});
