/** Failures with a code. */
import assert from "node:assert/strict";
import { Problem, type ProblemCode } from "../../lib/problem.ts";

/** Fails unless `run` throws a Problem of the code, its detail as given. */
export function assertProblem(
  run: () => unknown,
  code: ProblemCode,
  detail: RegExp,
): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof Problem, `${error} is no Problem`);
    assert.deepEqual([error.code, detail.test(error.message)], [code, true]);
    return true;
  });
}

/** Fails unless a promise is rejected with a Problem of the code. */
export async function assertRejected(
  promise: Promise<unknown>,
  code: ProblemCode,
): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof Problem, `${error} is no Problem`);
    assert.equal(error.code, code, error.message);
    return true;
  });
}
