/** Authorization headers and tokens that are each wrong in one way. */
import { base64url, CompactSign, SignJWT, UnsecuredJWT } from "jose";
import { cursorOf } from "../../lib/cursor.ts";
import { messageIdOf, objectHashOf } from "../../lib/ids.ts";
import { signReceipt } from "../../lib/receipt.ts";
import { issueToken, type Scope, TOKEN_LIFETIME } from "../../lib/token.ts";
import { type BadCredentials, bearerToken, type Scene } from "./credentials.ts";
import { randomBytes } from "./envelopes.ts";

const ALL: readonly Scope[] = ["read", "ack", "settings", "name"];

/** An Authorization header that does not depend on the request. */
function header(
  what: string,
  make: (scene: Scene) => string | Promise<string>,
): BadCredentials {
  return {
    what,
    headers: async (scene) => ({ Authorization: await make(scene) }),
  };
}

/** A bearer token that is wrong. */
function token(
  what: string,
  make: (scene: Scene) => string | Promise<string>,
): BadCredentials {
  return header(what, async (scene) => `Bearer ${await make(scene)}`);
}

/** Claims and header of a good token, signed by its relay with some changed. */
function signedAs(
  what: string,
  changes: { claims?: Record<string, unknown>; typ?: string },
): BadCredentials {
  return token(what, async (scene) => {
    const { privateKey, relayId } = scene.relay.relay.keys.signing;
    const claims = { ...claimsOf(scene), ...changes.claims };
    return await new SignJWT(claims)
      .setProtectedHeader({
        alg: "EdDSA",
        typ: changes.typ ?? "restante-token+jwt",
        kid: relayId,
      })
      .sign(privateKey);
  });
}

/** What a good token claims. */
function claimsOf({ relay, owner: { mailbox } }: Scene) {
  const { relayId } = relay.relay.keys.signing;
  const issued = Math.floor(relay.clock.time / 1_000);
  return {
    scope: ALL.join(" "),
    iss: relayId,
    aud: relayId,
    sub: mailbox,
    jti: "0",
    iat: issued,
    exp: issued + TOKEN_LIFETIME / 1_000,
  };
}

/** One part of a token, with one character of it another. */
function altered(text: string, part: number): string {
  const parts = text.split(".");
  const old = parts[part] ?? "";
  parts[part] = (old[0] === "A" ? "B" : "A") + old.slice(1);
  return parts.join(".");
}

/** A table of them. */
export const BAD_TOKENS: readonly BadCredentials[] = [
  { what: "none", headers: () => Promise.resolve({}) },
  header("an empty header", () => ""),
  header("a scheme alone", () => "Bearer"),
  header("a token alone", (scene) => bearerToken(scene, ...ALL)),
  header(
    "another scheme",
    async (scene) => `Basic ${await bearerToken(scene, ...ALL)}`,
  ),
  header("two tokens", async (scene) => {
    const good = await bearerToken(scene, ...ALL);
    return `Bearer ${good} ${good}`;
  }),
  ...["x", "a.b.c", "..", "a.b.c.d.e", "%00", "=".repeat(5_000)].map((text) =>
    token(`the token ${text.slice(0, 20)}`, () => text)
  ),
  token(
    "a token cut short",
    async (scene) => (await bearerToken(scene, ...ALL)).slice(0, -1),
  ),
  ...["header", "payload", "signature"].map((part, i) =>
    token(
      `a token with another ${part}`,
      async (scene) => altered(await bearerToken(scene, ...ALL), i),
    )
  ),
  token(
    "a token with no signature",
    async (scene) => (await bearerToken(scene, ...ALL)).replace(/[^.]*$/, ""),
  ),
  token(
    "a token that nobody signed",
    (scene) => new UnsecuredJWT(claimsOf(scene)).encode(),
  ),
  token("a token signed by HMAC with the public key", async (scene) => {
    const { jwk } = scene.relay.relay.keys.signing;
    return await new SignJWT(claimsOf(scene))
      .setProtectedHeader({ alg: "HS256", typ: "restante-token+jwt" })
      .sign(base64url.decode(jwk.x));
  }),
  token(
    "a token that brings its own key",
    async (scene) =>
      await new SignJWT(claimsOf(scene))
        .setProtectedHeader({
          alg: "EdDSA",
          typ: "restante-token+jwt",
          jwk: scene.otherKey.jwk,
        })
        .sign(scene.otherKey.privateKey),
  ),
  token("a token of another relay", async ({ otherRelay, owner }) => {
    const grant = { mailbox: owner.mailbox, scopes: ALL, jkt: null };
    const { signing } = otherRelay.relay.keys;
    return (await issueToken(signing, grant, otherRelay.clock.time)).token;
  }),
  token("a token of a quarter of an hour ago", async ({ relay, owner }) => {
    const grant = { mailbox: owner.mailbox, scopes: ALL, jkt: null };
    const { keys, now } = relay.relay;
    const then = now() - TOKEN_LIFETIME;
    return (await issueToken(keys.signing, grant, then)).token;
  }),
  token(
    "a receipt",
    ({ relay, owner }) =>
      signReceipt(relay.relay.keys.signing, {
        sub: owner.mailbox,
        jti: messageIdOf(randomBytes(32)),
        object: objectHashOf(randomBytes(32)),
        size: 1,
        cursor: cursorOf({ epoch: "0", versionstamp: "0" }),
        iat: 0,
        exp: 1e10,
        paid: { by: "work", hashes: 1 },
      }),
  ),
  token("what the relay signed, and is no JWT", async ({ relay }) => {
    const { privateKey } = relay.relay.keys.signing;
    return await new CompactSign(new TextEncoder().encode("text"))
      .setProtectedHeader({ alg: "EdDSA", typ: "restante-token+jwt" })
      .sign(privateKey);
  }),
  signedAs("a token of another type", { typ: "JWT" }),
  signedAs("a token by another issuer", { claims: { iss: "0" } }),
  signedAs("a token for another audience", { claims: { aud: "0" } }),
  signedAs("a token without end", { claims: { exp: undefined } }),
  signedAs("a token without a subject", { claims: { sub: undefined } }),
  signedAs("a token without scopes", { claims: { scope: undefined } }),
];
