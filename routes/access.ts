/** Who may do what: tokens, their scopes and their proofs, on every call. */
import type { Context } from "hono";
import { verifyProof } from "../lib/dpop.ts";
import { type MailboxId, parseMailboxId } from "../lib/ids.ts";
import { Problem } from "../lib/problem.ts";
import { type Grant, type Scope, verifyToken } from "../lib/token.ts";
import type { Relay } from "./relay.ts";

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

/**
 * The mailbox in the request's path, once its token allows the scope there.
 *
 * @throws {Problem} `unauthorized`, `forbidden` or `malformed`
 */
export async function authorizeMailbox(
  c: Context,
  relay: Relay,
  scope: Scope,
): Promise<MailboxId> {
  const grant = await authorize(c, relay, scope);
  const mailbox = parseMailboxId(c.req.param("mailbox") ?? "");
  if (grant.mailbox !== mailbox) {
    throw new Problem("forbidden", "the token is for another mailbox");
  }
  return mailbox;
}

/**
 * What the request's token grants, once it allows the scope.
 *
 * @throws {Problem} `unauthorized` or `forbidden`
 */
export async function authorize(
  c: Context,
  relay: Relay,
  scope: Scope,
): Promise<Grant> {
  const header = c.req.header("Authorization");
  if (header === undefined) {
    throw new Problem("unauthorized", "the request has no Authorization");
  }
  const [, scheme = "", token = ""] =
    /^(Bearer|DPoP) +([\w.~+/=-]+)$/i.exec(header) ?? [];
  if (token === "") {
    throw new Problem(
      "unauthorized",
      "Authorization is to be DPoP or Bearer and a token",
    );
  }
  const now = relay.now();
  const grant = await verifyToken(relay.keys.signing, token, now);
  const usesProof = scheme.toLowerCase() === "dpop";
  if (grant.jkt !== null && usesProof) {
    await checkProof(c, relay, token, grant.jkt, now);
  } else if (grant.jkt !== null) {
    throw new Problem(
      "unauthorized",
      "the token is bound to a key: send it as DPoP, with a proof",
    );
  } else if (usesProof) {
    throw new Problem(
      "unauthorized",
      "the token is bound to no key: send it as Bearer",
    );
  }
  if (!grant.scopes.includes(scope)) {
    throw new Problem("forbidden", `the token lacks the scope ${scope}`);
  }
  return grant;
}

async function checkProof(
  c: Context,
  relay: Relay,
  token: string,
  jkt: string,
  now: number,
): Promise<void> {
  const proof = c.req.header("DPoP");
  if (proof === undefined) {
    throw new Problem("unauthorized", "the request has no DPoP proof");
  }
  const id = await verifyProof(proof, {
    method: c.req.method,
    urls: namesOf(c, relay),
    token,
    jkt,
    now,
  });
  if (!relay.proofs.note(id, now)) {
    throw new Problem("unauthorized", "the DPoP proof was used before");
  }
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
