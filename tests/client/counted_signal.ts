/** A signal that knows how many listen to it. */

/** Ended by hand; who listens by its own methods is counted. */
export class CountedSignal {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #listeners = new Set<unknown>();

  constructor() {
    const { signal } = this.#controller;
    this.signal = signal;
    const [add, remove] = [signal.addEventListener, signal.removeEventListener];
    signal.addEventListener = (type: string, ...rest: [never]) => {
      this.#listeners.add(rest[0]);
      add.call(signal, type, ...rest);
    };
    signal.removeEventListener = (type: string, ...rest: [never]) => {
      this.#listeners.delete(rest[0]);
      remove.call(signal, type, ...rest);
    };
  }

  /** How many listen now. */
  get listeners(): number {
    return this.#listeners.size;
  }

  /** Aborts it. */
  end(reason: Error): void {
    this.#controller.abort(reason);
  }
}
