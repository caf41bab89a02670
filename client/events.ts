/** Following by server-sent events: one answer that does not end. */
import { ParseError } from "eventsource-parser";
import { EventSourceParserStream } from "eventsource-parser/stream";
import { z } from "zod";
import { ClientError } from "./error.ts";
import {
  type Arrival,
  BlockedError,
  type FollowOptions,
  NO_ARRIVAL,
  OPEN_WITHIN,
} from "./follow.ts";
import { cursorForm } from "./forms.ts";
import { MAX_LISTED, parseListed } from "./listed.ts";
import { mailboxPath, readQuery } from "./listing.ts";

/** Milliseconds of silence after which a stream is taken for dead: three beats. */
const SILENCE = 45_000;

/** What arrives, until the relay or the signal ends it. */
export async function* events(
  { session, after, signal, ...options }: FollowOptions,
): AsyncGenerator<Arrival> {
  const { clock } = session.relay;
  const silent = new AbortController();
  let callOff = clock.after(OPEN_WITHIN, () => silent.abort());
  let isOpen = false;
  const hear = () => {
    // Whatever comes before it opens is no sign of the relay's life.
    if (!isOpen) return;
    callOff();
    callOff = clock.after(SILENCE, () => silent.abort());
  };
  try {
    const response = await session.fetch(
      `${mailboxPath(session)}/messages${readQuery(after, options)}`,
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
      .pipeThrough(seen(hear))
      .pipeThrough(new TextDecoderStream() as TransformStream)
      .pipeThrough(new EventSourceParserStream({ maxBufferSize: MAX_LISTED }));
    for await (const { event, data, id } of chunksOf(parts)) {
      if (event === "end") return;
      if (event === "open") {
        isOpen = true;
        hear();
        yield { ...NO_ARRIVAL, ...openingOf(data, id), isFirst: true };
      }
      if (event === "message") {
        yield { ...NO_ARRIVAL, messages: [parseListed(data)] };
      }
    }
    throw new ClientError("relay-unreachable", BROKE_OFF);
  } catch (error) {
    if (silent.signal.aborted && !isOpen) {
      throw new BlockedError("no event came through", { cause: error });
    }
    throw asFailure(error);
  } finally {
    callOff();
    silent.abort(); // and with it the request, if it is not at its end
  }
}

const BROKE_OFF = "the stream of events broke off";

const openForm = z.object({ reset: z.boolean() });

/** Where the stream begins. */
function openingOf(
  data: string,
  id: string | undefined,
): Pick<Arrival, "next" | "reset"> {
  try {
    const next = id === undefined ? null : cursorForm.parse(id);
    return { next, ...openForm.parse(JSON.parse(data)) };
  } catch (cause) {
    const detail = "the stream of events begins as none does";
    throw new ClientError("relay-nonsense", detail, { cause });
  }
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
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** A connection that breaks says so in each engine's own words. */
function asFailure(error: unknown): unknown {
  if (error instanceof ParseError) {
    const detail = "the relay sent an event that does not end";
    return new ClientError("relay-nonsense", detail, { cause: error });
  }
  if (error instanceof TypeError || error instanceof DOMException) {
    return new ClientError("relay-unreachable", BROKE_OFF, { cause: error });
  }
  return error;
}
