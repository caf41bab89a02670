/** `GET /v1/objects/<blake3>`: stored bytes, whole or a range (RFC 9110, 14). */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { findObject, type HeldObject, readObject } from "../kv/mail/objects.ts";
import { type MailboxId, parseObjectHash } from "../lib/ids.ts";
import { Problem } from "../lib/problem.ts";
import { type Access, TOKEN_SECURITY } from "./access.ts";
import { MAXTXPOW } from "./envelope_body.ts";
import { callerHas } from "./etag.ts";
import { objectHash } from "./forms.ts";
import { answerBytes } from "./parts.ts";
import { problemResponses } from "./problem.ts";
import type { Backlog } from "../relay/backlog.ts";
import { Turns } from "../relay/turns.ts";
import type { Relay } from "../relay/relay.ts";

/** Objects of one mailbox that are read at once: until then none is counted. */
const READ_AT_ONCE = 4;

const binary = (description: string) => ({
  description,
  content: {
    [MAXTXPOW]: { schema: { type: "string", format: "binary" } as const },
  },
});

const route = createRoute({
  method: "get",
  path: "/v1/objects/{object}",
  tags: ["Mailboxes"],
  summary: "The bytes of an object in the token's mailbox",
  security: TOKEN_SECURITY,
  request: {
    params: z.object({ object: objectHash }),
    headers: z.object({
      range: z.string().optional().meta({ description: "One range of bytes" }),
      "if-none-match": z.string().optional(),
      "if-range": z.string().optional(),
    }),
  },
  responses: {
    200: binary("All of it"),
    206: binary("The range asked for"),
    304: { description: "You have it: bytes never change" },
    ...problemResponses(
      "malformed",
      "unauthorized",
      "forbidden",
      "object-unknown",
      "range-not-satisfiable",
      "busy",
    ),
  },
});

/** Adds the route; HEAD comes with it. */
export function addObjects(
  app: OpenAPIHono,
  relay: Relay,
  access: Access,
  backlog: Backlog,
): void {
  const turns = new Turns<MailboxId>(READ_AT_ONCE);
  app.openapi(route, async (c) => {
    const { mailbox } = await access.grant(c, "read");
    const hash = parseObjectHash(c.req.valid("param").object);
    const now = relay.now();
    const object = await findObject(relay.store, hash, mailbox, now);
    if (object === null) throw unknown(hash);
    const headers = headersOf(object, now);
    if (callerHas(c, `"${hash}"`)) {
      return new Response(null, { status: 304, headers });
    }
    const range = rangeOf(c, object);
    using _turn = await turns.take(mailbox);
    const bytes = await readObject(
      relay.store,
      object,
      range?.start,
      range?.end,
    );
    if (bytes === null) throw unknown(hash);
    if (range === null) return answerBytes(c, backlog, bytes, { headers });
    const { start, end } = range;
    return answerBytes(c, backlog, bytes, {
      status: 206,
      headers: {
        ...headers,
        "Content-Range": `bytes ${start}-${end - 1}/${object.size}`,
      },
    });
  });
}

function unknown(hash: string): Problem {
  return new Problem(
    "object-unknown",
    `there is no object ${hash} in this mailbox`,
  );
}

function headersOf({ hash, holdUntil }: HeldObject, now: number) {
  const seconds = Math.floor((holdUntil - now) / 1_000);
  return {
    "Content-Type": MAXTXPOW,
    "ETag": `"${hash}"`,
    "Accept-Ranges": "bytes",
    "Cache-Control": `private, max-age=${seconds}, immutable`,
    "X-Content-Type-Options": "nosniff",
  };
}

/** Bytes from `start` up to, not with, `end`. */
interface ByteRange {
  start: number;
  end: number;
}

/**
 * The one range that is asked for; null for the whole, also where the header
 * is of another form or names several, which RFC 9110 lets a server ignore.
 */
function rangeOf(c: Context, { hash, size }: HeldObject): ByteRange | null {
  // A range is of GET alone (RFC 9110, 14.2).
  const range = c.req.method === "GET" ? c.req.header("Range") : undefined;
  const ifRange = c.req.header("If-Range");
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(range ?? "") ??
    [];
  if (first === "" && last === "") return null;
  if (ifRange !== undefined && ifRange !== `"${hash}"`) return null;
  if (first !== "" && last !== "" && Number(first) > Number(last)) return null;
  const start = first === "" ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === "" || last === ""
    ? size
    : Math.min(Number(last) + 1, size);
  if (start < end) return { start, end };
  throw new Problem("range-not-satisfiable", `the object has ${size} bytes`, {
    size,
  });
}
