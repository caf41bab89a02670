/** `GET /v1/mailboxes/<id>`: what anybody may know of a mailbox. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { requireMailbox } from "../kv/mail/mailboxes.ts";
import { parseMailboxId } from "../lib/ids.ts";
import { mailboxId, mailboxParams } from "./forms.ts";
import { close } from "../relay/closing.ts";
import { type Access, TOKEN_SECURITY } from "./access.ts";
import { problemResponses } from "./problem.ts";
import type { Relay } from "../relay/relay.ts";

const mailboxForm = z.object({
  id: mailboxId,
  publicKey: z.string().meta({ description: "Hex SPKI of the owner's key" }),
  names: z.array(z.string()),
  record: z.null().meta({
    description: "The owner's signed record; none can be left yet",
  }),
}).openapi("Mailbox");

const route = createRoute({
  method: "get",
  path: "/v1/mailboxes/{mailbox}",
  tags: ["Mailboxes"],
  summary: "Whether a mailbox is here, and its owner's key",
  request: { params: mailboxParams },
  responses: {
    200: {
      description: "It is",
      content: { "application/json": { schema: mailboxForm } },
    },
    ...problemResponses("malformed", "mailbox-unknown", "busy"),
  },
});

const closeRoute = createRoute({
  method: "delete",
  path: "/v1/mailboxes/{mailbox}",
  tags: ["Mailboxes"],
  summary: "Close a mailbox: its mail is deleted, and nobody can write to it",
  security: TOKEN_SECURITY,
  request: { params: mailboxParams },
  responses: {
    204: { description: "It is closed; the first handshake opens a new one" },
    ...problemResponses(
      "malformed",
      "unauthorized",
      "forbidden",
      "mailbox-unknown",
      "rate-limited",
      "busy",
    ),
  },
});

/** Adds the routes. */
export function addMailboxes(
  app: OpenAPIHono,
  relay: Relay,
  access: Access,
): void {
  app.openapi(closeRoute, async (c) => {
    await close(relay, await access.mailbox(c, "settings"));
    return c.body(null, 204);
  });

  app.openapi(route, async (c) => {
    const id = parseMailboxId(c.req.valid("param").mailbox);
    const mailbox = await requireMailbox(relay.store, id);
    return c.json({
      id,
      publicKey: mailbox.publicKey.toHex(),
      names: [],
      record: null,
    }, 200);
  });
}
