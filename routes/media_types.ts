/** Which of the types that there are of something a client would have. */
import { parseAccept } from "hono/utils/accept";

/** What is answered to who names no type: ranges of types are ranges of this. */
const DEFAULT = ["application/json", "application/*", "*/*"] as const;

/** Characters of the longest Accept header that is looked at. */
const MOST_ACCEPT = 1_024;

/**
 * Whether an Accept header (RFC 9110, 12.5.1) names a type, and likes JSON no
 * better.
 */
export function isPreferred(type: string, accept = ""): boolean {
  if (accept.length > MOST_ACCEPT) return false;
  const ranges = new Map(
    parseAccept(accept).map((
      range,
    ) => [range.type.toLowerCase(), range.q]),
  );
  const json = DEFAULT.map((name) => ranges.get(name))
    .find((quality) => quality !== undefined) ?? 0;
  const quality = ranges.get(type) ?? 0;
  return quality > 0 && quality >= json;
}
