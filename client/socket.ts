/** Following by WebSocket. */
import {
  type Arrival,
  BlockedError,
  type FollowOptions,
  NO_ARRIVAL,
  OPEN_WITHIN,
} from "./follow.ts";
import { Frames } from "./frames.ts";
import { listPage, readQuery } from "./listing.ts";
import { openSocket } from "./open_socket.ts";

/** Milliseconds of a socket's silence before we look ourselves: it shows no beats. */
const LOOK_EVERY = 60_000;

/** What arrives, until the relay or the signal ends it. */
export async function* socket(
  { session, after, signal, ...options }: FollowOptions,
): AsyncGenerator<Arrival> {
  if (typeof WebSocket === "undefined") throw new BlockedError("no WebSockets");
  const look = (cursor: string | null) =>
    listPage(session, cursor, { ...options, limit: 1, signal });
  const query = readQuery(after, options);
  const connection = await openSocket(session, query, signal);
  const frames = new Frames(connection, session.relay.clock);
  const leave = () => frames.leave();
  signal.addEventListener("abort", leave);
  try {
    signal.throwIfAborted();
    const first = await frames.next(OPEN_WITHIN);
    signal.throwIfAborted();
    if (!frames.hasOpened) {
      // It is not the relay that is gone, and not the token that is refused?
      await look(after);
      throw new BlockedError("the WebSocket does not open");
    }
    yield { ...NO_ARRIVAL, messages: first, isFirst: true };
    let cursor = first.at(-1)?.cursor ?? after;
    for (;;) {
      const messages = await frames.next(LOOK_EVERY);
      signal.throwIfAborted();
      if (messages.length > 0) {
        yield { ...NO_ARRIVAL, messages };
        cursor = messages.at(-1)?.cursor ?? cursor;
      } else if (frames.isOver) {
        return;
      } else {
        // Silence: is there nothing, or is nobody there any more?
        const { messages, reset } = await look(cursor);
        if (messages.length > 0 || reset) return;
      }
    }
  } finally {
    signal.removeEventListener("abort", leave);
    await frames.end();
  }
}
