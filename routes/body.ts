/** Reading a request's body: its type first, and no further than its limit. */
import type { Context } from "hono";
import type { Bytes } from "../lib/bytes.ts";
import { Writer } from "../lib/minima/codec.ts";
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

/** Milliseconds that an upload may stand still. */
const PATIENCE = 30_000;

/**
 * A request's body; what goes over the limit is not read any more.
 *
 * @throws {Problem} `too-large`, or `malformed` if it ends early or stands still
 */
export async function readBody(
  request: Request,
  limit: number,
): Promise<Bytes> {
  const tooLarge = new Problem("too-large", `the body is over ${limit} bytes`, {
    limit,
  });
  if (Number(request.headers.get("Content-Length")) > limit) throw tooLarge;
  if (request.body === null) return new Uint8Array(0);
  const body = new Writer();
  const reader = request.body.getReader();
  // One timer for the whole body, set back by every part of it.
  let movedAt = performance.now();
  const timer = setInterval(() => {
    if (performance.now() - movedAt > PATIENCE) reader.cancel("stands still");
  }, PATIENCE / 2);
  try {
    for (
      let part = await reader.read();
      !part.done;
      part = await reader.read()
    ) {
      movedAt = performance.now();
      body.put(part.value);
      if (body.length > limit) throw tooLarge;
    }
  } catch (cause) {
    if (cause === tooLarge) {
      await reader.cancel(cause);
      throw cause;
    }
    throw new Problem("malformed", "the body ended early", {}, { cause });
  } finally {
    clearInterval(timer);
  }
  return body.done();
}
