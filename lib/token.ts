/**
 * Access tokens: signed JWTs (with the claims of RFC 9068) that let their bearer
 * use one mailbox for a quarter of an hour.
 */
import { z } from "zod";
import { type MailboxId, parseMailboxId } from "./ids.ts";
import { JWS_TYPES, signJws, verifyJws } from "./jws.ts";
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
  /** The token's own id. */
  readonly id: string;
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

/** Signs a token from `now` (Unix milliseconds) on. */
export async function issueToken(
  key: SigningKey,
  { mailbox, scopes, jkt }: Grant,
  now: number,
  random: RandomBytes = systemRandom,
): Promise<IssuedToken> {
  const issued = Math.floor(now / 1_000);
  const expires = issued + TOKEN_LIFETIME / 1_000;
  const token = await signJws(key, JWS_TYPES.token, {
    scope: scopes.join(" "),
    ...(jkt === null ? {} : { cnf: { jkt } }),
    iss: key.relayId,
    aud: key.relayId,
    sub: mailbox,
    jti: random(16).toHex(),
    iat: issued,
    exp: expires,
  });
  return { token, expires: 1_000 * expires };
}

/** The claims of a token; times in Unix seconds. */
const claimsForm = z.looseObject({
  scope: z.string(),
  cnf: z.looseObject({ jkt: z.string() }).optional(),
  iss: z.string(),
  aud: z.string(),
  sub: z.string(),
  jti: z.string(),
  iat: z.number(),
  exp: z.number(),
  nbf: z.undefined().optional(),
});

/**
 * What a token grants at `now` (Unix milliseconds), once its form, type and
 * signature are checked, and issuer, audience and time.
 *
 * @throws {Problem} `unauthorized`
 */
export async function verifyToken(
  key: SigningKey,
  token: string,
  now: number,
): Promise<VerifiedGrant> {
  try {
    const { payload } = await verifyJws(key, JWS_TYPES.token, token);
    const claims = claimsForm.safeParse(payload);
    if (!claims.success) throw new TypeError("its claims are not a token's");
    const { iss, aud, exp, sub, jti, cnf, scope: names } = claims.data;
    if (iss !== key.relayId || aud !== key.relayId) {
      throw new TypeError("it is another relay's");
    }
    if (!(now < 1_000 * exp)) throw new RangeError("it has ended");
    const scope = new Set(names.split(" "));
    return {
      id: jti,
      mailbox: parseMailboxId(sub),
      scopes: SCOPES.filter((name) => scope.has(name)),
      jkt: cnf?.jkt ?? null,
      expires: 1_000 * exp,
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
