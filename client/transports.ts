/** The ways to follow a mailbox, each as a stream of what arrives. */
import { EventSourceParserStream } from "eventsource-parser/stream";
import { ClientError } from "./error.ts";
import {
  type Listed,
  listPage,
  messagesPath,
  parseListed,
  readQuery,
} from "./read.ts";
import type { Session } from "./session.ts";

/** A way to follow a mailbox: by WebSocket, server-sent events or long polls. */
export type Transport = "socket" | "events" | "poll";

/** What to follow. */
export interface FollowOptions {
  /** Whose mailbox, and where. */
  readonly session: Session;
  /** Behind this cursor; from the oldest held, if null. */
  readonly after: string | null;
  /** Bits a second. */
  readonly bandwidth: number | undefined;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** What arrives at once. */
export interface Arrival {
  /** In the order of the log. */
  readonly messages: readonly Listed[];
  /** Where to go on, if it is known beyond the last message. */
  readonly next: string | null;
  /** Whether this is the first, so that the connection stands. */
  readonly isFirst: boolean;
  /** Whether the cursor was not of this store. */
  readonly reset: boolean;
}

/** Something between us and the relay does not let a transport through. */
export class BlockedError extends Error {
  /** The class, for logs. */
  override name = "BlockedError";
}

/** Milliseconds in which a connection has to stand, and to show life. */
const OPEN_WITHIN = 6_000;
/** Milliseconds of silence after which a stream is taken for dead: three beats. */
const SILENCE = 45_000;
/** Milliseconds of a socket's silence before we look ourselves: it shows no beats. */
const LOOK_EVERY = 60_000;
/** Milliseconds that a socket has to close. */
const CLOSE_WITHIN = 500;
/** Seconds that the relay is asked to wait for mail. */
const WAIT = 25;
/** Messages that may wait for their reader before a socket is given up. */
const MAX_WAITING = 1_000;

const NOTHING: Arrival = {
  messages: [],
  next: null,
  isFirst: false,
  reset: false,
};

/** Long polls: one answer after another. */
async function* poll(
  { session, after, bandwidth, signal }: FollowOptions,
): AsyncGenerator<Arrival> {
  let cursor = after;
  for (let isFirst = true;; isFirst = false) {
    // The first answers at once, so that it is known to get through.
    const wait = isFirst ? 0 : WAIT;
    const page = await listPage(session, cursor, { wait, bandwidth, signal });
    const { messages, next, reset } = page;
    yield { messages, next, isFirst, reset };
    cursor = next;
  }
}

/** Server-sent events: one answer that does not end. */
async function* events(
  { session, after, bandwidth, signal }: FollowOptions,
): AsyncGenerator<Arrival> {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), OPEN_WITHIN);
  let isOpen = false;
  try {
    const response = await session.fetch(
      messagesPath(session, after, bandwidth),
      {
        headers: { Accept: "text/event-stream" },
        signal: AbortSignal.any([signal, silent.signal]),
      },
    );
    const type = response.headers.get("Content-Type") ?? "";
    if (response.body === null || !type.startsWith("text/event-stream")) {
      throw new BlockedError("what answered sends no events");
    }
    const parts = response.body
      .pipeThrough(seen(() => {
        clearTimeout(timer);
        timer = setTimeout(() => silent.abort(), SILENCE);
      }))
      .pipeThrough(new TextDecoderStream() as TransformStream)
      .pipeThrough(new EventSourceParserStream());
    for await (const { event, data, id } of chunksOf(parts)) {
      if (event === "end") return;
      if (event === "open") {
        const reset = /"reset":true/.test(data);
        yield { ...NOTHING, next: id ?? null, isFirst: true, reset };
        isOpen = true;
      }
      if (event === "message") yield { ...NOTHING, messages: [listed(data)] };
    }
    throw new ClientError(
      "relay-unreachable",
      "the stream of events broke off",
    );
  } catch (error) {
    if (silent.signal.aborted && !isOpen) {
      throw new BlockedError("no event came through", { cause: error });
    }
    throw asPassing(error, signal);
  } finally {
    clearTimeout(timer);
    silent.abort();
  }
}

/** A WebSocket. */
async function* socket(
  { session, after, bandwidth, signal }: FollowOptions,
): AsyncGenerator<Arrival> {
  if (typeof WebSocket === "undefined") throw new BlockedError("no WebSockets");
  const { relay, identity } = session;
  const token = await session.bearerToken({ signal });
  const url = `${
    relay.url.replace(/^http/, "ws")
  }/v1/mailboxes/${identity.mailbox}/socket${readQuery(after, bandwidth)}`;
  const connection = new WebSocket(url, ["restante.v1", `bearer.${token}`]);
  const waiting: Listed[] = [];
  let state: "opening" | "open" | "closed" = "opening";
  let problem: unknown = null;
  let changed = Promise.withResolvers<void>();
  const change = (to: typeof state) => {
    state = to;
    changed.resolve();
  };
  connection.onopen = () => change("open");
  const closed = Promise.withResolvers<void>();
  connection.onclose = () => {
    change("closed");
    closed.resolve();
  };
  connection.onmessage = ({ data }) => {
    try {
      waiting.push(listed(String(data)));
    } catch (error) {
      problem = error;
    }
    // What is left unread here is read again from its cursor.
    if (problem !== null || waiting.length >= MAX_WAITING) connection.close();
    changed.resolve();
  };
  const end = () => connection.close();
  signal.addEventListener("abort", end);
  let wasOpen = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    for (let cursor = after;;) {
      timer = setTimeout(
        () => changed.resolve(),
        state === "opening" ? OPEN_WITHIN : LOOK_EVERY,
      );
      if (waiting.length === 0 && stateOf() !== "closed") await changed.promise;
      clearTimeout(timer);
      changed = Promise.withResolvers();
      signal.throwIfAborted();
      if (problem !== null) throw problem;
      if (!wasOpen && stateOf() !== "open") {
        session.dropBearerToken(token); // it may be what was refused
        throw new BlockedError("the WebSocket does not open");
      }
      const messages = waiting.splice(0);
      if (!wasOpen || messages.length > 0) {
        yield { ...NOTHING, messages, isFirst: !wasOpen };
        wasOpen = true;
      } else if (stateOf() === "closed") {
        return;
      } else {
        // Silence: is there nothing, or is nobody there any more?
        const page = await listPage(session, cursor, { bandwidth, signal });
        if (page.messages.length > 0) return;
      }
      cursor = messages.at(-1)?.cursor ?? cursor;
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    connection.close();
    // Leaving is no reason to wait for one who does not answer.
    timer = setTimeout(closed.resolve, CLOSE_WITHIN);
    await closed.promise;
    clearTimeout(timer);
  }

  function stateOf() {
    return state;
  }
}

/** The ways there are. */
export const TRANSPORTS: Readonly<
  Record<Transport, (options: FollowOptions) => AsyncGenerator<Arrival>>
> = { socket, events, poll };

function listed(text: string): Listed {
  const message = parseListed(text);
  if (message !== null) return message;
  throw new ClientError("relay-nonsense", "what was sent is no message");
}

/** Bytes as they are, noticed. */
function seen(notice: () => void): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(part, controller) {
      notice();
      controller.enqueue(part);
    },
  });
}

/** The parts of a stream; not every engine can iterate over one. */
async function* chunksOf<T>(stream: ReadableStream<T>): AsyncGenerator<T> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** A connection that breaks says so in each engine's own words. */
function asPassing(error: unknown, signal: AbortSignal): unknown {
  signal.throwIfAborted();
  if (error instanceof TypeError || error instanceof DOMException) {
    return new ClientError(
      "relay-unreachable",
      "the stream of events broke off",
      { cause: error },
    );
  }
  return error;
}
