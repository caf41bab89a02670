/** Refusals: problem documents, as far as they are some. */
import { isProblemCode } from "../lib/problem.ts";
import { parseJson, readBody } from "./body.ts";
import { ClientError, RelayError } from "./error.ts";

/** What a proxy says whose relay is gone, and a relay that has only begun to start. */
const NOBODY_THERE: ReadonlySet<number> = new Set([502, 503, 504]);

/** Bytes of the longest refusal. */
const MAX_REFUSAL = 2 ** 16;

/**
 * The refusal in an answer that is not a success; where a proxy answers for a
 * relay that is gone, that it cannot be reached.
 *
 * @throws {ClientError} if it is too long, or breaks off
 */
export async function refusalOf(
  response: Response,
): Promise<RelayError | ClientError> {
  const { url, status, headers } = response;
  const document = parseJson(
    await readBody(response, { most: MAX_REFUSAL, url }),
  );
  if (
    typeof document === "object" && document !== null && isShallow(document)
  ) {
    const problem = document as Readonly<Record<string, unknown>>;
    const code = problem["code"];
    if (typeof code === "string" && isProblemCode(code)) {
      return new RelayError(code, status, problem, headers.get("Retry-After"));
    }
  }
  return new ClientError(
    NOBODY_THERE.has(status) ? "relay-unreachable" : "relay-nonsense",
    `${url} answered ${status} without a problem document`,
  );
}

/** Levels of arrays and objects in a problem document, at most. */
const MAX_DEPTH = 8;

/** What is nested deeper could not even be printed. */
function isShallow(value: unknown, levels = MAX_DEPTH): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 &&
    Object.values(value).every((one) => isShallow(one, levels - 1));
}
