/** Who may do what: tokens, their scopes and their proofs, on every call. */
import type { Context } from "hono";
import { PROOF_WINDOW, verifyProof } from "../lib/dpop.ts";
import { type MailboxId, parseMailboxId } from "../lib/ids.ts";
import { Problem } from "../lib/problem.ts";
import type { Scope, VerifiedGrant } from "../lib/token.ts";
import type { Relay } from "../relay/relay.ts";
import { SeenLog } from "../relay/seen_log.ts";
import { type Leave, leaveByTicket } from "../relay/tickets.ts";
import { VerifiedTokens } from "../relay/verified_tokens.ts";
import type { UnpaidRequests } from "./unpaid.ts";

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
  readonly #unpaid: UnpaidRequests;
  readonly #proofs = new SeenLog(PROOF_KEPT);
  readonly #tokens: VerifiedTokens;

  constructor(relay: Relay, unpaid: UnpaidRequests) {
    this.#relay = relay;
    this.#unpaid = unpaid;
    this.#tokens = new VerifiedTokens(relay.keys.signing);
  }

  /**
   * The mailbox in the request's path, once its token allows the scope there.
   *
   * @throws {Problem} `unauthorized`, `forbidden`, `rate-limited` or `malformed`
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
   * What a WebSocket to the mailbox in the path may read, by its ticket, which is
   * not spent by this, or by its token.
   *
   * @throws {Problem} `unauthorized`, `forbidden`, `rate-limited` or `malformed`
   */
  async socketOwner(c: Context): Promise<Leave> {
    const ticket = ticketOf(c);
    if (ticket === null) {
      const grant = await this.owner(c, "read");
      return { grant, spend: async () => {} };
    }
    const mailbox = parseMailboxId(c.req.param("mailbox") ?? "");
    const leave = await leaveByTicket(this.#relay, mailbox, ticket);
    this.#unpaid.chargeToken(leave.grant.id);
    await this.#refuseRevoked(leave.grant);
    return leave;
  }

  /**
   * What the request's token grants, once it allows the scope.
   *
   * @throws {Problem} `unauthorized`, `forbidden` or `rate-limited`
   */
  async grant(c: Context, scope: Scope): Promise<VerifiedGrant> {
    const { scheme, token } = credentialsOf(c);
    const now = this.#relay.now();
    const grant = await this.#tokens.verify(token, now);
    const expected = grant.jkt === null ? "bearer" : "dpop";
    if (scheme !== expected) {
      throw new Problem(
        "unauthorized",
        `the token is to be sent as ${expected}`,
      );
    }
    if (grant.jkt !== null) await this.#checkProof(c, token, grant.jkt, now);
    this.#unpaid.chargeToken(grant.id);
    await this.#refuseRevoked(grant);
    if (grant.scopes.includes(scope)) return grant;
    throw new Problem("forbidden", `the token lacks the scope ${scope}`);
  }

  async #refuseRevoked(grant: VerifiedGrant): Promise<void> {
    if (await this.#relay.revocations.isRevoked(grant)) {
      throw new Problem("unauthorized", "the token was revoked");
    }
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
    const { method } = c.req;
    const { pathname } = new URL(c.req.url);
    const urls = this.#relay.origins.map((origin) => origin + pathname);
    const id = await verifyProof(proof, { method, urls, token, jkt, now });
    if (this.#proofs.note(id, now)) return;
    throw new Problem("unauthorized", "the DPoP proof was used before");
  }
}

/** The ticket among the subprotocols, where no header has a token. */
function ticketOf(c: Context): string | null {
  if (c.req.header("Authorization") !== undefined) return null;
  const protocols = c.req.header("Sec-WebSocket-Protocol") ?? "";
  return /(?:^|[,\s])ticket\.([\w-]{43})(?:$|[,\s])/.exec(protocols)?.[1] ??
    null;
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
