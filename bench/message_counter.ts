/** Counting what many readers hear. */

/** How an event that is a message begins; no body holds a line like it. */
const MESSAGE = new TextEncoder().encode("event: message\n");

/** Messages that came to any of many readers. */
export class MessageCounter {
  #count = 0;
  #wanted = Infinity;
  #reached = Promise.withResolvers<void>();

  /** Counts one. */
  count(): void {
    this.#count += 1;
    if (this.#count >= this.#wanted) this.#reached.resolve();
  }

  /** Counts the messages of a stream of events until it ends. */
  async countEvents(
    parts: ReadableStreamDefaultReader<Uint8Array>,
  ): Promise<void> {
    let matched = 0;
    for (let part = await parts.read(); !part.done; part = await parts.read()) {
      for (const byte of part.value) {
        matched = byte === MESSAGE[matched]
          ? matched + 1
          : byte === MESSAGE[0]
          ? 1
          : 0;
        if (matched < MESSAGE.length) continue;
        this.count();
        matched = 0;
      }
    }
  }

  /** Ends when so many have come since the start. */
  async reach(messages: number): Promise<void> {
    if (this.#count >= messages) return;
    this.#wanted = messages;
    this.#reached = Promise.withResolvers();
    await this.#reached.promise;
  }
}
