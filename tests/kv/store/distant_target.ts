/** A store that is some way off, and does one commit after the other. */
import type { CommitTarget } from "../../../kv/store/commit_queue.ts";
import type { EntryMaybe, Key, Operation } from "../../../kv/store/database.ts";
import type { ManualClock } from "../../manual_clock.ts";
import { settled } from "./test_part.ts";

/** What a store takes its time for, in milliseconds. */
export interface Distance {
  /** From a request to its answer, for the way alone. */
  way: number;
  /** Of work, for each commit. */
  commit: number;
  /** And for each of its mutations. */
  mutation: number;
}

/** Takes any operation, remembers nothing, and answers late. */
export class DistantTarget implements CommitTarget {
  /** May be changed at any time. */
  readonly distance: Distance;
  /** Whether nothing is answered any more. */
  isHung = false;
  /** Commits that are under way now, and the most that ever were. */
  underWay = 0;
  mostUnderWay = 0;
  /** Mutations of each commit so far. */
  readonly sizes: number[] = [];
  readonly #clock: ManualClock;
  readonly #hung: PromiseWithResolvers<string>[] = [];
  /** When it has done all that it was asked, by the clock. */
  #idleAt = 0;

  constructor(clock: ManualClock, distance: Distance) {
    this.#clock = clock;
    this.distance = distance;
  }

  async commit({ mutations }: Operation): Promise<string> {
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    try {
      const { way, commit, mutation } = this.distance;
      await this.#clock.sleep(way / 2);
      if (this.isHung) await this.#hang();
      const began = Math.max(this.#idleAt, this.#clock.monotonic());
      this.#idleAt = began + commit + mutation * mutations.length;
      await this.#clock.sleep(this.#idleAt - this.#clock.monotonic());
      await this.#clock.sleep(way / 2);
      if (this.isHung) await this.#hang();
      this.sizes.push(mutations.length);
      return String(this.sizes.length).padStart(20, "0");
    } finally {
      this.underWay -= 1;
    }
  }

  getMany<T extends readonly unknown[]>(
    keys: readonly [...{ [K in keyof T]: Key<T[K]> }],
  ): Promise<{ [K in keyof T]: EntryMaybe<T[K]> }> {
    if (this.isHung) return Promise.reject(new Error("hung"));
    const entries = keys.map((key) => ({
      key,
      value: null,
      versionstamp: null,
    }));
    return Promise.resolve(entries as { [K in keyof T]: EntryMaybe<T[K]> });
  }

  /** Whoever has waited is told that there is no answer. */
  giveUp(error: Error): void {
    for (const { reject } of this.#hung.splice(0)) reject(error);
  }

  async #hang(): Promise<void> {
    const hung = Promise.withResolvers<string>();
    this.#hung.push(hung);
    await hung.promise;
  }
}

/** Moves a clock on in small steps, and lets all happen that each of them brings. */
export async function pass(
  clock: ManualClock,
  milliseconds: number,
): Promise<void> {
  for (let left = milliseconds; left > 0; left -= STEP) {
    clock.advance(STEP);
    await settled();
  }
}

const STEP = 0.5;
