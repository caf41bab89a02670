/** Reading by WebSocket: one JSON text frame a message. */
import { Problem } from "../lib/problem.ts";
import { streamParts } from "./page_forms.ts";
import { type EndReason, pagesOf, type Reading } from "../relay/stay.ts";

/** The subprotocol that the relay speaks. */
export const SUBPROTOCOL = "restante.v1";

/** Bytes that may wait to be sent before the next page is read. */
const MAX_BUFFERED = 2 ** 20;
/** Milliseconds between two looks at what waits. */
const LOOK_EVERY = 20;

/** Close codes: going away (RFC 6455, 7.4.1), and our own. */
const CLOSE_CODES: Record<EndReason, number> = {
  "shutdown": 1001,
  "token-expired": 4001,
};

/** The store does not answer now (registered with the IANA for RFC 6455). */
const TRY_AGAIN = 1013;

/** Sends a mailbox through a socket until one of both ends. */
export async function serveSocket(
  socket: WebSocket,
  reading: Reading,
): Promise<void> {
  const gone = new AbortController();
  socket.onclose = () => gone.abort();
  const pages = pagesOf(reading, gone.signal);
  try {
    for await (const page of pages) {
      if (reading.endOf() !== null) break;
      const parts = page === null ? [] : streamParts(page, reading.delivery);
      for (const { data } of parts) {
        if (socket.readyState !== WebSocket.OPEN) return;
        socket.send(JSON.stringify(data));
        await drained(socket);
      }
    }
    const reason = reading.endOf();
    if (reason !== null) socket.close(CLOSE_CODES[reason], reason);
  } catch (error) {
    if (error instanceof Problem && error.code === "busy") {
      return socket.close(TRY_AGAIN, "busy");
    }
    reading.relay.log("WebSocket", error);
    socket.close(1011, "internal");
  }
}

/** A slow reader gets back-pressure: sockets have no other sign of it. */
async function drained(socket: WebSocket): Promise<void> {
  while (
    socket.bufferedAmount > MAX_BUFFERED && socket.readyState === WebSocket.OPEN
  ) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
  }
}
