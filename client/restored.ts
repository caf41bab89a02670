/** How often a relay may say that its store is another one. */
import { ClientError } from "./error.ts";

/** Times that a store may be restored within {@link WITHIN}: then it is a lie. */
const MOST = 3;
/** Milliseconds. */
const WITHIN = 3_600_000;

/**
 * Counts for one watch. What is held is given anew each time, so that whoever
 * says so without end would show the same letters without end.
 */
export class Restored {
  readonly #url: string;
  #times: number[] = [];

  /** Of the relay at a URL, for messages. */
  constructor(url: string) {
    this.#url = url;
  }

  /**
   * Notes that it said so, at a time of the clock that never goes back.
   *
   * @throws {ClientError} `relay-nonsense` if that was too often
   */
  note(now: number): void {
    this.#times = [...this.#times.filter((at) => at > now - WITHIN), now];
    if (this.#times.length <= MOST) return;
    throw new ClientError(
      "relay-nonsense",
      `${this.#url} begins anew again and again`,
    );
  }
}
