/**
 * From a request to a WebSocket (RFC 6455, 4.2). The upgrade cannot be taken
 * back: a handler that fails behind it ends Deno's whole server. So it takes
 * only what is made once nothing can be refused any more, and gives the answer.
 */
import type { Context } from "hono";
import { SUBPROTOCOLS } from "../lib/elements.ts";
import { Problem } from "../lib/problem.ts";
import type { Stay } from "../relay/stay.ts";
import type { ServeInfo } from "./serve_info.ts";
import { serveSocket, type Subprotocol } from "./socket.ts";

/** Milliseconds in which an upgraded connection has become a socket. */
const OPEN_WITHIN = 10_000;

declare const checked: unique symbol;

/** A request that asks for a WebSocket in the right words. */
export interface UpgradeRequest {
  readonly request: Request;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
  readonly info: Partial<ServeInfo>;
  readonly [checked]: true;
}

/**
 * Told when the client leaves. To be asked for before anything is waited for:
 * of one who left before that, nothing is ever heard.
 */
export function hearLeaving(c: Context): AbortSignal {
  const { signal } = c.req.raw;
  signal.addEventListener("abort", () => {}, { once: true });
  return signal;
}

/** The header fields that ask for a WebSocket. */
const FIELDS: readonly (readonly [name: string, form: RegExp])[] = [
  ["Upgrade", /(?:^|,)\s*websocket\s*(?:$|,)/i],
  ["Connection", /(?:^|,)\s*upgrade\s*(?:$|,)/i],
  ["Sec-WebSocket-Version", /^13$/],
  ["Sec-WebSocket-Key", /^[A-Za-z0-9+/]{21}[AQgw]==$/], // 16 bytes
];

/**
 * A request that can be upgraded.
 *
 * @throws {Problem} `malformed` if it asks for no WebSocket of version 13
 */
export function parseUpgrade(c: Context, signal: AbortSignal): UpgradeRequest {
  if (c.req.method !== "GET") {
    throw new Problem("malformed", "a WebSocket begins with GET");
  }
  for (const [name, form] of FIELDS) {
    if (form.test(c.req.header(name) ?? "")) continue;
    throw new Problem(
      "malformed",
      `this path is for WebSockets alone: ${name} is missing or none`,
    );
  }
  const info = (c.env ?? {}) as Partial<ServeInfo>;
  return { request: c.req.raw, signal, info } as UpgradeRequest;
}

/** Upgrades, and serves the stay. It is a handler's last call, and never fails. */
export function upgrade(
  { request, signal, info }: UpgradeRequest,
  stay: Stay,
): Response {
  const { relay, place } = stay;
  const offered = request.headers.get("Sec-WebSocket-Protocol");
  const subprotocol = firstKnown(offered);
  // A client that has left is not upgraded: its descriptor would be held on.
  if (signal.aborted) return refuse(stay);
  try {
    const { socket, response } = Deno.upgradeWebSocket(request);
    // Deno itself finds a protocol only where a space goes before it.
    if (subprotocol !== undefined) {
      response.headers.set("Sec-WebSocket-Protocol", subprotocol);
    }
    const release = info.connection?.hold();
    const free = () => {
      place.leave();
      release?.();
    };
    // One that never opens keeps its place: its descriptor is held as well.
    const callOff = relay.clock.after(
      OPEN_WITHIN,
      () => relay.log.warn("socket-not-opened"),
    );
    socket.onopen = () => {
      info.connection?.keepSocket();
      callOff();
      serveSocket(socket, stay, subprotocol);
    };
    socket.onclose = () => {
      callOff();
      free();
    };
    return response;
  } catch (error) {
    relay.log.error("socket-failed", { error });
    return refuse(stay);
  }
}

function refuse({ place }: Stay): Response {
  place.leave();
  return new Response(null, { status: 400 });
}

/** The first of the subprotocols that a client offers which we speak. */
function firstKnown(offered: string | null): Subprotocol | undefined {
  const names = offered?.split(",").map((name) => name.trim()) ?? [];
  return names.find(isSpoken);
}

function isSpoken(name: string): name is Subprotocol {
  return Object.values<string>(SUBPROTOCOLS).includes(name);
}
