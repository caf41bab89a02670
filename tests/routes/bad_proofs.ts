/** DPoP proofs that are each wrong in one way. */
import { tokenHash } from "../../lib/dpop.ts";
import {
  type BadCredentials,
  bearerToken,
  boundToken,
  dpopHeaders,
  type Scene,
  type TokenRequest,
} from "./credentials.ts";
import type { ProofParts } from "./proof_key.ts";
import { ORIGIN } from "./relay_fixture.ts";

/** A bound token, with a proof that is wrong. */
function proof(
  what: string,
  partsOf: (
    scene: Scene,
    request: TokenRequest,
  ) => Partial<ProofParts> | Promise<Partial<ProofParts>>,
): BadCredentials {
  return {
    what: `a proof ${what}`,
    headers: async (scene, request) =>
      dpopHeaders(scene, request, await partsOf(scene, request)),
  };
}

/** A table of them. */
export const BAD_PROOFS: readonly BadCredentials[] = [
  {
    what: "a bound token without its proof",
    headers: async (scene, request) => {
      const { Authorization = "" } = await dpopHeaders(scene, request);
      return { Authorization };
    },
  },
  {
    what: "a bound token as if anybody could use it",
    headers: async (scene, { scope }) => ({
      Authorization: `Bearer ${await boundToken(scene, scope)}`,
    }),
  },
  {
    what: "a bound token with its proof, as Bearer",
    headers: async (scene, request) => {
      const headers = await dpopHeaders(scene, request);
      const { Authorization = "" } = headers;
      return {
        ...headers,
        Authorization: Authorization.replace("DPoP", "Bearer"),
      };
    },
  },
  {
    what: "a token that is not bound, with a proof",
    headers: async (scene, request) => ({
      ...await dpopHeaders(scene, request),
      Authorization: `DPoP ${await bearerToken(scene, request.scope)}`,
    }),
  },
  {
    what: "a proof by another key",
    headers: (scene, request) =>
      dpopHeaders(scene, request, {}, scene.otherKey),
  },
  {
    what: "a proof by another key, which claims to be the right one",
    headers: (scene, request) =>
      dpopHeaders(
        scene,
        request,
        { header: { jwk: scene.proofKey.jwk } },
        scene.otherKey,
      ),
  },
  {
    what: "two proofs",
    headers: async (scene, request) => {
      const headers = await dpopHeaders(scene, request);
      return { ...headers, DPoP: `${headers["DPoP"]}, ${headers["DPoP"]}` };
    },
  },
  {
    what: "noise for a proof",
    headers: async (scene, request) => ({
      ...await dpopHeaders(scene, request),
      DPoP: "x",
    }),
  },
  {
    what: "the token for a proof",
    headers: async (scene, request) => {
      const headers = await dpopHeaders(scene, request);
      const { Authorization = "" } = headers;
      return { ...headers, DPoP: Authorization.replace("DPoP ", "") };
    },
  },
  proof("for another path", () => ({ url: `${ORIGIN}/v1/objects/0` })),
  proof("for another host", (_, { path }) => ({
    url: `https://other.test${path}`,
  })),
  proof("for another scheme", (_, { path }) => ({
    url: ORIGIN.replace("https", "http") + path,
  })),
  proof("for no URL", () => ({ claims: { htu: undefined } })),
  proof("for a list of the right URL", (_, { path }) => ({
    claims: { htu: [ORIGIN + path] },
  })),
  proof("for a list of the right method", (_, { method }) => ({
    claims: { htm: [method] },
  })),
  proof("for a list of the right token", async (scene, { scope }) => ({
    claims: { ath: [await tokenHash(await boundToken(scene, scope))] },
  })),
  proof("of a list of now", ({ relay }) => ({
    claims: { iat: [Math.floor(relay.clock.time / 1_000)] },
  })),
  proof("with a list of ids", () => ({ claims: { jti: ["x"] } })),
  proof("with an empty id", () => ({ claims: { jti: "" } })),
  proof("for another method", (_, { method }) => ({
    method: method === "GET" ? "HEAD" : "GET",
  })),
  proof("for no method", () => ({ claims: { htm: undefined } })),
  proof("for another token", () => ({ token: "x" })),
  proof("for no token", () => ({ claims: { ath: undefined } })),
  proof("of over a minute ago", ({ relay }) => ({
    time: relay.clock.time - 61_000,
  })),
  proof("of over a minute ahead", ({ relay }) => ({
    time: relay.clock.time + 61_000,
  })),
  proof("without a time", () => ({ claims: { iat: undefined } })),
  proof("without an id", () => ({ claims: { jti: undefined } })),
  proof("with an id that is no text", () => ({ claims: { jti: 1 } })),
  proof("with a long id", () => ({ claims: { jti: "x".repeat(201) } })),
  proof("of another type", () => ({ header: { typ: "JWT" } })),
  proof("without its key", () => ({ header: { jwk: undefined } })),
  proof("with a key that is none", () => ({ header: { jwk: { kty: "OKP" } } })),
];
