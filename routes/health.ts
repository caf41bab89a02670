/** `GET /health`: whether the relay can do its work, by a read of its store. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { VERSION } from "../lib/version.ts";
import { problemResponses } from "./problem.ts";
import type { Relay } from "../relay/relay.ts";

const healthForm = z.object({
  status: z.literal("ok"),
  version: z.string(),
  deno: z.string(),
  store: z.literal("ok"),
}).openapi("Health");

const route = createRoute({
  method: "get",
  path: "/health",
  tags: ["Relay"],
  summary: "Whether the relay and its store answer",
  responses: {
    200: {
      description: "They do",
      content: { "application/json": { schema: healthForm } },
    },
    ...problemResponses("busy"),
  },
});

/** Adds the route. */
export function addHealth(app: OpenAPIHono, relay: Relay): void {
  app.openapi(route, async (c) => {
    await relay.store.check();
    c.header("Cache-Control", "no-store");
    return c.json({
      status: "ok" as const,
      version: VERSION,
      deno: Deno.version.deno,
      store: "ok" as const,
    }, 200);
  });
}
