/** Opening a WebSocket to a mailbox, as its owner. */
import { z } from "zod";
import { SUBPROTOCOLS } from "../lib/elements.ts";
import { timeForm } from "./forms.ts";
import { mailboxPath } from "./listing.ts";
import type { Session } from "./session.ts";

/** What we speak over it, the best first: older relays know the last alone. */
const OFFERED = [SUBPROTOCOLS.binary, SUBPROTOCOLS.text] as const;

const ticketForm = z.object({
  ticket: z.string().regex(/^[\w-]{43}$/),
  expires: timeForm,
});

/**
 * A WebSocket that is about to open. Where the platform lets one send headers,
 * these bring the token and its proof; elsewhere a ticket that was given for
 * them, and is good for once: the token itself goes nowhere without a proof.
 *
 * @throws {ClientError | RelayError} if the relay gives no token or no ticket
 */
export async function openSocket(
  session: Session,
  query: string,
  signal: AbortSignal,
): Promise<WebSocket> {
  const mailbox = mailboxPath(session);
  const path = `${mailbox}/socket`;
  const url = session.relay.url.replace(/^http/, "ws") + path + query;
  const { headers } = await session.authorize("GET", path, { signal });
  const withHeaders = openWithHeaders(url, headers);
  if (withHeaders !== null) return withHeaders;
  const { ticket } = await session.json(
    `${mailbox}/socket-tickets`,
    ticketForm,
    { method: "POST", signal },
  );
  return new WebSocket(url, [...OFFERED, `ticket.${ticket}`]);
}

/** A WebSocket that sends headers; null where the platform knows no such. */
function openWithHeaders(
  url: string,
  headers: Readonly<Record<string, string>>,
): WebSocket | null {
  let areRead = false;
  const options = {
    protocols: [...OFFERED],
    get headers() {
      areRead = true;
      return headers;
    },
  };
  try {
    // Deno and Node take options; a browser takes them for a bad protocol.
    const socket = new WebSocket(url, options as unknown as string[]);
    if (areRead) return socket;
    socket.close();
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
  return null;
}
