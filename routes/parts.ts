/** Long answers that are the same for all, handed on no faster than they are taken. */
import type { Bytes } from "../lib/bytes.ts";

/** Bytes of a part: as many as wait for a client that takes nothing. */
const PART_BYTES = 16_384;

/**
 * Bytes as a stream of views of them. As a whole they would be copied for each
 * who asks, and the copy kept for as long as it is not taken: HTTP/2 lets anybody
 * ask for hundreds at once, and take none.
 */
export function inParts(bytes: Bytes): ReadableStream<Bytes> {
  let at = 0;
  return new ReadableStream<Bytes>({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + PART_BYTES));
      at += PART_BYTES;
    },
  }, { highWaterMark: 0 });
}
