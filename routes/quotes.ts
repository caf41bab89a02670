/** `POST /v1/quotes`: the price, before anybody mines or pays. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { parseMailboxId } from "../lib/ids.ts";
import { hexTarget } from "../lib/work/target.ts";
import { quote } from "../relay/quote.ts";
import type { Relay } from "../relay/relay.ts";
import { jsonBody } from "./json_body.ts";
import { problemResponses } from "./problem.ts";
import { workForm } from "./work_form.ts";

const requestForm = z.object({
  bytes: z.int().positive().meta({ description: "Size of the whole envelope" }),
  seconds: z.int().positive().meta({ description: "Hold wanted" }),
  mailbox: z.string().optional().meta({
    description: "Mailbox id; how full it was an hour ago or two counts",
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
export function addQuotes(app: OpenAPIHono, relay: Relay): void {
  app.openapi(route, async (c) => {
    const { bytes, seconds, mailbox } = c.req.valid("json");
    const id = mailbox === undefined ? null : parseMailboxId(mailbox);
    const { work, fee, expires } = await quote(relay, {
      bytes,
      seconds,
      mailbox: id,
    });
    return c.json({
      work: { target: hexTarget(work.target), hashes: work.hashes },
      fee: { amount: fee, unit: "μ" as const },
      expires,
    }, 200);
  });
}
