/** Delivery by the reader's link, as the ways of reading give it. */
import type { Page } from "../kv/mail/read.ts";
import { encodeDigest, encodeHints } from "../lib/link.ts";
import type { Delivery } from "../relay/delivery.ts";
import { messageJson } from "./message_json.ts";

/** Media types of the pages that are not JSON. */
export const PAGE_TYPES = {
  digest: "application/vnd.restante.digest",
  hint: "application/vnd.restante.hint",
} as const;

/** Headers that say what a JSON page has members for. */
export const PAGE_HEADERS = [
  "Restante-Next",
  "Restante-More",
  "Restante-Reset",
] as const;

/** A page of digests or hints, as the answer to a poll has it. */
export function compactPage(page: Page, delivery: "digest" | "hint") {
  const body = delivery === "digest"
    ? digestOf(page)
    : encodeHints(page.messages.map(({ object }) => object));
  const headers = {
    "Content-Type": PAGE_TYPES[delivery],
    "Restante-Next": page.next,
    "Restante-More": String(page.more),
    "Restante-Reset": String(page.reset),
  };
  return { body, headers };
}

/** A part of a stream: an event, or a frame. */
export interface StreamPart {
  /** The event's name. */
  readonly name: "message" | "digest";
  /** Where the reader stands once it has it. */
  readonly cursor: string;
  /** What it carries, as JSON. */
  readonly data: unknown;
}

/** A page as parts of a stream: its messages, or one digest of them all. */
export function streamParts(page: Page, delivery: Delivery): StreamPart[] {
  if (page.messages.length === 0) return [];
  if (delivery === "digest") {
    const cursor = page.next;
    const digest = digestOf(page).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
    return [{ name: "digest", cursor, data: { cursor, digest } }];
  }
  return page.messages.map((message) => ({
    name: "message",
    cursor: message.cursor,
    data: messageJson(message),
  }));
}

function digestOf({ messages }: Page) {
  return encodeDigest(
    messages.map(({ holdUntil, ...message }) => ({
      ...message,
      expires: holdUntil,
    })),
  );
}
