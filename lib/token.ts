/**
 * Access tokens: signed JWTs (with the claims of RFC 9068) that let their bearer
 * use one mailbox for a quarter of an hour.
 */
import { jwtVerify, SignJWT } from "jose";
import { type MailboxId, parseMailboxId } from "./ids.ts";
import { Problem } from "./problem.ts";
import { type RandomBytes, systemRandom } from "./random.ts";
import type { SigningKey } from "./signing_key.ts";

/** What a token may allow. */
export const SCOPES = ["read", "ack", "settings", "name", "commit"] as const;

/** One thing a token allows. */
export type Scope = typeof SCOPES[number];

/** What the owner of a mailbox is granted; only a group's token may commit. */
export const OWNER_SCOPES: readonly Scope[] = [
  "read",
  "ack",
  "settings",
  "name",
];

/** What a token grants. */
export interface Grant {
  /** The one mailbox it is for. */
  readonly mailbox: MailboxId;
  /** What it allows there. */
  readonly scopes: readonly Scope[];
  /** Thumbprint (RFC 7638) of the client's key; null for a bearer token. */
  readonly jkt: string | null;
}

/** What a token that was checked grants, and until when. */
export interface VerifiedGrant extends Grant {
  /** Unix milliseconds. */
  readonly expires: number;
}

/** A token and when it ends. */
export interface IssuedToken {
  /** Compact JWS. */
  readonly token: string;
  /** Unix milliseconds. */
  readonly expires: number;
}

/** Milliseconds that a token is in force. */
export const TOKEN_LIFETIME = 15 * 60_000;
/** Sets tokens apart from all else that the same key signs (spec/money.md 1). */
const TYPE = "restante-token+jwt";

/** Signs a token from `now` (Unix milliseconds) on. */
export async function issueToken(
  key: SigningKey,
  { mailbox, scopes, jkt }: Grant,
  now: number,
  random: RandomBytes = systemRandom,
): Promise<IssuedToken> {
  const issued = Math.floor(now / 1_000);
  const expires = issued + TOKEN_LIFETIME / 1_000;
  const token = await new SignJWT({
    scope: scopes.join(" "),
    ...(jkt === null ? {} : { cnf: { jkt } }),
  })
    .setProtectedHeader({ alg: "EdDSA", typ: TYPE, kid: key.relayId })
    .setIssuer(key.relayId)
    .setAudience(key.relayId)
    .setSubject(mailbox)
    .setJti(random(16).toHex())
    .setIssuedAt(issued)
    .setExpirationTime(expires)
    .sign(key.privateKey);
  return { token, expires: 1_000 * expires };
}

/**
 * What a token grants at `now` (Unix milliseconds), once signature, algorithm,
 * type, issuer, audience and time are checked.
 *
 * @throws {Problem} `unauthorized`
 */
export async function verifyToken(
  key: SigningKey,
  token: string,
  now: number,
): Promise<VerifiedGrant> {
  try {
    const { payload } = await jwtVerify(token, key.publicKey, {
      algorithms: ["EdDSA"],
      typ: TYPE,
      issuer: key.relayId,
      audience: key.relayId,
      requiredClaims: ["sub", "exp", "iat", "jti", "scope"],
      currentDate: new Date(now),
    });
    const scope = new Set(String(payload["scope"]).split(" "));
    const confirmation = payload["cnf"] as { jkt?: string } | undefined;
    return {
      mailbox: parseMailboxId(payload.sub ?? ""),
      scopes: SCOPES.filter((name) => scope.has(name)),
      jkt: confirmation?.jkt ?? null,
      expires: 1_000 * Number(payload.exp),
    };
  } catch (cause) {
    throw new Problem(
      "unauthorized",
      `the token is not valid: ${cause instanceof Error ? cause.message : ""}`,
      {},
      { cause },
    );
  }
}
