/**
 * Measuring for ratios: many short rounds, each of which does everything once,
 * and the ratio taken within the round. A slow moment of the machine then falls
 * on both sides, or spoils a round that the median leaves out.
 */

/** Does something for a while; gives how many times. */
export type Doing = () => number | Promise<number>;

/** Rates of several things, round by round. */
export class Rounds {
  readonly #rates = new Map<string, number[]>();

  /** Does everything in turns. One round before the first warms up. */
  async run(things: ReadonlyMap<string, Doing>, rounds: number): Promise<void> {
    for (let round = -1; round < rounds; round++) {
      for (const [name, doing] of things) {
        const started = performance.now();
        const times = await doing();
        const rate = 1_000 * times / (performance.now() - started);
        if (round < 0) continue;
        this.#rates.set(name, [...this.#ratesOf(name), rate]);
      }
    }
  }

  /** Times a second: the median of the rounds. */
  rate(name: string): number {
    return median(this.#ratesOf(name));
  }

  /** How many times as fast the one is: the median of the rounds' ratios. */
  ratio(name: string, to: string): number {
    const others = this.#ratesOf(to);
    return median(
      this.#ratesOf(name).map((rate, round) => rate / (others[round] ?? NaN)),
    );
  }

  #ratesOf(name: string): readonly number[] {
    return this.#rates.get(name) ?? [];
  }
}

/** Does something again and again for so many milliseconds. */
export function forMilliseconds(
  milliseconds: number,
  doing: () => unknown,
  timesEach = 1,
): Doing {
  return () => {
    const started = performance.now();
    let times = 0;
    while (performance.now() - started < milliseconds) {
      for (let i = 0; i < 16; i++) doing();
      times += 16 * timesEach;
    }
    return times;
  };
}

/** The middle one. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN;
}
