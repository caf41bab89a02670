/** Numbers in a query: decimal digits and nothing else. */
import { z } from "@hono/zod-openapi";

/** A whole number within bounds. */
export function wholeNumber(minimum: number, maximum: number) {
  return z.string().regex(/^\d{1,15}$/, "not a whole number").transform(Number)
    .pipe(z.number().min(minimum).max(maximum))
    .openapi({ type: "integer", minimum, maximum });
}
