/** Reading a mailbox: four ways, one cursor (DESIGN section 5). */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { CURSOR_FORM, parseCursor } from "../lib/cursor.ts";
import { ELEMENTS_TYPE, SUBPROTOCOLS } from "../lib/elements.ts";
import type { MailboxId } from "../lib/ids.ts";
import {
  DELIVERIES,
  type Delivery,
  deliveryOf,
  maxBodyOf,
  requirePushable,
} from "../relay/delivery.ts";
import { readPage } from "../relay/reading.ts";
import { type Access, TOKEN_SECURITY } from "./access.ts";
import { EVENT_STREAM_HEADERS, eventStream } from "./event_stream.ts";
import { cursorText, deviceName, mailboxParams } from "./forms.ts";
import { MAX_WAIT, waitForPage, waitOf } from "./long_poll.ts";
import { messageForm, messageJson } from "./message_json.ts";
import { isPreferred } from "./media_types.ts";
import { type CompactForm, compactPage, PAGE_TYPES } from "./page_forms.ts";
import { malformedBy } from "./malformed.ts";
import { problemResponses } from "./problem.ts";
import { wholeNumber } from "./query.ts";
import type { ServeInfo } from "./serve_info.ts";
import { beginStay, type StayOptions } from "../relay/stay.ts";
import { answerBytes, answerJson } from "./parts.ts";
import type { Backlog } from "../relay/backlog.ts";
import type { Relay } from "../relay/relay.ts";
import { Turns } from "../relay/turns.ts";
import type { Streams } from "../relay/streams.ts";
import { hearLeaving, parseUpgrade, upgrade } from "./upgrade.ts";

const DELIVERY_DESCRIPTION =
  "`full`: messages, with the bodies that the link is fast enough for. `link`: " +
  "what the declared link bears unasked. Above 1 Mbit/s messages, with bodies of " +
  "up to 4 KiB; above 10 kbit/s digests, 50 bytes a message (hash 32, size u32, " +
  "minBandwidth u32, expires u64 in Unix milliseconds, type u8, priority u8, " +
  "little-endian), in streams as event `digest` and at most one a minute; below " +
  "it hints, the 32 bytes of the hash, in answer to polls alone. The headers " +
  "`Restante-Next`, `-More` and `-Reset` say what a JSON page says.";

const ELEMENTS_DESCRIPTION =
  `With \`Accept: ${ELEMENTS_TYPE}\` a page of messages is elements, one after ` +
  "another: the length of the facts (u32), the facts, the length of the body " +
  "(u32), the body. Lengths are in bytes and little-endian; the facts are a " +
  "Message without `body`, JSON in UTF-8; a body of length 0 is null. The " +
  "headers `Restante-Next`, `-More` and `-Reset` say the rest. A WebSocket that " +
  `offers the subprotocol \`${SUBPROTOCOLS.binary}\` first gets each message as ` +
  "a binary frame, which is one element, and digests as text frames.";

/**
 * Pages of one mailbox that are made at once: a page is counted once it is made,
 * and may have megabytes.
 */
const READ_AT_ONCE = 4;

/** What a reader says of itself, whichever way it reads. */
const readerQuery = z.object({
  after: cursorText.optional().openapi({
    description: "A cursor; from the oldest held, if not given",
  }),
  bandwidth: wholeNumber(0, 1e12).optional().meta({
    description: "The reader's link in bits a second; any, if not given",
  }),
  delivery: z.enum(DELIVERIES).default("full").meta({
    description: DELIVERY_DESCRIPTION,
  }),
  reader: deviceName.optional().meta({
    description:
      "The device's name: from its first read on, what it did not acknowledge " +
      "is not deleted by what other devices acknowledge",
  }),
});

interface ReaderQuery {
  readonly after?: string | undefined;
  readonly bandwidth?: number | undefined;
  readonly delivery: typeof DELIVERIES[number];
  readonly reader?: string | undefined | null;
}

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
    "as `restante.v1, bearer.<token>`. " + ELEMENTS_DESCRIPTION,
  security: TOKEN_SECURITY,
  request: {
    params: mailboxParams,
    query: readerQuery.extend({ limit: wholeNumber(1, 1_000).default(100) }),
    headers: z.object({
      "last-event-id": z.string().optional().openapi({
        pattern: `^$|${CURSOR_FORM.source}`,
        description: "A cursor; goes before `after`, as a stream that is " +
          "connected again says both",
      }),
      prefer: z.string().optional().meta({
        description: `\`wait=25\`: seconds to wait, at most ${MAX_WAIT}`,
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
        [PAGE_TYPES.elements]: { schema: z.string() },
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
    ...problemResponses(
      "malformed",
      "unauthorized",
      "forbidden",
      "rate-limited",
      "busy",
    ),
  },
});

/** Adds the routes. */
export function addRead(
  app: OpenAPIHono,
  relay: Relay,
  access: Access,
  streams: Streams,
  backlog: Backlog,
): void {
  const turns = new Turns<MailboxId>(READ_AT_ONCE);
  app.openapi(readRoute, async (c) => {
    const grant = await access.owner(c, "read");
    const { limit, after, ...query } = c.req.valid("query");
    // An EventSource that connects again still sends the `after` it began with.
    const start = c.req.header("Last-Event-ID") || after;
    const { mailbox } = grant;
    const options = { mailbox, ...stayOptions({ ...query, after: start }) };
    const { delivery } = options;
    if (accepts(c, "text/event-stream")) {
      requirePushable(delivery);
      // What only wants the headers has nothing to stay for.
      if (c.req.method === "HEAD") {
        return c.body(null, 200, EVENT_STREAM_HEADERS);
      }
      const stay = await beginStay(relay, streams, grant, "events", options);
      return eventStream(stay, (c.env ?? {}) as Partial<ServeInfo>);
    }
    const wait = waitOf(c.req.header("Prefer"));
    using _turn = wait > 0 ? null : await turns.take(mailbox);
    const page = wait > 0
      ? await waitForPage(
        await beginStay(relay, streams, grant, "poll", options),
        limit,
        wait,
        c.req.raw.signal,
      )
      : await readOnce();
    c.header("Cache-Control", "no-store");
    if (wait > 0) c.header("Preference-Applied", `wait=${wait}`);
    const form = compactFormOf(c, delivery);
    if (form !== null) {
      const { body, headers } = compactPage(page, form);
      return answerBytes(c, backlog, body, { headers });
    }
    return answerJson(c, backlog, {
      ...page,
      messages: page.messages.map(messageJson),
    });

    async function readOnce() {
      const maxBody = maxBodyOf(delivery);
      return await readPage(relay, { ...options, maxBody, limit });
    }
  });

  // OpenAPI has no words for a WebSocket: the route above describes it.
  app.get("/v1/mailboxes/:mailbox/socket", async (c) => {
    const leaving = hearLeaving(c);
    const { grant, spend } = await access.socketOwner(c);
    const query = readerQuery.safeParse(c.req.query());
    if (!query.success) throw malformedBy(query.error);
    const options = { mailbox: grant.mailbox, ...stayOptions(query.data) };
    requirePushable(options.delivery);
    const request = parseUpgrade(c, leaving);
    const stay = await beginStay(relay, streams, grant, "socket", options);
    try {
      await spend();
    } catch (error) {
      stay.place.leave();
      throw error;
    }
    return upgrade(request, stay);
  });
}

function accepts(c: Context, type: string): boolean {
  return c.req.header("Accept")?.includes(type) ?? false;
}

/** The form of a page, if it is not JSON: what the link bears goes first. */
function compactFormOf(c: Context, delivery: Delivery): CompactForm | null {
  if (delivery === "digest" || delivery === "hint") return delivery;
  const accept = c.req.header("Accept");
  return isPreferred(PAGE_TYPES.elements, accept) ? "elements" : null;
}

/** A reader's wishes; a cursor that is none is refused here. */
function stayOptions(
  { after, bandwidth = Infinity, delivery, reader = null }: ReaderQuery,
): Omit<StayOptions, "mailbox"> {
  if (after !== undefined) parseCursor(after);
  return {
    after: after ?? null,
    bandwidth,
    delivery: deliveryOf(delivery, bandwidth),
    reader,
  };
}
