/** `GET /metrics`: what the relay counts, for Prometheus. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { EXPOSITION_TYPE } from "../lib/exposition.ts";
import { Problem } from "../lib/problem.ts";
import { type Clock, systemClock } from "../lib/timers.ts";
import { metricsVerdict } from "../relay/metrics_readers.ts";
import type { Relay } from "../relay/relay.ts";
import { problemResponses } from "./problem.ts";
import type { ServeInfo } from "./serve_info.ts";

/** Milliseconds that numbers out of the store may take to be read. */
const PATIENCE = 2_000;

const route = createRoute({
  method: "get",
  path: "/metrics",
  tags: ["Relay"],
  summary: "What the relay counts and measures, for Prometheus",
  description:
    "For requests made on the relay's own machine, if the operator has not set " +
    "it otherwise; for others there is nothing here.",
  responses: {
    200: {
      description: "The exposition format 0.0.4",
      content: { "text/plain": { schema: z.string() } },
    },
    ...problemResponses("unauthorized", "not-found"),
  },
});

/** Adds the route. */
export function addMetrics(
  app: OpenAPIHono,
  relay: Relay,
  clock: Clock = systemClock,
): void {
  app.openapi(route, async (c) => {
    const verdict = metricsVerdict(relay.metricsTo, {
      address: addressOf(c),
      headers: c.req.raw.headers,
      host: new URL(c.req.url).hostname,
    });
    if (verdict === "hidden") {
      throw new Problem("not-found", `there is no ${c.req.method} /metrics`);
    }
    if (verdict === "refused") {
      throw new Problem(
        "unauthorized",
        "the metrics have a token of their own",
      );
    }
    const timeUp = Promise.withResolvers<void>();
    const callOff = clock.after(PATIENCE, timeUp.resolve);
    try {
      const text = await relay.meters.metrics.text(timeUp.promise);
      return c.text(text, 200, {
        "Content-Type": EXPOSITION_TYPE,
        "Cache-Control": "no-store",
      });
    } finally {
      callOff();
    }
  });
}

/** The address at the other end, as the server tells it; null if it does not. */
function addressOf(c: Context): string | null {
  const { remoteAddr } = Object(c.env) as Partial<ServeInfo>;
  return remoteAddr?.hostname ?? null;
}
