/** Conditional requests (RFC 9110, 13.1.2). */
import type { Context } from "hono";

/** Whether the caller says it has this entity: weak comparison, list or star. */
export function callerHas(c: Context, tag: string): boolean {
  const condition = c.req.header("If-None-Match");
  if (condition === undefined) return false;
  const opaque = (text: string) => text.trim().replace(/^W\//, "");
  return condition.trim() === "*" ||
    condition.split(",").some((one) => opaque(one) === opaque(tag));
}
