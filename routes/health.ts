/** Whether the relay can do its work, by what its store takes and gives. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { Problem } from "../lib/problem.ts";
import { VERSION } from "../lib/version.ts";
import type { Pulse } from "../relay/pulse.ts";
import { problemResponses } from "./problem.ts";

const healthForm = z.object({
  status: z.literal("ok"),
  version: z.string(),
  deno: z.string(),
  store: z.literal("ok"),
}).openapi("Health");

const healthRoute = createRoute({
  method: "get",
  path: "/health",
  tags: ["Relay"],
  summary: "Whether the relay and its store answer",
  description:
    "Something tiny is written to the store and read again, once a second at " +
    "most, whoever asks.",
  responses: {
    200: {
      description: "They do",
      content: { "application/json": { schema: healthForm } },
    },
    ...problemResponses("busy"),
  },
});

const readyForm = z.object({ status: z.literal("ready") }).openapi("Ready");

const readyRoute = createRoute({
  method: "get",
  path: "/health/ready",
  tags: ["Relay"],
  summary: "Whether this worker is to be sent requests, for balancers",
  description:
    "Not before the store has taken something once, and not while the worker " +
    "is about to stop. A store that fails later fails every worker alike, which " +
    "`/health` tells.",
  responses: {
    200: {
      description: "It is",
      content: { "application/json": { schema: readyForm } },
    },
    ...problemResponses("busy"),
  },
});

/** What the routes ask. */
export interface HealthSources {
  readonly pulse: Pulse;
  /** Whether the relay is about to stop. */
  readonly isDraining: () => boolean;
}

/** Adds both routes. */
export function addHealth(
  app: OpenAPIHono,
  { pulse, isDraining }: HealthSources,
): void {
  app.openapi(healthRoute, async (c) => {
    await pulse.feel();
    c.header("Cache-Control", "no-store");
    return c.json({
      status: "ok" as const,
      version: VERSION,
      deno: Deno.version.deno,
      store: "ok" as const,
    }, 200);
  });

  app.openapi(readyRoute, async (c) => {
    if (!pulse.isProven) await pulse.feel();
    if (isDraining()) throw stopping(); // it may have begun meanwhile
    c.header("Cache-Control", "no-store");
    return c.json({ status: "ready" as const }, 200);
  });
}

function stopping(): Problem {
  return new Problem("busy", "the relay is about to stop", { retryAfter: 2 });
}
