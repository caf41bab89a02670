/** Reading an envelope from a request, no further than its limit. */
import type { Context } from "hono";
import type { Bytes } from "../lib/bytes.ts";
import { envelopeBytes } from "../lib/minima/maxtxpow.ts";
import { expectMediaType, readBody } from "./body.ts";
import type { Relay } from "../relay/relay.ts";

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
 * @throws {Problem} `unsupported-media-type`, and what {@link readBody} throws
 */
export async function readEnvelope(c: Context, relay: Relay): Promise<Bytes> {
  expectMediaType(c, MEDIA_TYPES);
  return await readBody(c, envelopeBytes(relay.limits));
}
