/**
 * DPoP (RFC 9449): the caller proves, request by request, to hold the key that
 * a token is bound to.
 */
import {
  base64url,
  calculateJwkThumbprint,
  EmbeddedJWK,
  jwtVerify,
} from "jose";
import { Problem } from "./problem.ts";

/** What a proof must be for. */
export interface ProofExpectation {
  /** The request's method. */
  readonly method: string;
  /** The URLs that name the request, without query and fragment. */
  readonly urls: readonly string[];
  /** The token that comes with it. */
  readonly token: string;
  /** Thumbprint of the key that the token is bound to. */
  readonly jkt: string;
  /** Unix milliseconds. */
  readonly now: number;
}

/** Seconds that a proof's time may differ from the relay's clock. */
export const PROOF_WINDOW = 60;
/** Signatures that a proof may carry. */
const ALGORITHMS = ["EdDSA", "Ed25519", "ES256"];
const MAX_ID_LENGTH = 200;

/**
 * Checks a proof and gives its id, which must not be seen twice within the
 * window.
 *
 * @throws {Problem} `unauthorized`
 */
export async function verifyProof(
  proof: string,
  expected: ProofExpectation,
): Promise<string> {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      algorithms: ALGORITHMS,
      typ: "dpop+jwt",
      requiredClaims: ["jti", "htm", "htu", "iat", "ath"],
      currentDate: new Date(expected.now),
    });
    const { iat, jti, ath, htm, htu } = payload;
    // One that is a list of what it should be must not pass for that.
    if (typeof iat !== "number" || !Number.isFinite(iat)) {
      throw unproven("its iat is no number");
    }
    if (typeof jti !== "string" || jti === "" || jti.length > MAX_ID_LENGTH) {
      throw unproven("its jti is no short text");
    }
    if (typeof htu !== "string") throw unproven("its htu is no text");
    const age = Math.abs(expected.now / 1_000 - iat);
    if (!(age <= PROOF_WINDOW)) throw unproven("it is not of now");
    const { jwk } = protectedHeader;
    if (
      jwk === undefined || await calculateJwkThumbprint(jwk) !== expected.jkt
    ) {
      throw unproven("it is signed by another key than the token's");
    }
    if (htm !== expected.method) {
      throw unproven("it is for another method");
    }
    if (!expected.urls.includes(withoutQuery(htu))) {
      throw unproven(`it is for another URL than ${expected.urls[0]}`);
    }
    if (ath !== await tokenHash(expected.token)) {
      throw unproven("it is for another token");
    }
    return `${expected.jkt}.${jti}`;
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    // Besides jose's errors: whatever the platform says of a key that is none.
    throw unproven(cause instanceof Error ? cause.message : "", cause);
  }
}

function unproven(why: string, cause?: unknown): Problem {
  return new Problem(
    "unauthorized",
    `the DPoP proof does not hold: ${why}`,
    {},
    { cause },
  );
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/, "");
}

/** What `ath` says of a token: base64url of its SHA-256. */
export async function tokenHash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(text),
  );
  return base64url.encode(new Uint8Array(digest));
}
