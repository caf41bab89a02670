/** Reading by server-sent events (HTML, section 9.2). */
import type { Page } from "../kv/mail/read.ts";
import { streamParts } from "./page_forms.ts";
import { pagesOf, type Reading } from "../relay/stay.ts";

/** A comment: what lies on the way sees that the stream lives. */
const BEAT = new TextEncoder().encode(":\n\n");

const utf8 = new TextEncoder();

/**
 * A stream of a mailbox: `open` at once, `message` for each message with its
 * cursor as the id (or `digest` for many), and `end` with the reason when the
 * relay ends it.
 */
export function eventStream(reading: Reading): Response {
  const gone = new AbortController();
  const pages = pagesOf(reading, gone.signal);
  let isOpen = false;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await pages.next();
      const reason = reading.endOf();
      if (done || reason !== null) {
        controller.enqueue(event("end", { reason: reason ?? "closed" }));
        controller.close();
        await pages.return(undefined);
        return;
      }
      if (value === null) return controller.enqueue(BEAT);
      const opening = isOpen ? [] : [opened(value)];
      isOpen = true;
      const parts = [
        ...opening,
        ...streamParts(value, reading.delivery).map(({ name, data, cursor }) =>
          event(name, data, cursor)
        ),
      ];
      for (const part of parts) controller.enqueue(part);
    },
    async cancel() {
      gone.abort();
      await pages.return(undefined);
    },
  }, { highWaterMark: 0 });
  return new Response(body, {
    headers: {
      "Content-Type": "text/event-stream",
      "Cache-Control": "no-store",
      "X-Accel-Buffering": "no",
    },
  });
}

/** Where the stream begins; a reader that is reset begins at the oldest held. */
function opened({ reset, messages, next }: Page): Uint8Array {
  return event("open", { reset }, messages.length === 0 ? next : undefined);
}

function event(name: string, data: unknown, id?: string): Uint8Array {
  const place = id === undefined ? "" : `id: ${id}\n`;
  return utf8.encode(
    `event: ${name}\n${place}data: ${JSON.stringify(data)}\n\n`,
  );
}
