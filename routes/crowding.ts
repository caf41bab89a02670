/** Requests of one connection: so many may be under way at once. */
import type { MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import { Problem } from "../lib/problem.ts";
import type { ServeInfo } from "./serve_info.ts";

/** Seconds after which a request that was one too many may come again. */
const RETRY_AFTER = 1;

/** Goes before every route; a request counts until its answer is taken whole. */
export const refuseCrowds: MiddlewareHandler = createMiddleware(
  async (c, next) => {
    expectRoomOnConnection(c.env ?? {});
    await next();
  },
);

/**
 * Refuses a request that is one too many on its connection.
 *
 * @throws {Problem} `busy`
 */
export function expectRoomOnConnection(
  { isOneTooMany }: Partial<ServeInfo>,
): void {
  if (!isOneTooMany) return;
  throw new Problem(
    "busy",
    "as many requests of this connection are under way as may be",
    { retryAfter: RETRY_AFTER },
  );
}
