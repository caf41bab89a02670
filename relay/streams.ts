/** What long-lived readers have in common: a pulse, and an end. */

/** Milliseconds between two beats: half of what API.md allows. */
const BEAT_EVERY = 15_000;

/** The streams of a worker. */
export class Streams {
  readonly #closing = new AbortController();
  readonly #beats = new Set<() => void>();
  #timer: ReturnType<typeof setInterval> | null = null;

  /** Aborted when the relay is about to stop. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Calls `beat` once in a while; gives how to end that. */
  readonly onBeat = (beat: () => void): () => void => {
    this.#beats.add(beat);
    // One timer for all, and none where there are none.
    this.#timer ??= setInterval(() => this.#beat(), BEAT_EVERY);
    return () => {
      this.#beats.delete(beat);
      if (this.#beats.size > 0 || this.#timer === null) return;
      clearInterval(this.#timer);
      this.#timer = null;
    };
  };

  /** Tells every stream to end: with one more beat, at which it looks. */
  close(): void {
    this.#closing.abort();
    this.#beat();
  }

  #beat(): void {
    for (const beat of [...this.#beats]) beat();
  }
}
