/** What nobody pays for, is asked for so often a minute and no oftener. */
import type { MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import { subscriberOf } from "../lib/ip.ts";
import { BUCKET_WINDOW, Buckets, type RateState } from "../relay/buckets.ts";
import { clientAddress, type TrustedProxies } from "../relay/proxies.ts";
import { RateLimited } from "../relay/rate_limited.ts";
import type { Relay } from "../relay/relay.ts";
import { type Asked, askedOf } from "./asked.ts";
import type { PlainHeaders } from "./problem.ts";

/** What is paid for in work, or is for the operator's own tools. */
const FREE: ReadonlySet<string> = new Set([
  "POST /v1/messages",
  "GET /health",
  "GET /health/ready",
  "GET /metrics",
]);

/**
 * Whether a request is counted, before anything is known of it. Preflights are
 * answered before they come here.
 */
export function isUnpaid(method: string, path: string): boolean {
  return !FREE.has(`${method} ${path}`);
}

/** Counts what is unpaid, by address and by token. */
export class UnpaidRequests {
  readonly addresses: Buckets;
  readonly tokens: Buckets;
  readonly #relay: Relay;
  readonly #proxies: TrustedProxies;
  /** Whose connections are at an address, while nobody stands between. */
  readonly #peers = new Map<string, string>();

  /** Behind so many proxies, or those; 0 for none. */
  constructor(relay: Relay, proxies: TrustedProxies) {
    this.#relay = relay;
    this.#proxies = proxies;
    this.addresses = new Buckets(relay.caps.addressRate);
    this.tokens = new Buckets(relay.caps.tokenRate);
  }

  /** Goes before every route. */
  readonly middleware: MiddlewareHandler = createMiddleware(async (c, next) => {
    if (isUnpaid(c.req.method, c.req.path)) this.chargeAddress(askedOf(c));
    await next();
  });

  /** Goes before all others: what a refusal says stands in its headers too. */
  readonly headers: MiddlewareHandler = createMiddleware(async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(quotaHeaders(c.error))) {
      c.res.headers.set(name, value);
    }
  });

  /**
   * Charges a request to its client's address, where that is known: for every
   * request that pays nothing, and for a paid one that is refused for its price.
   *
   * @throws {RateLimited} if the address asked too often
   */
  chargeAddress(asked: Asked): void {
    const asker = this.#askerOf(asked);
    if (asker === null) return;
    const state = this.addresses.take(asker, this.#relay.clock.monotonic());
    if (!state.isAllowed) throw tooOften(this.addresses, "address", state);
  }

  /**
   * Refuses what may have to be charged to an address that has nothing left:
   * before it costs more than this look.
   *
   * @throws {RateLimited}
   */
  expectAddress(asked: Asked): void {
    const asker = this.#askerOf(asked);
    if (asker === null) return;
    const state = this.addresses.look(asker, this.#relay.clock.monotonic());
    if (state.isAllowed) return;
    this.addresses.refused++;
    throw tooOften(this.addresses, "address", state);
  }

  /**
   * Charges a request to its token.
   *
   * @throws {RateLimited} if the token was used too often
   */
  chargeToken(token: string): void {
    const state = this.tokens.take(token, this.#relay.clock.monotonic());
    if (!state.isAllowed) throw tooOften(this.tokens, "token", state);
  }

  /** Who asks: null where the server does not say. */
  #askerOf({ request, info: { remoteAddr } }: Asked): string | null {
    if (remoteAddr === undefined) return null;
    const { hostname } = remoteAddr;
    if (this.#proxies === 0) return this.#peerOf(hostname);
    const forwarded = request.headers.get("X-Forwarded-For") ?? undefined;
    return askerBehind(hostname, forwarded, this.#proxies);
  }

  /** The same address asks again and again: it is read once. */
  #peerOf(hostname: string): string {
    const known = this.#peers.get(hostname);
    if (known !== undefined) return known;
    const asker = askerBehind(hostname, undefined, this.#proxies);
    if (this.#peers.size >= MOST_PEERS) this.#peers.clear();
    this.#peers.set(hostname, asker);
    return asker;
  }
}

/** Addresses that are remembered as they were read. */
const MOST_PEERS = 1_000;

function askerBehind(
  hostname: string,
  forwarded: string | undefined,
  proxies: TrustedProxies,
): string {
  const client = clientAddress(hostname, forwarded, proxies);
  return client === null ? hostname : subscriberOf(client);
}

/** What a refusal says of a quota stands in the headers of its answer too. */
export function quotaHeaders(error: unknown): PlainHeaders {
  return error instanceof RateLimited ? error.headers : NO_HEADERS;
}

const NO_HEADERS: PlainHeaders = {};

function tooOften(
  { quota }: Buckets,
  name: string,
  { seconds }: RateState,
): RateLimited {
  const window = BUCKET_WINDOW / 1_000;
  return new RateLimited(
    `one ${name} may ask ${quota} times in ${window} seconds`,
    { name, quota, window, seconds },
  );
}
