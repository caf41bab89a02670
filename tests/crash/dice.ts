/** Choices that a seed decides. */

/** Gives the same choices, in the same order, for the same seed. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, not with, 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends among them. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** True so often out of one. */
  chance(share: number): boolean {
    return this.next() < share;
  }

  /** One of them; undefined if there is none. */
  pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.next() * from.length)];
  }

  /** Others, for somebody whose number of throws is not known beforehand. */
  fork(): Dice {
    return new Dice(this.between(0, 2 ** 32 - 1));
  }
}

/** The seed of this run: RESTANTE_SEED, or a new one. */
export function seedOfRun(): number {
  return Number(Deno.env.get("RESTANTE_SEED") ?? Date.now() % 2 ** 31);
}
