/** `GET /.well-known/restante`: who the relay is and what it asks for. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { envelopeBytes } from "../lib/minima/maxtxpow.ts";
import { sha3_256 } from "../lib/hash.ts";
import { VERSION } from "../lib/version.ts";
import { hexTarget, targetOf } from "../lib/work/target.ts";
import { callerHas } from "./etag.ts";
import { contactAddress, type Relay } from "../relay/relay.ts";

/** Seconds that the answer may be cached. */
const MAX_AGE = 60;

const signingForm = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string(),
  kid: z.string(),
});

const descriptorForm = z.object({
  id: z.string().meta({
    description: "Hex SHA3-256 of the signing key's SPKI",
  }),
  version: z.string(),
  url: z.string(),
  address: z.string().meta({ description: "Contact address, Mx…@host:port" }),
  keys: z.object({
    maxima: z.string().meta({
      description: "Hex SPKI of the RSA key for handshakes",
    }),
    signing: signingForm,
    former: z.array(
      signingForm.extend({
        until: z.int().meta({
          description: "When it ended, in Unix milliseconds",
        }),
      }),
    ).meta({
      description: "Keys that signed before: receipts of them remain good",
    }),
  }),
  work: z.object({
    hash: z.literal("sha3-256"),
    minimum: z.string().meta({
      description: "Hex target; an id must be below it",
    }),
    hashes: z.int().meta({
      description: "So many hashes keep `bytes` for `seconds`",
    }),
    bytes: z.int(),
    seconds: z.int(),
    windowSeconds: z.int().meta({
      description: "How far back the time of work may lie",
    }),
  }),
  limits: z.object({
    packageBytes: z.int(),
    txpowBytes: z.int(),
    objectBytes: z.int().meta({
      description: "Largest object that is stored: an envelope",
    }),
    holdSeconds: z.object({ min: z.int(), max: z.int() }),
  }),
  prices: z.object({
    unit: z.literal("μ"),
    relayPer465Bytes: z.int(),
    storagePerMiBHour: z.int(),
  }),
  time: z.int().meta({ description: "Unix milliseconds" }),
}).openapi("Relay");

const route = createRoute({
  method: "get",
  path: "/.well-known/restante",
  tags: ["Relay"],
  summary: "Who this relay is, its keys, limits and prices",
  responses: {
    200: {
      description: "The relay",
      content: { "application/json": { schema: descriptorForm } },
    },
    304: { description: "Not changed since the ETag in If-None-Match" },
  },
});

/** Adds the route. */
export function addDescriptor(app: OpenAPIHono, relay: Relay): void {
  const facts = describe(relay);
  // The time alone changes from answer to answer, so the tag is a weak one.
  const tag = `W/"${
    sha3_256(new TextEncoder().encode(JSON.stringify(facts))).toHex().slice(
      0,
      32,
    )
  }"`;
  app.openapi(route, (c) => {
    c.header("ETag", tag);
    c.header("Cache-Control", `public, max-age=${MAX_AGE}`);
    if (callerHas(c, tag)) return c.body(null, 304);
    return c.json({ ...facts, time: relay.now() }, 200);
  });
}

function describe(relay: Relay) {
  const { keys, url, price, limits, window, tariff } = relay;
  return {
    id: keys.signing.relayId,
    version: VERSION,
    url,
    address: contactAddress(relay),
    keys: {
      maxima: keys.maxima.publicKey.toHex(),
      signing: keys.signing.jwk,
      former: [...keys.former],
    },
    work: {
      hash: "sha3-256" as const,
      minimum: hexTarget(targetOf(price.hashes)),
      hashes: price.hashes,
      bytes: price.bytes,
      seconds: price.seconds,
      windowSeconds: window.back / 1_000,
    },
    limits: {
      packageBytes: limits.packageBytes,
      txpowBytes: limits.txPowBytes,
      objectBytes: envelopeBytes(limits),
      holdSeconds: price.holdSeconds,
    },
    prices: { unit: "μ" as const, ...tariff },
  };
}
