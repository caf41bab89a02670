/** A mailbox as its owner uses it: reading, acknowledging, deleting. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { acknowledge } from "../kv/mailboxes.ts";
import { deleteMessage } from "../kv/delete.ts";
import { type ListedMessage, readAfter } from "../kv/read.ts";
import { parseCursor } from "../lib/cursor.ts";
import { type Access, TOKEN_SECURITY } from "./access.ts";
import { jsonBody } from "./json_body.ts";
import { problemResponses } from "./problem.ts";
import { wholeNumber } from "./query.ts";
import type { Relay } from "./relay.ts";

const messageForm = z.object({
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

const params = z.object({ mailbox: z.string() });

const readRoute = createRoute({
  method: "get",
  path: "/v1/mailboxes/{mailbox}/messages",
  tags: ["Mailboxes"],
  summary: "The messages behind a cursor, in order",
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
    }),
  },
  responses: {
    200: {
      description: "A page of the mailbox",
      content: {
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

/** A device's name. */
const readerName = z.string().regex(/^[\w.-]{1,64}$/).default("default");

const ackRoute = createRoute({
  method: "post",
  path: "/v1/mailboxes/{mailbox}/ack",
  tags: ["Mailboxes"],
  summary: "Say what a device has; what all of them have is deleted",
  security: TOKEN_SECURITY,
  middleware: jsonBody,
  request: {
    params,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({ through: z.string(), reader: readerName }).openapi(
            "Ack",
          ),
        },
      },
    },
  },
  responses: {
    200: {
      description: "Noted",
      content: {
        "application/json": {
          schema: z.object({
            reader: z.string(),
            through: z.string(),
            deleted: z.int(),
          }).openapi("Acked"),
        },
      },
    },
    ...problemResponses(
      "malformed",
      "unauthorized",
      "forbidden",
      "too-large",
      "unsupported-media-type",
      "busy",
    ),
  },
});

const deleteRoute = createRoute({
  method: "delete",
  path: "/v1/mailboxes/{mailbox}/messages/{cursor}",
  tags: ["Mailboxes"],
  summary: "Delete one message",
  security: TOKEN_SECURITY,
  request: { params: params.extend({ cursor: z.string() }) },
  responses: {
    204: { description: "There is no such message (any more)" },
    ...problemResponses("malformed", "unauthorized", "forbidden", "busy"),
  },
});

/** Adds the routes. */
export function addInbox(
  app: OpenAPIHono,
  relay: Relay,
  access: Access,
): void {
  app.openapi(readRoute, async (c) => {
    const mailbox = await access.mailbox(c, "read");
    const { after = null, limit, bandwidth = Infinity } = c.req.valid("query");
    const page = await readAfter(relay.store, {
      mailbox,
      now: relay.now(),
      after,
      limit,
      bandwidth,
    });
    c.header("Cache-Control", "no-store");
    return c.json({ ...page, messages: page.messages.map(inJson) }, 200);
  });

  app.openapi(ackRoute, async (c) => {
    const mailbox = await access.mailbox(c, "ack");
    const { through, reader } = c.req.valid("json");
    const deleted = await acknowledge(
      relay.store,
      mailbox,
      reader,
      parseCursor(through),
    );
    return c.json({ reader, through, deleted }, 200);
  });

  app.openapi(deleteRoute, async (c) => {
    const mailbox = await access.mailbox(c, "ack");
    await deleteMessage(
      relay.store,
      mailbox,
      parseCursor(c.req.valid("param").cursor),
    );
    return c.body(null, 204);
  });
}

function inJson({ cursor, body, ...facts }: ListedMessage) {
  const encoded =
    body?.toBase64({ alphabet: "base64url", omitPadding: true }) ?? null;
  return { cursor, ...facts, body: encoded };
}
