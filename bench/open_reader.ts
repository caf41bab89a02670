/** Opening a reader of a mailbox, as a client does. */
import type { MailboxId } from "../lib/ids.ts";
import { SUBPROTOCOLS } from "../lib/elements.ts";

/** What is read, where, and by whose leave. */
export interface Place {
  /** The server's. */
  readonly url: string;
  /** Which mailbox. */
  readonly mailbox: MailboxId;
  /** A bearer token for it. */
  readonly token: string;
  /** Without the question mark. */
  readonly query: string;
}

/** A stream of events behind its first part, which says that it is open. */
export async function openEvents(
  { url, mailbox, token, query }: Place,
): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const path = `/v1/mailboxes/${mailbox}/messages?${query}`;
  const response = await fetch(url + path, {
    headers: { Accept: "text/event-stream", Authorization: `Bearer ${token}` },
  });
  if (response.status !== 200 || response.body === null) {
    throw new Error(`a stream of events was answered ${response.status}`);
  }
  const parts = response.body.getReader();
  await parts.read();
  return parts;
}

/** A WebSocket that is open. */
export async function openSocket(
  { url, mailbox, token, query }: Place,
): Promise<WebSocket> {
  const path = `/v1/mailboxes/${mailbox}/socket?${query}`;
  const socket = new WebSocket(url.replace("http", "ws") + path, [
    SUBPROTOCOLS.text,
    `bearer.${token}`,
  ]);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  return socket;
}
