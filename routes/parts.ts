/** Long answers, handed on no faster than they are taken. */
import type { Context } from "hono";
import type { Bytes } from "../lib/bytes.ts";
import type { Backlog, Parcel } from "../relay/backlog.ts";
import type { ServeInfo } from "./serve_info.ts";

/** Bytes of a part. */
const PART_BYTES = 16_384;
/** Parts that Deno takes before it waits for the client: 64 KiB, and one more. */
const PARTS_AHEAD = 5;
/**
 * Bytes of the longest answer that is handed on at once: whether that is taken
 * nobody hears, for Deno takes it for sent.
 */
const MOST_AT_ONCE = 4_096;

/** How bytes are answered. */
export interface BytesAnswer {
  /** HTTP's; 200, if not said. */
  readonly status?: 200 | 206;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the bytes are the same for all, and kept in any case. */
  readonly isShared?: boolean;
}

/**
 * An answer of bytes. A long one goes out by parts, and counts as waiting until
 * all of it is taken: HTTP/2 lets anybody ask for hundreds at once, and take
 * none. Whoever takes no part for too long is cut off.
 *
 * @throws {Problem} `busy` if too many bytes wait to be taken
 */
export function answerBytes(
  c: Context,
  backlog: Backlog,
  bytes: Bytes,
  { status = 200, headers = {}, isShared = false }: BytesAnswer,
): Response {
  const all = { ...headers, "Content-Length": String(bytes.length) };
  // Nobody would take the parts of what has none.
  if (c.req.method === "HEAD") return c.body(null, status, all);
  if (bytes.length <= MOST_AT_ONCE) return c.body(bytes, status, all);
  const waiting = isShared ? PARTS_AHEAD * PART_BYTES : bytes.length;
  const info = (c.env ?? {}) as Partial<ServeInfo>;
  return c.body(inParts(bytes, waiting, backlog, info), status, all);
}

/** A value as JSON, answered likewise. */
export function answerJson(
  c: Context,
  backlog: Backlog,
  value: unknown,
): Response {
  return answerBytes(
    c,
    backlog,
    new TextEncoder().encode(JSON.stringify(value)),
    {
      headers: { "Content-Type": "application/json" },
    },
  );
}

/** Bytes as a stream of copies of their parts, of which so many bytes count. */
function inParts(
  bytes: Bytes,
  waiting: number,
  backlog: Backlog,
  { connection, completed, moved }: Partial<ServeInfo>,
): ReadableStream<Bytes> {
  let at = 0;
  let fail = (_: Error) => {};
  const parcel: Parcel = backlog.begin(waiting, () => {
    fail(new Error("the client takes nothing"));
    connection?.cut();
  });
  completed?.then(parcel.end, parcel.end);
  return new ReadableStream<Bytes>({
    start(controller) {
      fail = (error) => controller.error(error);
    },
    pull(controller) {
      moved?.();
      if (at < bytes.length) {
        controller.enqueue(bytes.slice(at, at + PART_BYTES));
        at += PART_BYTES;
        return parcel.handOn();
      }
      controller.close();
      // The last parts may wait yet: the server says when they do not.
      if (completed === undefined) parcel.end();
      else parcel.handOn(PARTS_AHEAD);
    },
    cancel: parcel.end,
  }, { highWaterMark: 0 });
}
