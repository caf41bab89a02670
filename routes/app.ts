/** The relay's HTTP side, put together. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { cors } from "hono/cors";
import { Backlog } from "../relay/backlog.ts";
import type { TrustedProxies } from "../relay/proxies.ts";
import { Uploads } from "../relay/uploads.ts";
import { Access } from "./access.ts";
import { allowedMethods, answerUnknown } from "./allow.ts";
import { refuseCrowds } from "./crowding.ts";
import { bodyRoom } from "./body.ts";
import { addDocument } from "./document.ts";
import { PAGE_HEADERS } from "./page_forms.ts";
import { addDescriptor } from "./descriptor.ts";
import { Drain } from "./drain.ts";
import { addHandshakes } from "./handshakes.ts";
import { addHealth } from "./health.ts";
import { HotRoutes } from "./hot_routes.ts";
import { addInbox } from "./acknowledging.ts";
import { addMailboxes } from "./mailboxes.ts";
import { addMessages } from "./messages.ts";
import { addMetrics } from "./metrics.ts";
import { addObjects } from "./objects.ts";
import { addPages } from "./pages.ts";
import { malformedBy } from "./malformed.ts";
import { answerFailure } from "./problem.ts";
import type { ServeInfo } from "./serve_info.ts";
import { UnpaidRequests } from "./unpaid.ts";
import { addQuotes } from "./quotes.ts";
import { addRead } from "./reading.ts";
import { addSocketTickets } from "./socket_tickets.ts";
import { REQUEST_ID, requestIds } from "./request_id.ts";
import { Pulse } from "../relay/pulse.ts";
import type { Relay } from "../relay/relay.ts";
import { Streams } from "../relay/streams.ts";

/** The headers that a page on another origin may read. */
const EXPOSED = [
  "Location",
  "ETag",
  "Retry-After",
  "RateLimit",
  "RateLimit-Policy",
  "Allow",
  "WWW-Authenticate",
  "Content-Range",
  REQUEST_ID,
  ...PAGE_HEADERS,
];

/** What answers requests for a relay. */
export interface RelayApp {
  /** Answers one request; what is known of its connection may be told. */
  fetch(request: Request, info?: ServeInfo): Response | Promise<Response>;
  /** What is used now of what strangers may use. */
  readonly use: EdgeUse;
  /**
   * Lets no more requests in, and ends once those under way have ended; gives
   * whether they have, for it does not wait for ever.
   */
  drain(): Promise<boolean>;
}

/** What strangers use of a worker; each says what was refused as well. */
export interface EdgeUse {
  readonly streams: Streams;
  readonly backlog: Backlog;
  readonly uploads: Uploads;
  readonly unpaid: UnpaidRequests;
  readonly drain: Drain;
}

/** What stands around an app. */
export interface AppOptions {
  /** The proxies whose word is taken for who asks; none, if not said. */
  readonly proxies?: TrustedProxies;
}

/** Builds what answers requests for a relay. */
export async function createApp(
  relay: Relay,
  { proxies = 0 }: AppOptions = {},
): Promise<RelayApp> {
  const { clock, caps } = relay;
  const drain = new Drain(clock);
  const unpaid = new UnpaidRequests(relay, proxies);
  const access = new Access(relay, unpaid);
  const backlog = new Backlog(clock, caps);
  const streams = new Streams(clock, caps, backlog);
  const uploads = new Uploads(clock, caps);
  const pulse = new Pulse(relay.store, clock);
  const app = new OpenAPIHono({
    defaultHook: (result) => {
      if (!result.success) throw malformedBy(result.error);
    },
  });
  app.onError(answerFailure(relay));
  // Any page may use any relay: what is secret is asked for by token.
  app.use(
    requestIds(),
    cors({ origin: "*", exposeHeaders: EXPOSED, maxAge: 86_400 }),
    unpaid.headers,
    drain.middleware,
    refuseCrowds,
    unpaid.middleware,
    bodyRoom(uploads),
  );

  addDescriptor(app, relay);
  addHealth(app, { pulse, isDraining: () => streams.closing.aborted });
  addMetrics(app, relay, clock);
  const posts = addMessages(app, relay, unpaid);
  addQuotes(app, relay);
  const answers = await addHandshakes(app, relay);
  addMailboxes(app, relay, access);
  addRead(app, relay, access, streams, backlog);
  addSocketTickets(app, relay, access);
  addInbox(app, relay, access);
  addObjects(app, relay, access, backlog);
  addPages(app, backlog);
  addDocument(app, relay, backlog);
  app.notFound(answerUnknown(relay, allowedMethods(app)));
  const headers = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": EXPOSED.join(","),
  };
  const hot = new HotRoutes({ relay, drain, unpaid, uploads, headers }, [
    posts,
    answers,
  ]);
  return {
    fetch: (request, info) =>
      hot.answer(request, info ?? {}) ?? app.fetch(request, { ...info }),
    use: { streams, backlog, uploads, unpaid, drain },
    drain: async () => {
      streams.close();
      const isEmpty = await drain.finish();
      uploads[Symbol.dispose]();
      return isEmpty;
    },
  };
}
