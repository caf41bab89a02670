/** What a WebSocket brings, kept until somebody asks for it. */
import type { Bytes } from "../lib/bytes.ts";
import { SUBPROTOCOLS } from "../lib/elements.ts";
import type { Clock } from "../lib/timers.ts";
import { ClientError } from "./error.ts";
import { type Listed, parseListed } from "./listed.ts";

/** Messages that may wait for their reader before a socket is given up. */
const MAX_WAITING = 1_000;
/** Bytes of these together, or characters of JSON. */
const MAX_WAITING_LENGTH = 8 * 2 ** 20;
/** Milliseconds that a socket has to close. */
const CLOSE_WITHIN = 500;

/** The messages of a WebSocket, and what becomes of it. */
export class Frames {
  readonly #connection: WebSocket;
  readonly #clock: Clock;
  readonly #closed = Promise.withResolvers<void>();
  #waiting: Listed[] = [];
  #length = 0;
  #problem: unknown = null;
  #hasOpened = false;
  #isOver = false;
  #changed = Promise.withResolvers<void>();

  /** Listens from now on. */
  constructor(connection: WebSocket, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
    connection.binaryType = "arraybuffer";
    connection.onopen = () => {
      this.#hasOpened = true;
      this.#changed.resolve();
    };
    connection.onclose = () => {
      this.#isOver = true;
      this.#closed.resolve();
      this.#changed.resolve();
    };
    connection.onmessage = ({ data }) => this.#receive(data);
  }

  /** Whether it stood, at any time. */
  get hasOpened(): boolean {
    return this.#hasOpened;
  }

  /** Whether nothing more comes: it is closed, or was left. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * The messages that wait; none, if nothing happens in so many milliseconds
   * but that it opens, closes or is left.
   *
   * @throws {ClientError} `relay-nonsense` if something else came
   */
  async next(within: number): Promise<Listed[]> {
    if (this.#waiting.length === 0 && !this.#isOver) {
      const callOff = this.#clock.after(within, this.#changed.resolve);
      await this.#changed.promise;
      callOff();
    }
    this.#changed = Promise.withResolvers();
    if (this.#problem !== null) throw this.#problem;
    const messages = this.#waiting;
    [this.#waiting, this.#length] = [[], 0];
    return messages;
  }

  /** Takes nothing more, and wakes who waits. */
  leave(): void {
    this.#isOver = true;
    this.#connection.close();
    this.#changed.resolve();
  }

  /** Leaves, and waits a moment for the other side to know it. */
  async end(): Promise<void> {
    this.leave();
    const callOff = this.#clock.after(CLOSE_WITHIN, this.#closed.resolve);
    await this.#closed.promise;
    callOff();
  }

  #receive(data: unknown): void {
    if (this.#isOver) return;
    try {
      const frame = this.#frameOf(data);
      this.#waiting.push(parseListed(frame));
      this.#length += frame.length;
    } catch (error) {
      this.#problem = error;
    }
    // What is left unread here is read again from its cursor.
    const isFull = this.#waiting.length >= MAX_WAITING ||
      this.#length >= MAX_WAITING_LENGTH;
    if (this.#problem !== null || isFull) this.leave();
    this.#changed.resolve();
  }

  /** A frame in the form that was agreed on: bytes, or text. */
  #frameOf(data: unknown): string | Bytes {
    const isBinary = this.#connection.protocol === SUBPROTOCOLS.binary;
    if (isBinary && data instanceof ArrayBuffer) return new Uint8Array(data);
    if (!isBinary && typeof data === "string") return data;
    const detail = "what was sent is not what was agreed on";
    throw new ClientError("relay-nonsense", detail);
  }
}
