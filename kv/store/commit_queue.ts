/**
 * Group commit: what waits together is committed together, for SQLite does one
 * fsync a commit (DESIGN section 4). Each caller hears of its own part alone.
 */
import { Problem } from "../../lib/problem.ts";
import { type Clock, systemClock } from "../../lib/timers.ts";
import { type Choosable, chooseBatch } from "./choose_batch.ts";
import { AGAIN, Batch, type Part } from "./commit_part.ts";
import { CommitWindow, type UnderWay } from "./commit_window.ts";
import type { Database, EntryMaybe } from "./database.ts";
import type { CommitLimits } from "./limits.ts";
import { askFor } from "./outcomes.ts";

/** What the queue needs of a store: its failures are typed there. */
export type CommitTarget = Pick<Database, "commit" | "getMany">;

/** Bounds of a queue. */
export interface QueueLimits {
  /** Parts that may wait. */
  readonly parts: number;
  /** Bytes of the parts that may wait. */
  readonly bytes: number;
  /** Operations that may be under way at once, by how long they take. */
  readonly underWay: UnderWay;
  /**
   * Bytes that the parts of one order may add to the row that they share. What
   * goes beyond it waits for the next operation, which costs less than rows of
   * its own where operations are soon done.
   */
  readonly rowBytes: number;
}

/** Some seconds of the work of a disk, which does one thing at a time. */
export const DEFAULT_QUEUE: QueueLimits = {
  parts: 10_000,
  bytes: 64 * 2 ** 20,
  underWay: { least: 1, most: 1 },
  // A value holds them, and what stands around each.
  rowBytes: 52_000,
};

/** What a queue does, for whoever watches over it. */
export interface QueueStats {
  /** Parts that wait. */
  readonly waiting: number;
  /** Bytes of these, at most. */
  readonly waitingBytes: number;
  /** Operations under way. */
  readonly underWay: number;
  /** How many may be, by how long they take. */
  readonly window: number;
  /** Parts refused for want of room in the queue. */
  readonly refused: number;
}

/** Told of every operation that was committed. */
export type OnBatch = (parts: number, milliseconds: number) => void;

interface Waiting extends Choosable {
  readonly resolve: (outcome: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** How often it was to be added, and was not stored. */
  attempts: number;
}

/** Seconds after which a caller may try a full queue again. */
const RETRY_AFTER = 1;
/** A part that is refused so often meets others wherever it comes. */
const MOST_ATTEMPTS = 100;

/** Parts that wait to be committed. */
export class CommitQueue implements Disposable {
  readonly #target: CommitTarget;
  readonly #limits: CommitLimits;
  readonly #bounds: QueueLimits;
  readonly #window: CommitWindow;
  readonly #clock: Pick<Clock, "after" | "monotonic">;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #refused = 0;
  readonly #underWay = new Set<readonly Waiting[]>();
  /** While it is not known what became of a batch, none is begun. */
  #unknown = 0;
  /** When batches were last begun, by the clock. */
  #begunAt = -Infinity;
  #callOff: (() => void) | null = null;
  /** Told of every operation that was committed. */
  onBatch: OnBatch = () => {};

  /** One for each store. */
  constructor(
    target: CommitTarget,
    limits: CommitLimits,
    bounds: QueueLimits = DEFAULT_QUEUE,
    clock: Pick<Clock, "after" | "monotonic"> = systemClock,
  ) {
    this.#target = target;
    this.#limits = limits;
    this.#bounds = bounds;
    this.#clock = clock;
    this.#window = new CommitWindow(bounds.underWay, clock);
  }

  /** How it stands. */
  get stats(): QueueStats {
    return {
      waiting: this.#waiting.length,
      waitingBytes: this.#waitingBytes,
      underWay: this.#underWay.size,
      window: this.#window.size,
      refused: this.#refused,
    };
  }

  /**
   * Commits a part, together with others that wait.
   *
   * @throws {Problem} what the part refuses itself with; `busy` if the queue is
   * full, or the outcome is not known
   */
  add<Outcome>(part: Part<Outcome>): Promise<Outcome> {
    const { bytes } = part.cost;
    const isFull = this.#waiting.length >= this.#bounds.parts ||
      this.#waiting.length > 0 &&
        this.#waitingBytes + bytes > this.#bounds.bytes;
    if (isFull) {
      this.#refused += 1;
      const members = { retryAfter: RETRY_AFTER };
      const busy = new Problem("busy", "too much waits to be stored", members);
      return Promise.reject(busy);
    }
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    const settle = resolve as (outcome: unknown) => void;
    this.#waiting.push({
      part,
      resolve: settle,
      reject,
      attempts: 0,
      isSuspect: false,
    });
    this.#waitingBytes += bytes;
    this.#begin();
    return promise;
  }

  /** Begins as many operations as may be under way. */
  #begin(): void {
    if (this.#unknown > 0 || this.#isSoon()) return;
    while (this.#underWay.size < this.#window.size) {
      const batch = this.#takeBatch();
      if (batch.length === 0) return;
      this.#begunAt = this.#clock.monotonic();
      this.#underWay.add(batch);
      this.#run(batch);
    }
  }

  /**
   * Whether others were begun just now. To a store that is far away parts would
   * go one by one, each as it came, and the next of its mailbox wait for all of
   * its way: they go a share of that way apart, and so together.
   */
  #isSoon(): boolean {
    if (this.#underWay.size === 0 || this.#waiting.length === 0) return false;
    if (this.#callOff !== null) return true;
    const apart = this.#window.least / this.#bounds.underWay.least;
    const left = this.#begunAt + apart - this.#clock.monotonic();
    // A timer takes as long as that.
    if (apart < 1 || left <= 0) return false;
    this.#callOff = this.#clock.after(left, () => {
      this.#callOff = null;
      this.#begin();
    });
    return true;
  }

  async #run(batch: readonly Waiting[]): Promise<void> {
    try {
      await this.#commit(batch);
    } catch (error) {
      // Not one of those that are expected: nobody is left waiting for it.
      for (const { reject } of batch) reject(error);
    } finally {
      this.#underWay.delete(batch);
      this.#begin();
    }
  }

  #takeBatch(): Waiting[] {
    const { taken, left } = chooseBatch(this.#waiting, {
      underWay: [...this.#underWay].flat(),
      limits: this.#limits,
      rowBytes: this.#bounds.rowBytes,
    });
    for (const { part } of taken) this.#waitingBytes -= part.cost.bytes;
    this.#waiting = left;
    return taken;
  }

  async #commit(taken: readonly Waiting[]): Promise<void> {
    const ready = await prepareAll(taken);
    const batch = new Batch();
    const added: Waiting[] = [];
    const again: Waiting[] = [];
    for (const one of ready) {
      try {
        const outcome = one.part.add(batch);
        if (outcome === AGAIN) again.push(one);
        else if (outcome === undefined) added.push(one);
        else one.resolve(outcome);
      } catch (error) {
        one.reject(error);
      }
    }
    this.#putBack(again);
    if (added.length === 0) return batch.failed("empty");
    let versionstamp: string | null;
    try {
      const operation = batch.finish();
      const began = this.#clock.monotonic();
      versionstamp = await this.#target.commit(operation);
      const took = this.#clock.monotonic() - began;
      this.#window.answered(took, this.#underWay.size);
      this.onBatch(added.length, took);
    } catch (error) {
      batch.failed("unknown");
      this.#window.failed();
      await this.#settleUnknown(added, error);
      return batch.found();
    }
    if (versionstamp === null) {
      batch.failed("refused");
      const isSomeFound = await this.#settleRefused(added);
      return isSomeFound ? batch.found() : undefined;
    }
    // It is done: those who are told of it may fail, and nobody's part does.
    for (const { part, resolve, reject } of added) {
      try {
        resolve(part.done(versionstamp));
      } catch (error) {
        reject(error);
      }
    }
    batch.committed(versionstamp);
  }

  /**
   * Some of it was otherwise than they knew: those settle, the others come again.
   * Gives whether any has settled.
   */
  async #settleRefused(batch: readonly Waiting[]): Promise<boolean> {
    const undone = this.#settle(
      batch,
      await askFor(this.#target, batch.map(({ part }) => part)),
    );
    const isSomeFound = undone.length < batch.length;
    // If some have settled, it was for them; else it may be any of these.
    for (const one of undone) one.isSuspect ||= !isSomeFound;
    this.#putBack(undone);
    return isSomeFound;
  }

  /** Ahead of those that came later; those that never get anywhere are told. */
  #putBack(again: readonly Waiting[]): void {
    for (const one of again) one.attempts += 1;
    const [tired, fresh] = split(again, (one) => one.attempts >= MOST_ATTEMPTS);
    for (const { reject } of tired) {
      reject(new Problem("busy", "others are always first", { retryAfter: 1 }));
    }
    this.#waiting.unshift(...fresh);
    for (const { part } of fresh) this.#waitingBytes += part.cost.bytes;
  }

  /** It may have gone through, or not. */
  async #settleUnknown(
    batch: readonly Waiting[],
    error: unknown,
  ): Promise<void> {
    this.#unknown += 1;
    try {
      const undone = this.#settle(
        batch,
        await askFor(this.#target, batch.map(({ part }) => part)),
      );
      for (const { reject } of undone) reject(error);
    } catch {
      // Those behind were not tried, and would each wait as long as this did.
      const behind = this.#waiting.splice(0);
      this.#waitingBytes = 0;
      for (const { reject } of [...batch, ...behind]) reject(error);
    } finally {
      this.#unknown -= 1;
    }
  }

  /** Tells those whose fate is known, and gives the others. */
  #settle(
    batch: readonly Waiting[],
    found: readonly (readonly EntryMaybe[])[],
  ): Waiting[] {
    return batch.filter(({ part, resolve, reject }, i) => {
      try {
        const outcome = part.settle(found[i] ?? []);
        if (outcome === null) return true;
        resolve(outcome);
      } catch (error) {
        reject(error);
      }
      return false;
    });
  }

  /** Begins nothing by itself any more. */
  [Symbol.dispose](): void {
    this.#callOff?.();
    this.#callOff = null;
  }
}

/** Lets all read what they need; those that cannot are told. */
async function prepareAll(batch: readonly Waiting[]): Promise<Waiting[]> {
  const preparing = batch.map(({ part }) => {
    try {
      return part.prepare();
    } catch (error) {
      return Promise.reject(error);
    }
  });
  if (preparing.every((one) => one === null)) return [...batch];
  const prepared = await Promise.allSettled(preparing);
  return batch.filter((one, i) => {
    const result = prepared[i];
    if (result?.status === "rejected") one.reject(result.reason);
    return result?.status === "fulfilled";
  });
}

function split<T>(all: readonly T[], is: (one: T) => boolean): [T[], T[]] {
  return [all.filter(is), all.filter((one) => !is(one))];
}
