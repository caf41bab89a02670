/** Reading server-sent events as a browser does (HTML, 9.2.6). */

/** One event. */
export interface SentEvent {
  readonly event: string;
  readonly data: string;
  readonly id: string | null;
}

/** Bytes of a stream to its events; comments are passed over. */
export class EventSourceParserStream
  extends TransformStream<Uint8Array, SentEvent> {
  constructor() {
    const utf8 = new TextDecoder();
    let held = "";
    super({
      transform(part, controller) {
        held += utf8.decode(part, { stream: true });
        const blocks = held.split("\n\n");
        held = blocks.pop() ?? "";
        for (const block of blocks) {
          const fields = new Map(
            block.split("\n").filter((line) => !line.startsWith(":")).map(
              (line) => {
                const colon = line.indexOf(":");
                return [line.slice(0, colon), line.slice(colon + 1).trim()];
              },
            ),
          );
          if (!fields.has("data")) continue;
          controller.enqueue({
            event: fields.get("event") ?? "message",
            data: fields.get("data") ?? "",
            id: fields.get("id") ?? null,
          });
        }
      },
    });
  }
}
