/** Reading a request's body: its type first, and no further than its limit. */
import type { MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import type { Bytes } from "../lib/bytes.ts";
import { Writer } from "../lib/minima/codec.ts";
import { Problem } from "../lib/problem.ts";
import type { Uploads } from "../relay/uploads.ts";
import { type Asked, setBeginBody } from "./asked.ts";

/**
 * Refuses a body of another type than those.
 *
 * @throws {Problem} `unsupported-media-type`
 */
export function expectMediaType(
  { headers }: Request,
  types: readonly string[],
): void {
  const said = headers.get("Content-Type");
  if (said !== null && types.includes(said)) return; // nearly always so
  const type = said?.split(";")[0]?.trim().toLowerCase();
  if (type !== undefined && types.includes(type)) return;
  throw new Problem(
    "unsupported-media-type",
    `the body is to be ${types.join(" or ")}`,
  );
}

/**
 * Goes before every route that reads a body: the room that bodies take is given
 * back when the request is answered, for until then they are in memory.
 */
export function bodyRoom(uploads: Uploads): MiddlewareHandler {
  return createMiddleware(async (c, next) => {
    using room = new DisposableStack();
    setBeginBody(c, (giveUp) => room.use(uploads.begin(giveUp)));
    await next();
  });
}

/**
 * A request's body; what goes over the limit is not read any more.
 *
 * @throws {Problem} `too-large`; `malformed` if it ends early, takes too long
 * or comes too slowly; `busy` if the bodies being read have no room for it
 */
export async function readBody(
  { request, beginBody }: Asked,
  limit: number,
): Promise<Bytes> {
  const { body: stream, headers } = request;
  const tooLarge = () =>
    new Problem("too-large", `the body is over ${limit} bytes`, { limit });
  if (Number(headers.get("Content-Length")) > limit) throw tooLarge();
  if (stream === null) return new Uint8Array(0);
  // What comes in one part, as most does, is taken as it is.
  let first: Bytes | null = null;
  let body: Writer | null = null;
  let length = 0;
  const reader = stream.getReader();
  let givenUp: Problem | null = null;
  // What is being waited for ends by that. A race of promises would keep some
  // hundred bytes for each part that comes, and parts may be of one byte.
  const upload = beginBody((why) => {
    givenUp = new Problem("malformed", `the body ${why}`);
    reader.cancel(givenUp).catch(() => {});
  });
  try {
    for (;;) {
      const part = await reader.read();
      if (givenUp !== null) throw givenUp;
      if (part.done) return body?.done() ?? first ?? new Uint8Array(0);
      const { value } = part;
      upload.take(value.length);
      length += value.length;
      if (length > limit) throw tooLarge();
      if (first === null) first = owned(value);
      else (body ??= begun(first)).put(value);
    }
  } catch (cause) {
    // Nobody waits for the one who sends: it may not take this in for long.
    reader.cancel(cause).catch(() => {});
    if (cause instanceof Problem) throw cause;
    throw new Problem("malformed", "the body ended early", {}, { cause });
  } finally {
    upload.complete();
  }
}

/** Bytes without what their buffer has around them, if that is more than they. */
function owned(bytes: Bytes): Bytes {
  return bytes.buffer.byteLength > 2 * bytes.length ? bytes.slice() : bytes;
}

function begun(bytes: Bytes): Writer {
  const writer = new Writer();
  writer.put(bytes);
  return writer;
}
