/** Reading by server-sent events (HTML, section 9.2). */
import type { Page } from "../kv/mail/read.ts";
import { pagesOf, type Stay } from "../relay/stay.ts";
import { eventBytes, streamParts } from "./page_forms.ts";
import type { ServeInfo } from "./serve_info.ts";

/** A comment: what lies on the way sees that the stream lives. */
const BEAT = new TextEncoder().encode(":\n\n");

/** Milliseconds between two looks whether there is room to send. */
const LOOK_EVERY = 20;

/**
 * A stream of a mailbox: `open` at once, `message` for each message with its
 * cursor as the id (or `digest` for many), and `end` with the reason when the
 * relay ends it. One part is sent at a time, when the one before was taken; a
 * reader that takes none for too long is dropped, and its connection cut off.
 */
export function eventStream(
  stay: Stay,
  { connection, stay: stayOn }: Partial<ServeInfo>,
): Response {
  const { relay: { clock, caps }, streams, place } = stay;
  const gone = new AbortController();
  const pages = pagesOf(stay, gone.signal);
  let waiting: Uint8Array[] = [];
  let isOpen = false;
  let callOff = () => {};
  const leaveConnection = stayOn?.();
  const leave = async () => {
    gone.abort();
    callOff();
    place.leave();
    leaveConnection?.();
    await pages.return(undefined);
  };
  const drop = (controller: ReadableStreamDefaultController) => {
    streams.dropped++;
    controller.error(new Error("the reader takes nothing"));
    leave();
    connection?.cut();
  };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      callOff(); // what was sent before is taken
      place.buffered = 0;
      try {
        const part = await nextPart();
        if (gone.signal.aborted) return;
        if (part === null) {
          const reason = stay.endOf() ?? "closed";
          controller.enqueue(eventBytes("end", JSON.stringify({ reason })));
          controller.close();
          return await leave();
        }
        place.buffered = part.length;
        const patience = 1_000 * caps.drainSeconds;
        callOff = clock.after(patience, () => drop(controller));
        controller.enqueue(part);
      } catch (error) {
        await leave();
        throw error;
      }
    },
    cancel: leave,
  }, { highWaterMark: 0 });

  /** What is sent next, once there is room for it; null at the end. */
  async function nextPart(): Promise<Uint8Array | null> {
    while (waiting.length === 0) {
      const { value, done } = await pages.next();
      if (done) return null;
      waiting = value === null ? [BEAT] : partsOf(value);
    }
    const part = waiting.shift() ?? BEAT;
    while (!place.hasRoomFor(part.length) && stay.endOf() === null) {
      if (gone.signal.aborted) return null;
      await clock.sleep(LOOK_EVERY, gone.signal);
    }
    return stay.endOf() === null ? part : null;
  }

  function partsOf(page: Page): Uint8Array[] {
    const opening = isOpen ? [] : [opened(page)];
    isOpen = true;
    const parts = streamParts(page, stay.delivery).map(({ event }) => event);
    return [...opening, ...parts];
  }

  return new Response(body, { headers: EVENT_STREAM_HEADERS });
}

/** The headers of a stream of events. */
export const EVENT_STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-store",
  "X-Accel-Buffering": "no",
};

/** Where the stream begins; a reader that is reset begins at the oldest held. */
function opened({ reset, messages, next }: Page): Uint8Array {
  const id = messages.length === 0 ? next : undefined;
  return eventBytes("open", JSON.stringify({ reset }), id);
}
