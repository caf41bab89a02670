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
export function messageJson(message: ListedMessage) {
  const { body } = message;
  return Object.assign(factsOf(message), {
    body: body?.toBase64({ alphabet: "base64url", omitPadding: true }) ?? null,
  });
}

/** The same message, with its body as it is beside its other members. */
export function messageElement(message: ListedMessage): Element {
  return { facts: factsOf(message), body: message.body };
}

/**
 * All of a message but its body. Written out: copies of what is left of an
 * object take V8 several times as long, and so does their JSON.
 */
function factsOf(message: ListedMessage) {
  return {
    cursor: message.cursor,
    id: message.id,
    object: message.object,
    size: message.size,
    minBandwidth: message.minBandwidth,
    priority: message.priority,
    storedAt: message.storedAt,
    holdUntil: message.holdUntil,
    expired: message.expired,
  };
}
