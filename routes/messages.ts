/** `POST /v1/messages`: the one way in. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import {
  type AcceptedMessage,
  acceptMessage,
  type Wishes,
} from "../relay/accept.ts";
import type { Outcome } from "../relay/meters.ts";
import type { Relay } from "../relay/relay.ts";
import { PRIORITIES } from "../lib/object.ts";
import { Problem } from "../lib/problem.ts";
import { type Asked, askedOf } from "./asked.ts";
import { ENVELOPE_BODY, readEnvelope } from "./envelope_body.ts";
import type { HotRoute, JsonAnswer } from "./hot_routes.ts";
import { plainQueries } from "./plain_query.ts";
import { problemResponses } from "./problem.ts";
import type { UnpaidRequests } from "./unpaid.ts";
import { wholeNumber } from "./query.ts";

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
    description: "JWS; the same for the same message and hold",
  }),
  extended: z.literal(true).optional().meta({
    description: "It was stored before, and is held for longer now",
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
      "It was stored before, and nothing was charged: the same receipt, with a " +
        "later end where it brought more work or asks for all that was paid for",
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
      "rate-limited",
      "busy",
    ),
  },
});

/** Adds the route, and gives the shortest way to it. */
export function addMessages(
  app: OpenAPIHono,
  relay: Relay,
  unpaid: UnpaidRequests,
): HotRoute {
  const post = (asked: Asked, wishes: Wishes) =>
    answerPost(relay, unpaid, asked, wishes);
  app.openapi(route, async (c) => {
    const answer = await post(askedOf(c), c.req.valid("query"));
    return c.json(answer.body, answer.status, answer.headers);
  });
  const wishesOf = plainQueries((query) => queryForm.safeParse(query).data);
  return {
    path: route.path,
    isUnpaid: false,
    match(path, query) {
      if (path !== route.path) return null;
      const wishes = wishesOf(query);
      return wishes && ((asked) => post(asked, wishes));
    },
  };
}

async function answerPost(
  relay: Relay,
  unpaid: UnpaidRequests,
  asked: Asked,
  wishes: Wishes,
): Promise<JsonAnswer<200 | 201, z.infer<typeof storedForm>>> {
  unpaid.expectAddress(asked);
  const read = () => readEnvelope(asked, relay.limits);
  const accepted = await acceptMessage(relay, read, wishes)
    .catch((error) => {
      // Who is refused has paid nothing, and was answered all the same.
      const isTheirs = error instanceof Problem && error.status < 500;
      if (isTheirs) unpaid.chargeAddress(asked);
      throw error;
    });
  if (!accepted.created && !accepted.extended) unpaid.chargeAddress(asked);
  const { object, size, paid } = accepted.message;
  const isPaid = accepted.created || accepted.extended;
  relay.meters.accepted({
    outcome: outcomeOf(accepted),
    bytes: size,
    hashes: isPaid ? paid.hashes : 0,
  });
  return {
    status: accepted.created ? 201 : 200,
    headers: { Location: `/v1/objects/${object}`, ETag: `"${object}"` },
    body: answerOf(accepted),
  };
}

function outcomeOf({ created, extended }: AcceptedMessage): Outcome {
  if (created) return "stored";
  return extended ? "extended" : "repeated";
}

function answerOf({ message, extended, receipt }: AcceptedMessage) {
  const { id, object, mailbox, cursor, size, storedAt, holdUntil, paid } =
    message;
  return {
    id,
    object,
    mailbox,
    cursor,
    size,
    storedAt,
    holdUntil,
    paid,
    // No peer on the Minima network tells this relay of a block difficulty yet,
    // so there is none that it believes.
    block: false,
    receipt,
    ...(extended && { extended: true as const }),
  };
}
