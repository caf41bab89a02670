/** `POST /v1/quotes`: the price, before anybody mines or pays. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { requireMailbox } from "../kv/mail/mailboxes.ts";
import { parseMailboxId } from "../lib/ids.ts";
import { envelopeBytes } from "../lib/minima/maxtxpow.ts";
import { feeFor } from "../lib/money.ts";
import { Problem } from "../lib/problem.ts";
import { quoteWork } from "../lib/work/price.ts";
import { hexTarget } from "../lib/work/target.ts";
import type { Capacity } from "../relay/room.ts";
import { jsonBody } from "./json_body.ts";
import { problemResponses } from "./problem.ts";
import type { Relay } from "../relay/relay.ts";
import { workForm } from "./work_form.ts";

/** Milliseconds that a quote is worth planning with. */
const QUOTE_LIFETIME = 60_000;

const requestForm = z.object({
  bytes: z.int().positive().meta({ description: "Size of the whole envelope" }),
  seconds: z.int().positive().meta({ description: "Hold wanted" }),
  mailbox: z.string().optional().meta({
    description: "Mailbox id; its fill counts",
  }),
}).openapi("QuoteRequest");

const quoteForm = z.object({
  work: workForm,
  fee: z.object({ amount: z.int(), unit: z.literal("μ") }),
  expires: z.int().meta({ description: "Unix milliseconds" }),
}).openapi("Quote");

const route = createRoute({
  method: "post",
  path: "/v1/quotes",
  tags: ["Messages"],
  summary: "What storing a message would cost now",
  middleware: jsonBody,
  request: {
    body: {
      required: true,
      content: { "application/json": { schema: requestForm } },
    },
  },
  responses: {
    200: {
      description: "The price",
      content: { "application/json": { schema: quoteForm } },
    },
    ...problemResponses(
      "malformed",
      "mailbox-unknown",
      "too-large",
      "unsupported-media-type",
      "busy",
    ),
  },
});

/** Adds the route. */
export function addQuotes(
  app: OpenAPIHono,
  relay: Relay,
  capacity: Capacity,
): void {
  app.openapi(route, async (c) => {
    const { bytes, seconds, mailbox } = c.req.valid("json");
    const { min, max } = relay.price.holdSeconds;
    if (seconds < min || seconds > max) {
      throw new Problem(
        "malformed",
        `seconds is from ${min} to ${max}, not ${seconds}`,
      );
    }
    const limit = envelopeBytes(relay.limits);
    if (bytes > limit) {
      throw new Problem("too-large", `an envelope has at most ${limit} bytes`, {
        limit,
      });
    }
    const id = mailbox === undefined ? null : parseMailboxId(mailbox);
    if (id !== null) await requireMailbox(relay.store, id);
    const { fills } = await capacity.roomFor(id);
    const { target, hashes } = quoteWork(
      bytes,
      seconds,
      fills,
      relay.price,
    );
    return c.json({
      work: { target: hexTarget(target), hashes },
      fee: { amount: feeFor(bytes, seconds, relay.tariff), unit: "μ" as const },
      expires: relay.now() + QUOTE_LIFETIME,
    }, 200);
  });
}
