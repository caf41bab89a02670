/** A request with what is known of it, whichever way it comes to its handler. */
import type { Context } from "hono";
import type { Uploads } from "../relay/uploads.ts";
import { requestIdOf } from "./request_id.ts";
import type { ServeInfo } from "./serve_info.ts";

/** A request that is being answered. */
export interface Asked {
  readonly request: Request;
  /** What the server told of it. */
  readonly info: Partial<ServeInfo>;
  /** By which the operator finds it in the log. */
  readonly id: string | undefined;
  /** Begins its body, whose room is given back when it was answered. */
  readonly beginBody: Uploads["begin"];
}

/** What of the context begins a request's body. */
const BODY = "beginBody";

/** Goes with a context from here on: how its body begins. */
export function setBeginBody(c: Context, begin: Uploads["begin"]): void {
  c.set(BODY, begin);
}

/** The request of a context. */
export function askedOf(c: Context): Asked {
  const { raw: request } = c.req;
  const beginBody: Uploads["begin"] = (giveUp) => c.get(BODY)(giveUp);
  return { request, info: c.env ?? {}, id: requestIdOf(c), beginBody };
}
