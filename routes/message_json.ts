/** A message as every way of reading gives it. */
import { z } from "@hono/zod-openapi";
import type { ListedMessage } from "../kv/mail/read.ts";
import type { Element } from "../lib/elements.ts";

/** The documented form. */
export const messageForm = z.object({
  cursor: z.string(),
  id: z.string(),
  object: z.string(),
  size: z.int(),
  minBandwidth: z.int(),
  priority: z.string(),
  storedAt: z.int(),
  holdUntil: z.int(),
  body: z.string().nullable().meta({
    description:
      "The envelope, base64url; null if it expired or the link is too slow",
  }),
  expired: z.boolean(),
}).openapi("Message");

/** A message of that form. */
export function messageJson({ cursor, body, ...facts }: ListedMessage) {
  const encoded =
    body?.toBase64({ alphabet: "base64url", omitPadding: true }) ?? null;
  return { cursor, ...facts, body: encoded };
}

/** The same message, with its body as it is beside its other members. */
export function messageElement(
  { cursor, body, ...facts }: ListedMessage,
): Element {
  return { facts: { cursor, ...facts }, body };
}
