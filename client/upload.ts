/** Requests that carry an envelope. */
import type { Bytes } from "../lib/bytes.ts";

/** Bytes of an upload between two reports of its progress. */
const UPLOAD_PART = 16_384;

/** A request that carries an envelope; told of its progress, it streams. */
export function envelopeRequest(
  envelope: Bytes,
  onUpload?: (sent: number) => void,
): RequestInit {
  const headers = { "Content-Type": "application/vnd.minima.maxtxpow" };
  if (onUpload === undefined) {
    return { method: "POST", headers, body: envelope };
  }
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const part = envelope.subarray(sent, sent + UPLOAD_PART);
      sent += part.length;
      if (part.length > 0) controller.enqueue(part);
      else controller.close();
      onUpload(sent);
    },
  });
  // A streamed body has to say that it does not wait for the answer.
  return { method: "POST", headers, body, duplex: "half" } as RequestInit;
}
