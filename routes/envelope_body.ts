/** Reading an envelope from a request, no further than its limit. */
import type { Context } from "hono";
import { type Bytes, Writer } from "../lib/minima/codec.ts";
import { envelopeBytes } from "../lib/minima/maxtxpow.ts";
import { Problem } from "../lib/problem.ts";
import type { Relay } from "./relay.ts";

/** The media type of an envelope. */
export const MAXTXPOW = "application/vnd.minima.maxtxpow";

const MEDIA_TYPES = [MAXTXPOW, "application/octet-stream"];

/** An envelope as the body of a documented request. */
export const ENVELOPE_BODY = {
  required: true,
  content: Object.fromEntries(
    MEDIA_TYPES.map((
      type,
    ) => [type, { schema: { type: "string", format: "binary" } as const }]),
  ),
};

/**
 * The bytes of an envelope.
 *
 * @throws {Problem} `unsupported-media-type` or `too-large`
 */
export async function readEnvelope(c: Context, relay: Relay): Promise<Bytes> {
  const type = c.req.header("Content-Type")?.split(";")[0]?.trim()
    .toLowerCase();
  if (type === undefined || !MEDIA_TYPES.includes(type)) {
    throw new Problem(
      "unsupported-media-type",
      `the body is to be ${MEDIA_TYPES.join(" or ")}`,
    );
  }
  return await readBody(c.req.raw, envelopeBytes(relay.limits));
}

/** A request's body; what goes over the limit is not read any more. */
async function readBody(request: Request, limit: number): Promise<Bytes> {
  const tooLarge = new Problem("too-large", `the body is over ${limit} bytes`, {
    limit,
  });
  if (Number(request.headers.get("Content-Length")) > limit) throw tooLarge;
  const body = new Writer();
  try {
    for await (const part of request.body ?? []) {
      body.put(part);
      if (body.length > limit) throw tooLarge; // which cancels the stream
    }
  } catch (cause) {
    if (cause === tooLarge) throw cause;
    throw new Problem("malformed", "the body ended early", {}, { cause });
  }
  return body.done();
}
