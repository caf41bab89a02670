/** Reading by WebSocket: a frame a message, JSON text or an element's bytes. */
import type { Bytes } from "../lib/bytes.ts";
import { SUBPROTOCOLS } from "../lib/elements.ts";
import { Problem } from "../lib/problem.ts";
import { Draining } from "../relay/draining.ts";
import { type EndReason, pagesOf, type Stay } from "../relay/stay.ts";
import { type StreamPart, streamParts } from "./page_forms.ts";

/** A subprotocol that the relay speaks. */
export type Subprotocol = typeof SUBPROTOCOLS[keyof typeof SUBPROTOCOLS];

/** Milliseconds between two looks at what waits. */
const LOOK_EVERY = 20;

/** Close codes: going away (RFC 6455, 7.4.1), and our own. */
const CLOSE_CODES: Record<EndReason, number> = {
  "shutdown": 1001,
  "token-expired": 4001,
};

/** The reader sent more than it may (RFC 6455, 7.4.1). */
const TOO_BIG = 1009;
/** The reader takes nothing: it goes against the relay's policy. */
const TOO_SLOW = 1008;
/** The store does not answer now (registered with the IANA for RFC 6455). */
const TRY_AGAIN = 1013;

/** The reader took nothing for as long as patience lasts. */
class StuckError extends Error {}

/**
 * Sends a mailbox through an open socket until one of both ends; as JSON, if
 * nothing else was agreed on.
 */
export async function serveSocket(
  socket: WebSocket,
  stay: Stay,
  subprotocol: Subprotocol = SUBPROTOCOLS.text,
): Promise<void> {
  const { relay, streams } = stay;
  const gone = new AbortController();
  socket.addEventListener("close", () => gone.abort());
  socket.addEventListener("message", ({ data }) => {
    // What a reader says is of no interest; how much it says is.
    if (bytesOf(data) <= relay.caps.frameBytes) return;
    gone.abort();
    socket.close(TOO_BIG, "frame too big");
  });
  const sender = new Sender(socket, stay, gone.signal);
  const pages = pagesOf(stay, gone.signal);
  try {
    while (await sendNext());
    const reason = stay.endOf();
    if (reason !== null) socket.close(CLOSE_CODES[reason], reason);
  } catch (error) {
    if (error instanceof StuckError) {
      streams.dropped++;
      return socket.close(TOO_SLOW, "too slow");
    }
    if (error instanceof Problem && error.code === "busy") {
      return socket.close(TRY_AGAIN, "busy");
    }
    relay.log.error("socket-failed", { error });
    socket.close(1011, "internal");
  } finally {
    stay.place.abandon();
    await pages.return(undefined);
  }

  /**
   * Sends the next page; false at the end. In a call of its own: a loop would
   * keep each page, with its bodies, for as long as the next is waited for.
   */
  async function sendNext(): Promise<boolean> {
    const { value: page, done } = await pages.next();
    if (done || stay.endOf() !== null) return false;
    sender.look();
    const parts = page === null ? [] : streamParts(page, stay.delivery);
    for (const part of parts) await sender.send(frameOf(part));
    return true;
  }

  function frameOf(part: StreamPart): string | Bytes {
    const isBinary = subprotocol === SUBPROTOCOLS.binary;
    return (isBinary ? part.element : null) ?? part.text;
  }
}

/** Sends no faster than the reader takes. */
class Sender {
  readonly #socket: WebSocket;
  readonly #stay: Stay;
  readonly #gone: AbortSignal;
  readonly #draining: Draining;

  constructor(socket: WebSocket, stay: Stay, gone: AbortSignal) {
    const { caps, clock } = stay.relay;
    this.#socket = socket;
    this.#stay = stay;
    this.#gone = gone;
    const patience = 1_000 * caps.drainSeconds;
    this.#draining = new Draining(patience, clock.monotonic());
  }

  /**
   * Notes what waits.
   *
   * @throws {StuckError} if it has waited for too long
   */
  look(): void {
    const { place, relay } = this.#stay;
    const { bufferedAmount } = this.#socket;
    place.buffered = bufferedAmount;
    const now = relay.clock.monotonic();
    if (this.#draining.isStuck(bufferedAmount, now)) throw new StuckError();
  }

  /** Whether the reader may be sent more. */
  get #isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN &&
      !this.#gone.aborted && this.#stay.endOf() === null;
  }

  /** Sends once there is room: sockets have no other sign of back-pressure. */
  async send(frame: string | Bytes): Promise<void> {
    if (!this.#isOpen) return;
    const { place, relay } = this.#stay;
    this.look();
    // JSON of ours is ASCII: its characters are its bytes.
    while (!place.hasRoomFor(frame.length) && this.#isOpen) {
      await relay.clock.sleep(LOOK_EVERY, this.#gone);
      this.look();
    }
    if (!this.#isOpen) return;
    this.#socket.send(frame);
    const { bufferedAmount } = this.#socket;
    place.buffered = bufferedAmount;
    this.#draining.sent(bufferedAmount, relay.clock.monotonic());
  }
}

function bytesOf(data: unknown): number {
  if (typeof data === "string") return data.length;
  if (data instanceof Blob) return data.size;
  return data instanceof ArrayBuffer ? data.byteLength : 0;
}
