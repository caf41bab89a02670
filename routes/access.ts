/** Who may do what: tokens, their scopes and their proofs, on every call. */
import type { Context } from "hono";
import { PROOF_WINDOW, verifyProof } from "../lib/dpop.ts";
import { type MailboxId, parseMailboxId } from "../lib/ids.ts";
import { Problem } from "../lib/problem.ts";
import { type Scope, type VerifiedGrant, verifyToken } from "../lib/token.ts";
import type { Relay } from "../relay/relay.ts";
import { SeenLog } from "../relay/seen_log.ts";

/** How a token is presented, for the OpenAPI document. */
export const TOKEN_SECURITY: Record<string, string[]>[] = [{ dpop: [] }, {
  bearer: [],
}];

/** The schemes that {@link TOKEN_SECURITY} names. */
export const SECURITY_SCHEMES = {
  dpop: {
    type: "http",
    scheme: "DPoP",
    description:
      "A token bound to the client's key, and a proof in the DPoP header (RFC 9449)",
  },
  bearer: { type: "http", scheme: "Bearer", bearerFormat: "JWT" },
} as const;

/** A proof's time may lie this far on both sides of the clock. */
const PROOF_KEPT = 2 * PROOF_WINDOW * 1_000;

/** Checks tokens, and remembers the proofs that came with them. */
export class Access {
  readonly #relay: Relay;
  readonly #proofs = new SeenLog(PROOF_KEPT);

  constructor(relay: Relay) {
    this.#relay = relay;
  }

  /**
   * The mailbox in the request's path, once its token allows the scope there.
   *
   * @throws {Problem} `unauthorized`, `forbidden` or `malformed`
   */
  async mailbox(c: Context, scope: Scope): Promise<MailboxId> {
    return (await this.owner(c, scope)).mailbox;
  }

  /** The grant of the same: what {@link Access.mailbox} is taken from. */
  async owner(c: Context, scope: Scope): Promise<VerifiedGrant> {
    const grant = await this.grant(c, scope);
    const mailbox = parseMailboxId(c.req.param("mailbox") ?? "");
    if (grant.mailbox === mailbox) return grant;
    throw new Problem("forbidden", "the token is for another mailbox");
  }

  /**
   * What the request's token grants, once it allows the scope.
   *
   * @throws {Problem} `unauthorized` or `forbidden`
   */
  async grant(c: Context, scope: Scope): Promise<VerifiedGrant> {
    const { scheme, token } = credentialsOf(c);
    const now = this.#relay.now();
    const grant = await verifyToken(this.#relay.keys.signing, token, now);
    const expected = grant.jkt === null ? "bearer" : "dpop";
    if (scheme !== expected) {
      throw new Problem(
        "unauthorized",
        `the token is to be sent as ${expected}`,
      );
    }
    if (grant.jkt !== null) await this.#checkProof(c, token, grant.jkt, now);
    if (grant.scopes.includes(scope)) return grant;
    throw new Problem("forbidden", `the token lacks the scope ${scope}`);
  }

  async #checkProof(
    c: Context,
    token: string,
    jkt: string,
    now: number,
  ): Promise<void> {
    const proof = c.req.header("DPoP");
    if (proof === undefined) {
      throw new Problem("unauthorized", "the request has no DPoP proof");
    }
    const urls = namesOf(c, this.#relay);
    const { method } = c.req;
    const id = await verifyProof(proof, { method, urls, token, jkt, now });
    if (this.#proofs.note(id, now)) return;
    throw new Problem("unauthorized", "the DPoP proof was used before");
  }
}

/** The scheme, in lower case, and the token of a request. */
function credentialsOf(c: Context): { scheme: string; token: string } {
  const header = c.req.header("Authorization");
  const protocols = c.req.header("Sec-WebSocket-Protocol") ?? "";
  // A browser's WebSocket can send no headers, but these.
  const [, brought] =
    /(?:^|[,\s])bearer\.([\w.-]+)(?:$|[,\s])/.exec(protocols) ??
      [];
  if (header === undefined && brought !== undefined) {
    return { scheme: "bearer", token: brought };
  }
  if (header === undefined) {
    throw new Problem("unauthorized", "the request has no Authorization");
  }
  const [, scheme, token] = /^(Bearer|DPoP) +([\w.~+/=-]+)$/i.exec(header) ??
    [];
  if (scheme !== undefined && token !== undefined) {
    return { scheme: scheme.toLowerCase(), token };
  }
  throw new Problem(
    "unauthorized",
    "Authorization is to be DPoP or Bearer and a token",
  );
}

/**
 * The URLs that a proof may give: below the relay's own, and on a loopback host
 * also below the one the request came by.
 */
function namesOf(c: Context, relay: Relay): string[] {
  const { origin, hostname, pathname } = new URL(c.req.url);
  const isLoopback = ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  return [relay.url, ...(isLoopback ? [origin] : [])].map((base) =>
    base + pathname
  );
}
