/** The ways to stay with a mailbox, each until its connection breaks. */
import { elementPage, ELEMENTS, frameMessage } from "../routes/elements.ts";
import { EventSourceParserStream } from "../routes/event_source.ts";
import type { Listed, Page } from "../routes/owner.ts";
import type { Mailbox } from "./mailbox.ts";

/** Where and from where on to read. */
export interface Place {
  readonly mailbox: Mailbox;
  /** A worker. */
  readonly url: string;
  /** The cursor behind which to read; the start, if null. */
  readonly after: string | null;
  /** Ends the reading. */
  readonly signal: AbortSignal;
}

/** The connection broke, or the worker sent its reader away. */
export class BrokenError extends Error {
  override name = "BrokenError";
}

/** Gives messages until it throws {@link BrokenError} or is told to end. */
export type Transport = (place: Place) => AsyncGenerator<Listed>;

async function ask(
  { mailbox, url, signal }: Place,
  after: string | null,
  headers: Record<string, string>,
): Promise<Response> {
  const query = after === null ? "" : `?after=${after}`;
  const response = await fetch(
    `${url}/v1/mailboxes/${mailbox.id}/messages${query}`,
    {
      headers: {
        ...headers,
        Authorization: `Bearer ${await mailbox.bearer()}`,
      },
      signal,
    },
  ).catch(broken);
  if (response.ok) return response;
  const text = await response.text().catch(broken);
  if (response.status === 503) throw new BrokenError(text);
  throw new Error(`a reader was answered ${response.status}: ${text}`);
}

function broken(cause: unknown): never {
  throw new BrokenError(String(cause), { cause });
}

async function* longPoll(place: Place): AsyncGenerator<Listed> {
  for (let { after } = place; !place.signal.aborted;) {
    const response = await ask(place, after, { Prefer: "wait=20" });
    const page: Page = await response.json().catch(broken);
    yield* page.messages;
    after = page.next;
  }
}

async function* elementLongPoll(place: Place): AsyncGenerator<Listed> {
  for (let { after } = place; !place.signal.aborted;) {
    const headers = { ...ELEMENTS, Prefer: "wait=20" };
    const response = await ask(place, after, headers);
    const page = await elementPage(response).catch(broken);
    yield* page.messages;
    after = page.next;
  }
}

async function* events(place: Place): AsyncGenerator<Listed> {
  const { signal } = place;
  // To abort a fetch whose body is piped leaves the pipe's reader waiting.
  const opening = new AbortController();
  const giveUp = () => opening.abort();
  signal.addEventListener("abort", giveUp);
  const { body } = await ask(
    { ...place, signal: opening.signal },
    place.after,
    { Accept: "text/event-stream" },
  ).finally(() => signal.removeEventListener("abort", giveUp));
  if (body === null) throw new Error("a stream of events has no body");
  const stream = body.pipeThrough(new EventSourceParserStream()).getReader();
  const end = () => stream.cancel().catch(() => {}); // it may be broken
  signal.addEventListener("abort", end);
  try {
    while (!signal.aborted) {
      const { value, done } = await stream.read().catch(broken);
      if (done) throw new BrokenError("the stream has ended");
      if (value.event === "message") yield JSON.parse(value.data);
    }
  } finally {
    signal.removeEventListener("abort", end);
    await end();
  }
}

const socket: Transport = (place) => openSocket(place, "restante.v1");

const elementSocket: Transport = (place) =>
  openSocket(place, "restante.v1.binary");

async function* openSocket(
  place: Place,
  subprotocol: string,
): AsyncGenerator<Listed> {
  const { mailbox, after, url, signal } = place;
  const query = after === null ? "" : `?after=${after}`;
  const socket = new WebSocket(
    `${url.replace("http", "ws")}/v1/mailboxes/${mailbox.id}/socket${query}`,
    [subprotocol, `bearer.${await mailbox.bearer()}`],
  );
  socket.binaryType = "arraybuffer";
  const closed = Promise.withResolvers<void>();
  const frames = new ReadableStream<string | ArrayBuffer>({
    start(controller) {
      socket.onmessage = ({ data }) => controller.enqueue(data);
      socket.onclose = () => {
        controller.close();
        closed.resolve();
      };
    },
  }).getReader();
  const close = () => socket.close();
  signal.addEventListener("abort", close);
  try {
    for (;;) {
      const { value, done } = await frames.read();
      if (done) throw new BrokenError("the socket was closed");
      yield frameMessage(value);
    }
  } finally {
    signal.removeEventListener("abort", close);
    socket.close();
    await closed.promise;
  }
}

/** Every transport by its name. */
export const TRANSPORTS: Readonly<Record<string, Transport>> = {
  longPoll,
  elementLongPoll,
  events,
  socket,
  elementSocket,
};
