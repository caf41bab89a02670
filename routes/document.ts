/** `GET /openapi.json`: generated from the routes once, and kept as bytes. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { sha3_256 } from "../lib/hash.ts";
import { VERSION } from "../lib/version.ts";
import type { Backlog } from "../relay/backlog.ts";
import { CAP_NOTES, type Caps } from "../relay/caps.ts";
import type { Relay } from "../relay/relay.ts";
import { SECURITY_SCHEMES } from "./access.ts";
import { addBounds, boundsOf } from "./document_bounds.ts";
import { callerHas } from "./etag.ts";
import { answerBytes } from "./parts.ts";
import { problemResponses } from "./problem.ts";
import { isUnpaid } from "./unpaid.ts";

/** Seconds that the document may be kept. */
const MAX_AGE = 60;

/** The header fields of a refusal for asking too often. */
const RATE_HEADERS = {
  "Retry-After": {
    description: "Seconds",
    schema: { type: "integer", minimum: 1 },
  },
  "RateLimit": {
    description: 'What is left: `"<policy>";r=0;t=<seconds>`',
    schema: { type: "string" },
  },
  "RateLimit-Policy": {
    description: 'What there is: `"<policy>";q=<quota>;w=<seconds>`',
    schema: { type: "string" },
  },
} as const;

/** Adds the route. What is registered later is not in the document. */
export function addDocument(
  app: OpenAPIHono,
  relay: Relay,
  backlog: Backlog,
): void {
  for (const [name, scheme] of Object.entries(SECURITY_SCHEMES)) {
    app.openAPIRegistry.registerComponent("securitySchemes", name, scheme);
  }
  const bytes = new TextEncoder().encode(JSON.stringify(describe(app, relay)));
  const tag = `"${sha3_256(bytes).toHex().slice(0, 32)}"`;
  app.get("/openapi.json", (c) => {
    // Not by c.header(): a refusal would have them as well, and be kept.
    const headers = {
      "ETag": tag,
      "Cache-Control": `public, max-age=${MAX_AGE}`,
    };
    if (callerHas(c, tag)) return c.body(null, 304, headers);
    return answerBytes(c, backlog, bytes, {
      headers: { ...headers, "Content-Type": "application/json" },
      isShared: true,
    });
  });
}

function describe(app: OpenAPIHono, relay: Relay) {
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "restante",
      version: VERSION,
      description: "An edge relay for end-to-end encrypted mail.",
      license: { name: "MIT" },
    },
    servers: [{ url: relay.url }],
  });
  // Every route may be asked too often, whatever it is.
  const [tooOften] = Object.values(problemResponses("rate-limited"));
  for (const [path, operations] of Object.entries(document.paths ?? {})) {
    for (const [method, operation] of Object.entries(operations)) {
      const isLimited = operation.responses["429"] !== undefined ||
        isUnpaid(method.toUpperCase(), path);
      if (!isLimited) continue;
      operation.responses["429"] = {
        ...operation.responses["429"] ?? referenceOf(tooOften),
        headers: RATE_HEADERS,
      };
    }
  }
  addBounds(document, boundsOf(relay));
  return { ...document, "x-limits": limitsOf(relay.caps) };
}

/** The response with its schema by name, as the others have it. */
function referenceOf(response: { description: string } | undefined) {
  const schema = { $ref: "#/components/schemas/Problem" };
  return {
    description: response?.description ?? "",
    content: { "application/problem+json": { schema } },
  };
}

/** The caps as they are in force. */
function limitsOf(caps: Caps) {
  return Object.fromEntries(
    Object.entries(CAP_NOTES).map(([name, description]) => [
      name,
      { value: caps[name as keyof Caps], description },
    ]),
  );
}
