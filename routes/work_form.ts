/** What to mine, as quotes and challenges say it. */
import { z } from "@hono/zod-openapi";

/** The documented form. */
export const workForm = z.object({
  target: z.string()
    .meta({ description: "Hex; commit to it and be below it" }),
  hashes: z.int().meta({ description: "Tries it takes on average" }),
}).openapi("WorkQuote");
