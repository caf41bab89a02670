/** A mailbox as its owner keeps it: acknowledging and deleting. */
import type { Context } from "hono";
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { acknowledge } from "../kv/mail/readers.ts";
import { deleteMessage } from "../kv/mail/delete.ts";
import { parseCursor } from "../lib/cursor.ts";
import type { MailboxId } from "../lib/ids.ts";
import { type Access, TOKEN_SECURITY } from "./access.ts";
import { cursorText, deviceName, mailboxParams } from "./forms.ts";
import { jsonBody } from "./json_body.ts";
import { problemResponses } from "./problem.ts";
import type { Relay } from "../relay/relay.ts";

const ackRoute = createRoute({
  method: "post",
  path: "/v1/mailboxes/{mailbox}/ack",
  tags: ["Mailboxes"],
  summary: "Say what a device has; what all of them have is deleted",
  security: TOKEN_SECURITY,
  middleware: jsonBody,
  request: {
    params: mailboxParams,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({
            through: cursorText,
            reader: deviceName.default("default"),
          }).openapi("Ack"),
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
  request: { params: mailboxParams.extend({ cursor: cursorText }) },
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
  // Whose token does not allow it is told so before any body is read; a proof is
  // good for once, so what this finds is kept for the route.
  const allowed = new WeakMap<Context, MailboxId>();
  app.post(ackRoute.getRoutingPath(), async (c, next) => {
    allowed.set(c, await access.mailbox(c, "ack"));
    await next();
  });
  app.openapi(ackRoute, async (c) => {
    const mailbox = allowed.get(c);
    if (mailbox === undefined) throw new Error("nobody looked at the token");
    const { through, reader } = c.req.valid("json");
    const deleted = await acknowledge(
      relay.store,
      mailbox,
      reader,
      parseCursor(through),
      relay.now(),
    );
    return c.json({ reader, through, deleted }, 200);
  });

  app.openapi(deleteRoute, async (c) => {
    const mailbox = await access.mailbox(c, "ack");
    await deleteMessage(
      relay.store,
      mailbox,
      parseCursor(c.req.valid("param").cursor),
      relay.now(),
    );
    return c.body(null, 204);
  });
}
