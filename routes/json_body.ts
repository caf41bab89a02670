/** Small JSON bodies: their type and size, before they are looked at. */
import type { MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import { askedOf } from "./asked.ts";
import { expectMediaType, readBody } from "./body.ts";

/** Most bytes of a JSON body. */
const MAX_JSON = 16_384;

/** Goes before every route that reads a JSON body. */
export const jsonBody: MiddlewareHandler = createMiddleware(async (c, next) => {
  expectMediaType(c.req.raw, ["application/json"]);
  const { url, method } = c.req.raw;
  const headers = new Headers(c.req.raw.headers);
  headers.set("Content-Type", "application/json"); // as it was just found to be
  const body = await readBody(askedOf(c), MAX_JSON);
  // The route's own validation reads what was read here.
  c.req.raw = new Request(url, { method, headers, body });
  await next();
});
