/** Letting requests under way end before the server closes. */
import type { MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import { Problem } from "../lib/problem.ts";
import type { Clock } from "../lib/timers.ts";

/**
 * Milliseconds that requests under way have to end. Deno Deploy kills what has
 * not ended five seconds after it was told to.
 */
const PATIENCE = 3_500;
/** Seconds after which another worker, or this one anew, should answer. */
const RETRY_AFTER = 2;

/** Counts requests, and once it drains lets no more in. */
export class Drain {
  readonly #clock: Clock;
  #underWay = 0;
  #isDraining = false;
  readonly #emptied = Promise.withResolvers<void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Requests under way. */
  get size(): number {
    return this.#underWay;
  }

  /** Whether no more are let in. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Goes before every route. */
  readonly middleware: MiddlewareHandler = createMiddleware(async (_, next) => {
    await this.during(next);
  });

  /**
   * Counts a request while it is answered.
   *
   * @throws {Problem} `busy` if no more are let in
   */
  async during<T>(answer: () => Promise<T>): Promise<T> {
    if (this.#isDraining) {
      throw new Problem("busy", "the relay is about to stop", {
        retryAfter: RETRY_AFTER,
      });
    }
    this.#underWay++;
    try {
      return await answer();
    } finally {
      this.#underWay--;
      this.#lookWhetherEmpty();
    }
  }

  /**
   * Ends when no request is under way, or after {@link PATIENCE}; gives whether
   * none is.
   */
  async finish(): Promise<boolean> {
    this.#isDraining = true;
    this.#lookWhetherEmpty();
    const callOff = this.#clock.after(PATIENCE, this.#emptied.resolve);
    await this.#emptied.promise;
    callOff();
    return this.#underWay === 0;
  }

  #lookWhetherEmpty(): void {
    if (this.#isDraining && this.#underWay === 0) this.#emptied.resolve();
  }
}
