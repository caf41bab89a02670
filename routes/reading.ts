/** Reading a mailbox: four ways, one cursor (DESIGN section 5). */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { readAfter } from "../kv/mail/read.ts";
import { parseCursor } from "../lib/cursor.ts";
import { Problem } from "../lib/problem.ts";
import { type Access, TOKEN_SECURITY } from "./access.ts";
import {
  compactPage,
  DELIVERIES,
  deliveryOf,
  maxBodyOf,
  PAGE_TYPES,
  requirePushable,
} from "./page_forms.ts";
import { eventStream } from "./event_stream.ts";
import { waitForPage, waitOf } from "./long_poll.ts";
import { messageForm, messageJson } from "./message_json.ts";
import { problemResponses } from "./problem.ts";
import { wholeNumber } from "./query.ts";
import { readingOf } from "../relay/stay.ts";
import type { Relay } from "../relay/relay.ts";
import { serveSocket, SUBPROTOCOL } from "./socket.ts";
import type { Streams } from "../relay/streams.ts";

const DELIVERY_DESCRIPTION =
  "`full`: messages, with the bodies that the link is fast enough for. `link`: " +
  "what the declared link bears unasked. Above 1 Mbit/s messages, with bodies of " +
  "up to 4 KiB; above 10 kbit/s digests, 50 bytes a message (hash 32, size u32, " +
  "minBandwidth u32, expires u64 in Unix milliseconds, type u8, priority u8, " +
  "little-endian), in streams as event `digest` and at most one a minute; below " +
  "it hints, the 32 bytes of the hash, in answer to polls alone. The headers " +
  "`Restante-Next`, `-More` and `-Reset` say what a JSON page says.";

const params = z.object({ mailbox: z.string() });

const readRoute = createRoute({
  method: "get",
  path: "/v1/mailboxes/{mailbox}/messages",
  tags: ["Mailboxes"],
  summary: "The messages behind a cursor, in order",
  description:
    "At once; or with `Prefer: wait=25` when there is something; or " +
    "with `Accept: text/event-stream` as events `open`, `message` and `end`, " +
    "the id being the cursor. The same over a WebSocket at " +
    "`/v1/mailboxes/{mailbox}/socket`, a text frame a message; browsers bring " +
    "a ticket as the subprotocols `restante.v1, ticket.<ticket>`, or the token " +
    "as `restante.v1, bearer.<token>`.",
  security: TOKEN_SECURITY,
  request: {
    params,
    query: z.object({
      after: z.string().optional().meta({
        description: "A cursor; from the oldest held, if not given",
      }),
      limit: wholeNumber(1, 1_000).default(100),
      bandwidth: wholeNumber(0, 1e12).optional()
        .meta({
          description: "The reader's link in bits a second; any, if not given",
        }),
      delivery: z.enum(DELIVERIES).default("full").meta({
        description: DELIVERY_DESCRIPTION,
      }),
    }),
  },
  responses: {
    200: {
      description: "A page of the mailbox, or a stream of it",
      content: {
        "text/event-stream": { schema: z.string() },
        [PAGE_TYPES.digest]: { schema: z.string() },
        [PAGE_TYPES.hint]: { schema: z.string() },
        "application/json": {
          schema: z.object({
            messages: z.array(messageForm),
            next: z.string().meta({ description: "The cursor to go on with" }),
            more: z.boolean().meta({
              description: "Whether there is more behind it now",
            }),
            reset: z.boolean().meta({
              description:
                "Whether `after` was not of this store, so that this is from the oldest held",
            }),
          }).openapi("Page"),
        },
      },
    },
    ...problemResponses("malformed", "unauthorized", "forbidden", "busy"),
  },
});

/** Adds the routes. */
export function addRead(
  app: OpenAPIHono,
  relay: Relay,
  access: Access,
  streams: Streams,
): void {
  app.openapi(readRoute, async (c) => {
    const grant = await access.owner(c, "read");
    const { limit, bandwidth = Infinity, after: asked, ...query } = c.req.valid(
      "query",
    );
    const delivery = deliveryOf(query.delivery, bandwidth);
    const after = startOf(
      asked ?? (c.req.header("Last-Event-ID") || undefined),
    );
    const { mailbox } = grant;
    const options = { mailbox, after, bandwidth, delivery };
    const reading = readingOf(relay, streams, grant, options);
    if (accepts(c, "text/event-stream")) {
      requirePushable(delivery);
      return eventStream(reading);
    }
    const wait = waitOf(c.req.header("Prefer"));
    const page = wait > 0
      ? await waitForPage(reading, limit, wait, c.req.raw.signal)
      : await readAfter(relay.store, {
        ...options,
        maxBody: maxBodyOf(delivery),
        limit,
        now: relay.now(),
      });
    c.header("Cache-Control", "no-store");
    if (wait > 0) c.header("Preference-Applied", `wait=${wait}`);
    if (delivery === "digest" || delivery === "hint") {
      const { body, headers } = compactPage(page, delivery);
      return c.body(body, 200, headers);
    }
    return c.json({ ...page, messages: page.messages.map(messageJson) }, 200);
  });

  // OpenAPI has no words for a WebSocket: the route above describes it.
  app.get("/v1/mailboxes/:mailbox/socket", async (c) => {
    const grant = await access.socketOwner(c);
    const after = startOf(c.req.query("after"));
    const bandwidth = bandwidthOf(c.req.query("bandwidth"));
    if (c.req.header("Upgrade")?.toLowerCase() !== "websocket") {
      throw new Problem("malformed", "this path is for WebSockets alone");
    }
    const hasProtocol = c.req.header("Sec-WebSocket-Protocol") !== undefined;
    const { socket, response } = Deno.upgradeWebSocket(
      c.req.raw,
      hasProtocol ? { protocol: SUBPROTOCOL } : {},
    );
    const delivery = deliveryOf(wayOf(c.req.query("delivery")), bandwidth);
    requirePushable(delivery);
    const options = { mailbox: grant.mailbox, after, bandwidth, delivery };
    const reading = readingOf(relay, streams, grant, options);
    socket.onopen = () => serveSocket(socket, reading);
    return response;
  });
}

function accepts(c: Context, type: string): boolean {
  return c.req.header("Accept")?.includes(type) ?? false;
}

/** Where to start; what is no cursor is refused before anything is sent. */
function startOf(after: string | undefined): string | null {
  if (after === undefined) return null;
  parseCursor(after);
  return after;
}

function wayOf(text = "full"): typeof DELIVERIES[number] {
  const way = DELIVERIES.find((way) => way === text);
  if (way !== undefined) return way;
  throw new Problem("malformed", `delivery: one of ${DELIVERIES.join(", ")}`);
}

function bandwidthOf(text: string | undefined): number {
  if (text === undefined) return Infinity;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new Problem("malformed", "bandwidth: not a whole number");
}
