/** What a refusal of ours is to be where the genuine node refuses. */
import assert from "node:assert/strict";
import { DecodeError, type DecodeReason } from "../../../lib/minima/codec.ts";

/** Exceptions of the genuine readers, and what we say in their place. */
const OF_EXCEPTION: Readonly<Record<string, readonly DecodeReason[]>> = {
  EOFException: ["truncated"],
  IOException: ["too-long", "bad-type"],
  NegativeArraySizeException: ["negative-length"],
  NumberFormatException: ["bad-number"],
  ArrayIndexOutOfBoundsException: ["too-many-parents"],
};

/** The reasons that vectors give, and ours. */
const OF_REASON: Readonly<Record<string, readonly DecodeReason[]>> = {
  "truncated": ["truncated"],
  "too-many-super-parents": ["too-many-parents"],
  "over-limit-or-bad-type": ["too-long", "bad-type"],
  "bad-number": ["bad-number"],
  "negative-length": ["negative-length"],
};

/** Fails unless `run` throws a DecodeError for one of the reasons. */
export function assertRefused(
  run: () => unknown,
  ...reasons: readonly DecodeReason[]
): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof DecodeError, `${error} is no DecodeError`);
    assert.ok(reasons.includes(error.reason), `${error.reason}: ${error}`);
    return true;
  });
}

/** Our reasons for an exception of the genuine reader. */
export function reasonsOfException(javaError: string): readonly DecodeReason[] {
  return named(OF_EXCEPTION, javaError);
}

/** Our reasons for a vector's. */
export function reasonsOf(reason: string): readonly DecodeReason[] {
  return named(OF_REASON, reason);
}

function named<T>(table: Readonly<Record<string, T>>, name: string): T {
  const found = table[name];
  assert.ok(found !== undefined, `nothing of ours stands for "${name}"`);
  return found;
}
