/** What a reader got, held against the model. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { bodyOf, type Listed, type Page } from "../routes/owner.ts";
import { TOMBSTONE_MS } from "../../kv/mail/entry.ts";
import { isVisible, type Kept, type Model, type Terms } from "./model.ts";

/** What a reader asked for, and when. */
export interface Asked {
  readonly mailbox: string;
  readonly after: string | null;
  readonly bandwidth: number;
}

/** How a page was asked for. */
export interface AskedPage extends Asked {
  readonly now: number;
  readonly limit: number;
  /** Whether messages were stored meanwhile. */
  readonly isRaced?: boolean;
}

/** How a reader reads: in pages, or as things come. */
export type Way = "pages" | "events" | "socket";

/** Holds a page to the model: what is behind the cursor, in order, once. */
export function checkPage(model: Model, asked: AskedPage, page: Page): void {
  const { mailbox, after, now, limit, bandwidth, isRaced = false } = asked;
  const { messages, next, more } = page;
  assert.equal(page.reset, false, "reset");
  assert.ok(messages.length <= limit, "at most the limit");
  const expected = model.above(mailbox, after, now);
  const within = expected.filter(({ stored }) => stored.cursor <= next);
  assert.deepEqual(
    messages.map(({ cursor }) => cursor),
    within.map(({ stored }) => stored.cursor),
    "every cursor up to next, in order, once",
  );
  for (const [i, kept] of within.entries()) {
    const message = messages[i] as Listed;
    assert.equal(message.expired, kept.stored.holdUntil <= now, "expired");
    checkFacts(kept, [kept], message, bandwidth);
    count(model, "pages", message);
  }
  if (more) assert.ok(after === null || next > after, "it goes on");
  else if (!isRaced) {
    assert.equal(within.length, expected.length, "nothing is held back");
  }
}

/** A stay of a reader that gets messages as they come. */
export interface Stay extends Asked {
  readonly way: Way;
  /** The clock when it began. */
  readonly since: number;
  /** Number of the step in which it began. */
  readonly step: number;
}

/**
 * Holds one message of a stream to the model. What was sent may have been
 * deleted or have expired on its way, but not before the stream was opened.
 */
export function checkStreamed(
  model: Model,
  stay: Stay,
  now: number,
  message: Listed,
): void {
  const { mailbox, after, since, step, bandwidth, way } = stay;
  const { cursor } = message;
  assert.ok(after === null || cursor > after, "behind the last one, and once");
  const own = model.messages.filter(({ stored }) => stored.mailbox === mailbox);
  const kept = own.find(({ stored }) => stored.cursor === cursor);
  assert.ok(kept, "it was stored here");
  const skipped = own.filter((one) =>
    (after === null || one.stored.cursor > after) &&
    one.stored.cursor < cursor && isVisible(one, now)
  );
  assert.deepEqual(
    skipped.map(({ stored }) => stored.cursor),
    [],
    "nothing is passed over",
  );
  const { deletedAt, stored: { holdUntil } } = kept;
  assert.ok(deletedAt === null || deletedAt >= step, "deleted long ago");
  assert.ok(holdUntil + TOMBSTONE_MS > since, "its tombstone was gone");
  if (message.expired) assert.ok(holdUntil <= now, "it is still held");
  else assert.ok(holdUntil > since, "it has expired");
  // It may have got better while it was on its way.
  checkFacts(kept, [kept, ...kept.former], message, bandwidth);
  count(model, way, message);
}

/** Whether a message that is held came without its body. */
export function isHint({ body, expired }: Listed): boolean {
  return body === null && !expired;
}

function count({ tally }: Model, way: Way, message: Listed): void {
  if (message.expired) {
    tally.count(way === "pages" ? "tombstones paged" : "tombstones streamed");
  }
  if (!isHint(message)) return;
  assert.ok(message.minBandwidth > 0);
  tally.count(
    way === "pages"
      ? "bodies too much for the link paged"
      : `bodies too much for the link streamed by ${way}`,
  );
}

function checkFacts(
  { stored, body, priority }: Kept,
  terms: readonly Terms[],
  message: Listed,
  bandwidth: number,
): void {
  const { id, object, size, storedAt, cursor } = stored;
  const { expired, body: _, holdUntil, minBandwidth, ...facts } = message;
  assert.deepEqual(
    facts,
    { cursor, id, object, size, priority, storedAt },
    "facts",
  );
  const known = terms.map((one) => [one.stored.holdUntil, one.minBandwidth]);
  assert.ok(
    known.some(([end, least]) => end === holdUntil && least === minBandwidth),
    `held until ${holdUntil} for ${minBandwidth} bit/s, of ${
      JSON.stringify(known)
    }`,
  );
  const isSent = !expired && bandwidth >= minBandwidth;
  const sent = bodyOf(message);
  assert.equal(sent !== null, isSent, "has a body");
  if (sent !== null) assert.ok(isSame(sent, body), "body, byte for byte");
}

/** Whether bytes are the same: deepEqual takes its time over long ones. */
export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
