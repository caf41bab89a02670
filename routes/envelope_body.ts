/** Reading an envelope from a request, no further than its limit. */
import type { Bytes } from "../lib/bytes.ts";
import { envelopeBytes, type EnvelopeLimits } from "../lib/minima/maxtxpow.ts";
import type { Asked } from "./asked.ts";
import { expectMediaType, readBody } from "./body.ts";

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
export async function readEnvelope(
  asked: Asked,
  limits: EnvelopeLimits,
): Promise<Bytes> {
  expectMediaType(asked.request, MEDIA_TYPES);
  return await readBody(asked, envelopeBytes(limits));
}
