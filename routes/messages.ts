/** `POST /v1/messages`: the one way in. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { findMailbox, mailboxUnknown } from "../kv/mail/mailboxes.ts";
import { commitMessage, findMessage } from "../kv/mail/accept.ts";
import type { StoredMessage } from "../kv/mail/entry.ts";
import { mailboxIdOf } from "../lib/ids.ts";
import type { MaxTxPow } from "../lib/minima/maxima.ts";
import { decodeMaxTxPow } from "../lib/minima/maxtxpow.ts";
import { PRIORITIES } from "../lib/object.ts";
import { Problem } from "../lib/problem.ts";
import { signReceipt } from "../lib/receipt.ts";
import {
  checkTime,
  checkWork,
  type MessageWork,
  timeOf,
} from "../lib/work/check.ts";
import { priceHold, quoteWork, workMembers } from "../lib/work/price.ts";
import { hashesOf } from "../lib/work/target.ts";
import type { Capacity } from "../relay/room.ts";
import { ENVELOPE_BODY, readEnvelope } from "./envelope_body.ts";
import { problemResponses } from "./problem.ts";
import { wholeNumber } from "./query.ts";
import type { Relay } from "../relay/relay.ts";

const storedForm = z.object({
  id: z.string().meta({ description: "Message id, hex" }),
  object: z.string().meta({
    description: "BLAKE3-256 of the stored bytes, hex",
  }),
  mailbox: z.string(),
  cursor: z.string(),
  size: z.int().meta({ description: "Bytes stored" }),
  storedAt: z.int().meta({ description: "Unix milliseconds" }),
  holdUntil: z.int().meta({ description: "Unix milliseconds" }),
  paid: z.object({ by: z.literal("work"), hashes: z.int() }),
  block: z.boolean().meta({
    description: "Whether the work mined a block that the relay believes",
  }),
  receipt: z.string().meta({
    description: "JWS; the same for the same message",
  }),
}).openapi("StoredMessage");

const stored = (description: string) => ({
  description,
  headers: z.object({ Location: z.string(), ETag: z.string() }),
  content: { "application/json": { schema: storedForm } },
});

/** The relay's bounds of a hold are looked at in the handler. */
const queryForm = z.object({
  minBandwidth: wholeNumber(0, 2 ** 32 - 1).default(0)
    .meta({ description: "Bits a second below which a reader gets no body" }),
  priority: z.enum(PRIORITIES).default("normal"),
  hold: wholeNumber(1, 2 ** 32 - 1).optional()
    .meta({ description: "Seconds wanted; all that is paid for, if not said" }),
});

const route = createRoute({
  method: "post",
  path: "/v1/messages",
  tags: ["Messages"],
  summary: "Store a message that was paid for in work",
  request: { query: queryForm, body: ENVELOPE_BODY },
  responses: {
    201: stored("The message is stored, and paid for once"),
    200: stored(
      "It was stored before: the same receipt, and nothing was charged",
    ),
    ...problemResponses(
      "malformed",
      "mailbox-unknown",
      "too-large",
      "unsupported-media-type",
      "wrong-hash",
      "work-insufficient",
      "work-stale",
      "mailbox-full",
      "relay-full",
      "busy",
    ),
  },
});

/** Adds the route. */
export function addMessages(
  app: OpenAPIHono,
  relay: Relay,
  capacity: Capacity,
): void {
  app.openapi(route, async (c) => {
    const { hold: wanted, minBandwidth, priority } = c.req.valid("query");
    checkWanted(relay, wanted);
    const body = await readEnvelope(c, relay);
    const unit = decodeMaxTxPow(body, relay.limits);
    const work = await checkWorkOrQuote(
      relay,
      capacity,
      unit,
      body.length,
      wanted,
    );
    // None of these waits for another; what they say is looked at in order.
    const [before, mailbox, room] = await Promise.all([
      findMessage(relay.store, work.messageId),
      findMailbox(relay.store, work.mailbox),
      capacity.roomFor(work.mailbox),
    ]);
    if (before !== null) {
      return c.json(await answer(relay, before), 200, headersFor(before));
    }
    if (mailbox === null) throw mailboxUnknown(work.mailbox);
    const now = relay.now();
    checkTime(unit.txPow.header, now, relay.window);
    room.expect(body.length);
    const hold = priceHold(
      { size: body.length, target: work.target, wanted },
      room.fills,
      relay.price,
    );
    const { message, created } = await commitMessage(relay.store, {
      id: work.messageId,
      mailbox: work.mailbox,
      body,
      paid: { by: "work", hashes: hashesOf(work.target) },
      hold,
      minBandwidth,
      priority,
      workUntil: timeOf(unit.txPow.header) + relay.window.back,
    }, now);
    return c.json(
      await answer(relay, message),
      created ? 201 : 200,
      headersFor(message),
    );
  });
}

/** A refusal for too little work says what would do for this size and hold. */
async function checkWorkOrQuote(
  { price }: Relay,
  capacity: Capacity,
  unit: MaxTxPow,
  size: number,
  wanted: number | undefined,
): Promise<MessageWork> {
  try {
    return checkWork(unit);
  } catch (error) {
    const isTooLittle = error instanceof Problem &&
      error.code === "work-insufficient";
    if (!isTooLittle) throw error;
    const seconds = wanted ?? price.holdSeconds.min;
    const { fills } = await capacity.roomFor(mailboxIdOf(unit.package.to));
    const quote = quoteWork(size, seconds, fills, price);
    throw new Problem(error.code, error.message, workMembers(quote, seconds));
  }
}

function checkWanted({ price }: Relay, wanted: number | undefined): void {
  const { min, max } = price.holdSeconds;
  if (wanted === undefined || (wanted >= min && wanted <= max)) return;
  throw new Problem(
    "malformed",
    `hold is from ${min} to ${max} seconds, not ${wanted}`,
  );
}

async function answer(relay: Relay, message: StoredMessage) {
  const { id, object, mailbox, cursor, size, storedAt, holdUntil, paid } =
    message;
  const receipt = await signReceipt(relay.keys.signing, {
    sub: mailbox,
    jti: id,
    object,
    size,
    cursor,
    iat: Math.floor(storedAt / 1_000),
    exp: Math.floor(holdUntil / 1_000),
    paid,
  });
  // No peer on the Minima network tells this relay of a block difficulty yet,
  // so there is none that it believes.
  return {
    id,
    object,
    mailbox,
    cursor,
    size,
    storedAt,
    holdUntil,
    paid,
    block: false,
    receipt,
  };
}

function headersFor({ object }: StoredMessage): Record<string, string> {
  return { Location: `/v1/objects/${object}`, ETag: `"${object}"` };
}
