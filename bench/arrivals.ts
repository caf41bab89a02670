/** When messages arrive at a reader. */
import { openEvents, openSocket, type Place } from "./open_reader.ts";

/** A reader that notes the time of every message. */
export interface Arrivals extends AsyncDisposable {
  /** `performance.now()` when the next message has come. */
  next(): Promise<number>;
}

/** Reads by server-sent events. */
export async function eventArrivals(place: Place): Promise<Arrivals> {
  const parts = await openEvents(place);
  const clock = new ArrivalClock();
  const reading = (async () => {
    const utf8 = new TextDecoder();
    let held = "";
    for (let part = await parts.read(); !part.done; part = await parts.read()) {
      const at = performance.now();
      const blocks = (held + utf8.decode(part.value, { stream: true })).split(
        "\n\n",
      );
      held = blocks.pop() ?? "";
      for (const block of blocks) {
        if (block.startsWith("event: message\n")) clock.note(at);
      }
    }
  })();
  return {
    next: () => clock.next(),
    async [Symbol.asyncDispose]() {
      await parts.cancel();
      await reading;
    },
  };
}

/** Reads by WebSocket. */
export async function socketArrivals(place: Place): Promise<Arrivals> {
  const socket = await openSocket(place);
  const clock = new ArrivalClock();
  socket.onmessage = () => clock.note(performance.now());
  return {
    next: () => clock.next(),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => socket.onclose = resolve);
      socket.close();
      await closed;
    },
  };
}

/** Hands each time on to the one who waits for it. */
class ArrivalClock {
  #next = Promise.withResolvers<number>();

  next(): Promise<number> {
    return this.#next.promise;
  }

  note(at: number): void {
    const { resolve } = this.#next;
    this.#next = Promise.withResolvers();
    resolve(at);
  }
}
