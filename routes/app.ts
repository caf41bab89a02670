/** The relay's HTTP side, put together. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { cors } from "hono/cors";
import { Problem } from "../lib/problem.ts";
import { VERSION } from "../lib/version.ts";
import { Access, SECURITY_SCHEMES } from "./access.ts";
import { PAGE_HEADERS } from "./page_forms.ts";
import { addDescriptor } from "./descriptor.ts";
import { Drain } from "./drain.ts";
import { addHandshakes } from "./handshakes.ts";
import { addHealth } from "./health.ts";
import { addInbox } from "./acknowledging.ts";
import { addMailboxes } from "./mailboxes.ts";
import { addMessages } from "./messages.ts";
import { addObjects } from "./objects.ts";
import { addPages } from "./pages.ts";
import { answerFailure, problemResponse } from "./problem.ts";
import { addQuotes } from "./quotes.ts";
import { addRead } from "./reading.ts";
import { addSocketTickets } from "./socket_tickets.ts";
import type { Relay } from "../relay/relay.ts";
import { Streams } from "../relay/streams.ts";

/** The headers that a page on another origin may read. */
const EXPOSED = [
  "Location",
  "ETag",
  "Retry-After",
  "WWW-Authenticate",
  "Content-Range",
  ...PAGE_HEADERS,
];

/** What answers requests for a relay. */
export interface RelayApp {
  /** Answers one request. */
  fetch(request: Request): Response | Promise<Response>;
  /**
   * Lets no more requests in, and ends once those under way have ended; gives
   * whether they have, for it does not wait for ever.
   */
  drain(): Promise<boolean>;
}

/** Builds what answers requests for a relay. */
export async function createApp(relay: Relay): Promise<RelayApp> {
  const drain = new Drain();
  const access = new Access(relay);
  const streams = new Streams();
  const app = new OpenAPIHono({
    defaultHook: (result) => {
      if (!result.success) {
        throw new Problem("malformed", explain(result.error.issues));
      }
    },
  });
  app.onError(answerFailure(relay));
  app.notFound((c) =>
    problemResponse(
      c,
      relay,
      new Problem("not-found", `there is no ${c.req.method} ${c.req.path}`),
    )
  );
  // Any page may use any relay: what is secret is asked for by token.
  app.use(
    cors({ origin: "*", exposeHeaders: EXPOSED, maxAge: 86_400 }),
    drain.middleware,
  );

  addDescriptor(app, relay);
  addHealth(app, relay);
  addMessages(app, relay);
  addQuotes(app, relay);
  await addHandshakes(app, relay);
  addMailboxes(app, relay);
  addRead(app, relay, access, streams);
  addSocketTickets(app, relay, access);
  addInbox(app, relay, access);
  addObjects(app, relay, access);
  addPages(app);
  addDocument(app, relay);
  return {
    fetch: app.fetch,
    drain: () => {
      streams.close();
      return drain.finish();
    },
  };
}

/** `GET /openapi.json`, generated from the routes. */
function addDocument(app: OpenAPIHono, relay: Relay): void {
  for (const [name, scheme] of Object.entries(SECURITY_SCHEMES)) {
    app.openAPIRegistry.registerComponent("securitySchemes", name, scheme);
  }
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "restante",
      version: VERSION,
      description: "An edge relay for end-to-end encrypted mail.",
      license: { name: "MIT" },
    },
    servers: [{ url: relay.url }],
  });
}

/** What is wrong with a request, by the path to each member. */
function explain(
  issues: readonly { path: PropertyKey[]; message: string }[],
): string {
  return issues.map(({ path, message }) =>
    `${path.join(".") || "request"}: ${message}`
  ).join("; ");
}
