/** Whether a reader takes what waits for it. */

/** Watches one reader's buffer; monotonic milliseconds. */
export class Draining {
  readonly #patience: number;
  #least = 0;
  #movedAt: number;

  /** With so many milliseconds of patience, from `now` on. */
  constructor(patience: number, now: number) {
    this.#patience = patience;
    this.#movedAt = now;
  }

  /** Notes that bytes were sent to it, of which so many wait. */
  sent(buffered: number, now: number): void {
    if (this.#least === 0) this.#movedAt = now;
    this.#least = buffered;
  }

  /** Whether what waits has not become less for longer than patience lasts. */
  isStuck(buffered: number, now: number): boolean {
    if (buffered === 0 || buffered < this.#least) {
      this.#least = buffered;
      this.#movedAt = now;
      return false;
    }
    return now - this.#movedAt >= this.#patience;
  }
}
