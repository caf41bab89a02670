/** What a failure is told as, and what the log says of it. */
import assert from "node:assert/strict";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { Problem } from "../../lib/problem.ts";
import { answerFailure } from "../../routes/problem.ts";
import { requestIds } from "../../routes/request_id.ts";
import { TestRelay } from "./relay_fixture.ts";

const MISTAKE = new TypeError("of the test");

/** What fails, the code and status by which it is told, and what is logged. */
const FAILURES: Readonly<
  Record<string, readonly [Error, string, number, ...logged: unknown[]]>
> = {
  "a refusal": [new Problem("forbidden", "x"), "forbidden", 403],
  "a refusal that has a cause": [
    new Problem("malformed", "x", {}, { cause: MISTAKE }),
    "malformed",
    400,
  ],
  "a store that is away": [
    new Problem("busy", "x", {}, { cause: MISTAKE }),
    "busy",
    503,
    MISTAKE,
  ],
  "a refusal of Hono's": [
    new HTTPException(400, { message: "x" }),
    "malformed",
    400,
  ],
  "a failure of Hono's": [
    new HTTPException(500, { message: "secret" }),
    "internal",
    500,
  ],
  "a mistake": [MISTAKE, "internal", 500, MISTAKE],
};

for (
  const [what, [error, code, status, ...logged]] of Object.entries(FAILURES)
) {
  Deno.test(`answerFailure() tells ${what} as ${status} ${code}`, async () => {
    using relay = await TestRelay.open();
    const app = new Hono();
    app.use(requestIds());
    app.onError(answerFailure(relay.relay));
    app.get("/", () => {
      throw error;
    });
    const response = await app.request("/");
    const text = await response.text();
    assert.equal(response.status, status);
    assert.equal(JSON.parse(text).code, code);
    assert.ok(!text.includes(MISTAKE.message) && !text.includes("secret"));
    if (logged.length > 0) assert.deepEqual(relay.failures, logged);
    assert.equal(relay.failures.length, status >= 500 ? 1 : 0);
  });
}
