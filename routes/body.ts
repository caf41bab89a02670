/** Reading a request's body: its type first, and no further than its limit. */
import type { Context } from "hono";
import { type Bytes, Writer } from "../lib/minima/codec.ts";
import { Problem } from "../lib/problem.ts";

/**
 * Refuses a body of another type than those.
 *
 * @throws {Problem} `unsupported-media-type`
 */
export function expectMediaType(c: Context, types: readonly string[]): void {
  const type = c.req.header("Content-Type")?.split(";")[0]?.trim()
    .toLowerCase();
  if (type !== undefined && types.includes(type)) return;
  throw new Problem(
    "unsupported-media-type",
    `the body is to be ${types.join(" or ")}`,
  );
}

/**
 * A request's body; what goes over the limit is not read any more.
 *
 * @throws {Problem} `too-large`, or `malformed` if it ends early
 */
export async function readBody(
  request: Request,
  limit: number,
): Promise<Bytes> {
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
