/**
 * The shortest way to the routes that are asked most: what goes before every
 * route, in the same order, and nothing between. Whatever is not written plainly
 * goes the general way, which gives the same answers (tests/routes hold them to
 * that).
 */
import type { Relay } from "../relay/relay.ts";
import type { Upload, Uploads } from "../relay/uploads.ts";
import type { Asked } from "./asked.ts";
import { expectRoomOnConnection } from "./crowding.ts";
import type { Drain } from "./drain.ts";
import { failureResponse } from "./problem.ts";
import { idFor, REQUEST_ID } from "./request_id.ts";
import type { ServeInfo } from "./serve_info.ts";
import { quotaHeaders, type UnpaidRequests } from "./unpaid.ts";

/** An answer of JSON before it is written. */
export interface JsonAnswer<Status extends number, Body> {
  readonly status: Status;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
}

/** Answers a request that a hot route has matched. */
export type HotHandler = (
  asked: Asked,
) => Promise<JsonAnswer<number, unknown>>;

/** A route that has a way of its own. */
export interface HotRoute {
  /** As the general way calls it in the log. */
  readonly path: string;
  /** Whether nobody pays for it, and so it is counted before anything else. */
  readonly isUnpaid: boolean;
  /** What answers a POST of that path and query; null if they are not plain. */
  match(path: string, query: string): HotHandler | null;
}

/** What goes before every route. */
export interface Before {
  readonly relay: Relay;
  readonly drain: Drain;
  readonly unpaid: UnpaidRequests;
  readonly uploads: Uploads;
  /** On every answer. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The routes that have a way of their own. */
export class HotRoutes {
  readonly #before: Before;
  readonly #routes: readonly HotRoute[];

  constructor(before: Before, routes: readonly HotRoute[]) {
    this.#before = before;
    this.#routes = routes;
  }

  /** The answer to a request of one of them; null for any other. */
  answer(
    request: Request,
    info: Partial<ServeInfo>,
  ): Promise<Response> | null {
    if (request.method !== "POST") return null;
    const { url } = request;
    const start = url.indexOf("/", url.indexOf("://") + 3);
    const mark = url.indexOf("?");
    if (mark >= 0 && mark < start) return null; // of a host that is none
    const path = mark < 0 ? url.slice(start) : url.slice(start, mark);
    const query = mark < 0 ? "" : url.slice(mark + 1);
    for (const route of this.#routes) {
      const handler = route.match(path, query);
      if (handler !== null) return this.#answer(request, info, route, handler);
    }
    return null;
  }

  async #answer(
    request: Request,
    info: Partial<ServeInfo>,
    { path, isUnpaid }: HotRoute,
    handler: HotHandler,
  ): Promise<Response> {
    const { relay, drain, unpaid, uploads, headers } = this.#before;
    const id = idFor(request);
    let body: Upload | null = null as Upload | null;
    const asked: Asked = {
      request,
      info,
      id,
      beginBody: (giveUp) => body = uploads.begin(giveUp), // once
    };
    try {
      const answer = await drain.during(() => {
        expectRoomOnConnection(info);
        if (isUnpaid) unpaid.chargeAddress(asked);
        return handler(asked);
      });
      return new Response(JSON.stringify(answer.body), {
        status: answer.status,
        headers: {
          "Content-Type": "application/json",
          ...headers,
          ...answer.headers,
          [REQUEST_ID]: id,
        },
      });
    } catch (error) {
      return failureResponse(asked, relay, error, path, {
        ...headers,
        ...quotaHeaders(error),
        [REQUEST_ID]: id,
      });
    } finally {
      body?.[Symbol.dispose]();
    }
  }
}
