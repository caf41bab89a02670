/** Small JSON bodies: their type and size, before they are read. */
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import { Problem } from "../lib/problem.ts";

/** Most bytes of a JSON body. */
const MAX_JSON = 16_384;

const requireJson = createMiddleware(async (c, next) => {
  const type = c.req.header("Content-Type")?.split(";")[0]?.trim()
    .toLowerCase();
  if (type !== "application/json") {
    throw new Problem(
      "unsupported-media-type",
      "the body is to be application/json",
    );
  }
  await next();
});

/** Goes before every route that reads a JSON body. */
export const jsonBody: MiddlewareHandler[] = [
  requireJson,
  bodyLimit({
    maxSize: MAX_JSON,
    onError: () => {
      throw new Problem("too-large", `the body is over ${MAX_JSON} bytes`, {
        limit: MAX_JSON,
      });
    },
  }),
];
