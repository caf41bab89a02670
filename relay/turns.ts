/** Turns: for each key so many at once, and the others in the order they came. */

interface Line {
  atOnce: number;
  readonly waiting: (() => void)[];
}

/** Who has a turn, and who waits for one. */
export class Turns<Key> {
  readonly #most: number;
  readonly #lines = new Map<Key, Line>();

  /** So many at once have a turn with one key. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Keys with which anybody has a turn. */
  get size(): number {
    return this.#lines.size;
  }

  /** A turn, as soon as there is one; it is over when it is disposed of. */
  async take(key: Key): Promise<Disposable> {
    const line = this.#lines.get(key) ?? { atOnce: 0, waiting: [] };
    this.#lines.set(key, line);
    if (line.atOnce < this.#most) line.atOnce++;
    else await new Promise<void>((resolve) => line.waiting.push(resolve));
    let isOver = false;
    return {
      [Symbol.dispose]: () => {
        if (isOver) return;
        isOver = true;
        const next = line.waiting.shift();
        if (next !== undefined) return next(); // who takes this very turn
        if (--line.atOnce === 0) this.#lines.delete(key);
      },
    };
  }
}
