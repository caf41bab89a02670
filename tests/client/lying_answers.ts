/** Answers that do not end, and what is asked of a client that meets them. */
import {
  acknowledge,
  fetchMessage,
  type Identity,
  readPage,
  type ReceivedMessage,
  Relay,
  type RelayOptions,
  resolveRecipient,
  Session,
} from "../../client/mod.ts";

/** A message whose body was withheld. */
export const WITHHELD: ReceivedMessage = {
  cursor: `${"a".repeat(12)}-${"0".repeat(20)}`,
  id: "0".repeat(64),
  object: "0".repeat(64),
  storedAt: 0,
  holdUntil: 0,
  size: 0,
  letter: null,
  failure: "withheld",
};

/** Everything that a client asks of a relay, but to follow it. */
export function callsTo(
  url: string,
  me: Identity,
  options: RelayOptions = { patience: 0 },
): Readonly<Record<string, () => Promise<unknown>>> {
  const relay = new Relay(url, options);
  const session = new Session(relay, me);
  return {
    descriptor: () => relay.descriptor(),
    verifyingKey: () => relay.verifyingKey(),
    quote: () => relay.quote(1, 3_600),
    postMessage: () => relay.postMessage(new Uint8Array(1)),
    resolveRecipient: () => resolveRecipient("alice", { relay }),
    readPage: () => readPage(session, null),
    acknowledge: () => acknowledge(session, WITHHELD.cursor, "phone"),
    fetchMessage: () => fetchMessage(session, WITHHELD),
  };
}

/** A body that never ends, and how much of it was taken. */
export class EndlessBody {
  /** Bytes. */
  taken = 0;
  readonly #part: Uint8Array<ArrayBuffer>;

  constructor(text = "[", length = 2 ** 16) {
    this.#part = new TextEncoder().encode(text.repeat(length / text.length));
  }

  /** As an answer. */
  response(init: ResponseInit = {}): Response {
    const body = new ReadableStream({
      pull: (controller) => {
        this.taken += this.#part.length;
        controller.enqueue(this.#part);
      },
    }, { highWaterMark: 0 });
    return new Response(body, init);
  }
}
