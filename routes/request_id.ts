/** An id for every request, by which its answer and its log lines are found. */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { type RandomBytes, systemRandom } from "../lib/random.ts";

/** The header, of the request and of its answer. */
export const REQUEST_ID = "X-Request-Id";

/** An id by which the caller calls its request: shorter than a mailbox's. */
const GIVEN_ID = /^[A-Za-z0-9._-]{1,40}$/;

/** Bytes of an id that is made. */
const ID_BYTES = 8;

/** Where the context has it. */
const PLACE = "requestId";

/** Goes before everything else: gives each request its id. */
export function requestIds(random: RandomBytes = systemRandom) {
  return createMiddleware(async (c, next) => {
    const id = idFor(c.req.raw, random);
    c.set(PLACE, id);
    // On what there is before the answer, so that it is on every answer.
    c.res.headers.set(REQUEST_ID, id);
    await next();
  });
}

/** The id that a request gets: the one that it brings, if it is plain and short. */
export function idFor(
  { headers }: Request,
  random: RandomBytes = systemRandom,
): string {
  const given = headers.get(REQUEST_ID);
  return given !== null && GIVEN_ID.test(given)
    ? given
    : random(ID_BYTES).toHex();
}

/** The id of the request of a context. */
export function requestIdOf(c: Context): string | undefined {
  const id: unknown = c.get(PLACE);
  return typeof id === "string" ? id : undefined;
}
