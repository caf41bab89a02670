/** Tickets for WebSockets of browsers, which can send no proof. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Relay } from "../relay/relay.ts";
import { issueTicket, TICKET_FORM } from "../relay/tickets.ts";
import { type Access, TOKEN_SECURITY } from "./access.ts";
import { problemResponses } from "./problem.ts";

const ticketRoute = createRoute({
  method: "post",
  path: "/v1/mailboxes/{mailbox}/socket-tickets",
  tags: ["Mailboxes"],
  summary: "A ticket that opens one WebSocket",
  description: "Brought once within 30 seconds as the subprotocols " +
    "`restante.v1, ticket.<ticket>`, it lets one read what the token does.",
  security: TOKEN_SECURITY,
  request: { params: z.object({ mailbox: z.string() }) },
  responses: {
    201: {
      description: "The ticket",
      content: {
        "application/json": {
          schema: z.object({
            ticket: z.string().regex(TICKET_FORM),
            expires: z.int().meta({ description: "Unix milliseconds" }),
          }).openapi("SocketTicket"),
        },
      },
    },
    ...problemResponses("malformed", "unauthorized", "forbidden", "busy"),
  },
});

/** Adds the route. */
export function addSocketTickets(
  app: OpenAPIHono,
  relay: Relay,
  access: Access,
): void {
  app.openapi(ticketRoute, async (c) => {
    const grant = await access.owner(c, "read");
    const ticket = await issueTicket(relay, grant);
    c.header("Cache-Control", "no-store");
    return c.json(ticket, 201);
  });
}
