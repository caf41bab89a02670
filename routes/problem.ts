/** Failures as problem documents (RFC 9457). */
import { z } from "@hono/zod-openapi";
import type { ErrorHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { routePath } from "hono/route";
import { Problem, type ProblemCode, PROBLEMS } from "../lib/problem.ts";
import type { Relay } from "../relay/relay.ts";
import { askedOf } from "./asked.ts";

/** The media type of every failure. */
export const PROBLEM_JSON = "application/problem+json";

const problemForm = z.looseObject({
  type: z.url().meta({ description: "The page about this kind of problem" }),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(Object.keys(PROBLEMS) as ProblemCode[]),
  requestId: z.string().optional().meta({
    description: "By which the relay's operator finds the request in the log",
  }),
}).openapi("Problem");

/** The documented failures of an operation, by their status. */
export function problemResponses(...codes: ProblemCode[]) {
  const byStatus = Object.groupBy(codes, (code) => PROBLEMS[code].status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, codes = []]) => [status, {
      description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`)
        .join("; "),
      content: { [PROBLEM_JSON]: { schema: problemForm } },
    }]),
  );
}

/** Whose request it was that failed. */
interface Failed {
  readonly request: Request;
  readonly id: string | undefined;
}

/** Headers by their names. */
export type PlainHeaders = Readonly<Record<string, string>>;

/** The problem document for a failure; with these headers, besides its own. */
export function problemResponse(
  { request, id }: Failed,
  relay: Relay,
  problem: Problem,
  further: PlainHeaders = {},
): Response {
  const { code, status, message, members } = problem;
  const { retryAfter, ...others } = members;
  // One plain object: each header that is set later is checked once more.
  const headers: Record<string, string> = {
    "Content-Type": PROBLEM_JSON,
    "Cache-Control": "no-store",
    ...further,
  };
  if (typeof retryAfter === "number") {
    headers["Retry-After"] = String(retryAfter);
  }
  if (code === "handshake-failed") {
    headers["WWW-Authenticate"] = 'Handshake realm="restante"';
  }
  if (code === "unauthorized") {
    headers["WWW-Authenticate"] = challengeHeader(request);
  }
  if (code === "range-not-satisfiable") {
    headers["Content-Range"] = `bytes */${others["size"]}`;
  }
  const document = {
    type: `${relay.url}/problems/${code}`,
    title: PROBLEMS[code].title,
    status,
    detail: message,
    code,
    // A failed handshake has one body, whatever the cause and whoever asks.
    ...(code !== "handshake-failed" && { requestId: id }),
    ...others,
  };
  relay.meters.refused(code);
  return new Response(JSON.stringify(document), { status, headers });
}

/** The schemes a token may come by; with one that failed, that it failed. */
function challengeHeader({ headers }: Request): string {
  const error = headers.get("Authorization") === null
    ? ""
    : ', error="invalid_token"';
  return `DPoP algs="EdDSA ES256"${error}, Bearer realm="restante"${error}`;
}

/** Answers every failure of a context. */
export function answerFailure(relay: Relay): ErrorHandler {
  return (error, c) =>
    failureResponse(askedOf(c), relay, error, routePath(c, -1));
}

/**
 * The answer to a failure; one that is the relay's own is logged, by its route:
 * the path has ids in it.
 */
export function failureResponse(
  failed: Failed,
  relay: Relay,
  error: unknown,
  route: string,
  further?: PlainHeaders,
): Response {
  const problem = asProblem(error);
  if (problem.status >= 500) {
    const { code, cause } = problem;
    const fields = {
      code,
      requestId: failed.id,
      method: failed.request.method,
      route,
      error: cause ?? problem,
    };
    if (code === "internal") relay.log.error("request-failed", fields);
    else relay.log.warn("request-failed", fields);
  }
  return problemResponse(failed, relay, problem, further);
}

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  // Hono's own refusals, such as JSON that does not parse.
  if (error instanceof HTTPException && error.status < 500) {
    return new Problem("malformed", error.message);
  }
  return new Problem("internal", "an unexpected failure; it was logged", {}, {
    cause: error,
  });
}
