/** How the client is to fail. */
import assert from "node:assert/strict";
import { ClientError, type ClientErrorCode } from "../../client/mod.ts";

/** Fails unless something ends with a failure of the code; gives it. */
export async function assertClientError(
  done: Promise<unknown>,
  code: ClientErrorCode,
): Promise<ClientError> {
  const error = await done.then(
    () => assert.fail("it succeeded"),
    (error) => error,
  );
  assert.ok(error instanceof ClientError, `${error.name}: ${error.message}`);
  assert.equal(error.code, code, error.message);
  return error;
}
