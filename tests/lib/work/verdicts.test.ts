/**
 * The envelopes that were sent to a genuine node: what is sealed in them, what
 * a relay says of them, and why that is sometimes not what the node said.
 */
import assert from "node:assert/strict";
import type { MessageId } from "../../../lib/ids.ts";
import type { Bytes } from "../../../lib/bytes.ts";
import { decodeMaxTxPow } from "../../../lib/minima/maxtxpow.ts";
import { hexText } from "../../../lib/minima/minidata.ts";
import { Problem } from "../../../lib/problem.ts";
import { checkWork } from "../../../lib/work/check.ts";
import { testVectorsOfKinds, type Vector, vectors } from "../../vectors/mod.ts";
import { type Outcome, reasonToDiffer } from "./genuine_replies.ts";
import { assertSealed, openVector } from "./sealed_record.ts";
import { type EnvelopeVector, factsOfEnvelope } from "./vector_facts.ts";
import { type Verdict, verdictFor } from "./verdict_rules.ts";

const ENVELOPES = vectors("maxima").cases.filter(
  (vector): vector is EnvelopeVector & Vector => vector.kind === "maxtxpow",
);

/** An envelope, and what a relay should say of it after those before it. */
interface Expectation {
  readonly vector: EnvelopeVector;
  readonly verdict: Verdict;
  readonly outcome: Outcome;
}

const EXPECTED: readonly Expectation[] = expectations();

function expectations(): readonly Expectation[] {
  const taken = new Set<string>();
  return ENVELOPES.map((vector) => {
    const verdict = verdictFor(factsOfEnvelope(vector));
    if (verdict.code !== "ok" || !vector.parsed) {
      return { vector, verdict, outcome: verdict.code };
    }
    const isReplay = taken.has(vector.package.packageHash);
    taken.add(vector.package.packageHash);
    return { vector, verdict, outcome: isReplay ? "same receipt" : "ok" };
  });
}

/** What a relay says, as the route does: checked first, then looked up. */
function judge(raw: Bytes, taken: Set<MessageId>): Outcome {
  try {
    const { messageId } = checkWork(decodeMaxTxPow(raw));
    if (taken.has(messageId)) return "same receipt";
    taken.add(messageId);
    return "ok";
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
}

Deno.test("checkWork() judges every envelope by the rules of section 8.2", async (t) => {
  const taken = new Set<MessageId>();
  for (const { vector, verdict, outcome } of EXPECTED) {
    const { id, note } = vector;
    await t.step(`${id} ${outcome}, ${verdict.why}: ${note}`, () => {
      assert.equal(judge(Uint8Array.fromHex(vector.raw), taken), outcome);
    });
  }
});

Deno.test("checkWork() names a replay as the message it was before", () => {
  const taken = new Set<MessageId>();
  for (const { vector } of EXPECTED) {
    judge(Uint8Array.fromHex(vector.raw), taken);
  }
  for (const { vector, verdict } of EXPECTED) {
    const again = verdict.code === "ok" ? "same receipt" : verdict.code;
    const raw = Uint8Array.fromHex(vector.raw);
    assert.equal(judge(raw, taken), again, vector.id);
    assert.doesNotThrow(() => reasonToDiffer(vector, again, verdict));
  }
});

Deno.test("a relay differs from the genuine node for a reason only", async (t) => {
  for (const { vector, verdict, outcome } of EXPECTED) {
    const { id, note, verdict: genuine } = vector;
    const reason = reasonToDiffer(vector, outcome, verdict);
    const words = reason === null
      ? `${genuine}, as a relay says`
      : `${genuine} and ${outcome}: ${reason}`;
    await t.step(`${id} ${words} (${note})`, () => {
      assert.notEqual(reason, "", "a difference has a reason");
    });
  }
});

testVectorsOfKinds<{ maxtxpow: EnvelopeVector }>("maxima", {
  maxtxpow: assertSealed,
});

Deno.test("open() gives the id that genuine applications see", async (t) => {
  for (const vector of ENVELOPES) {
    const message = await openVector(vector);
    if (message === null || !vector.parsed) continue;
    await t.step(`${vector.id} ${vector.note}`, () => {
      const { msgid } = vector.decrypted ?? {};
      assert.equal(hexText(message.id), msgid);
    });
  }
});

Deno.test("no envelope of the vectors is left out", () => {
  assert.ok(ENVELOPES.length > 0);
  assert.equal(EXPECTED.length, ENVELOPES.length);
});
