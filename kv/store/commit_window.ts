/**
 * How many commits may be under way at once, by how long they take: the
 * congestion window of TCP Vegas, with a store in the place of a network.
 *
 * A commit takes as long as the store is away and works on it, and longer where
 * it waits there behind others. Of so many under way, the share of the time that
 * is waiting is how many of them wait: with too few the store stands idle, with
 * too many all that grows is how long each takes.
 */
import type { Clock } from "../../lib/timers.ts";

/** Bounds of how many operations may be under way at once. */
export interface UnderWay {
  /** However long they take. */
  readonly least: number;
  /** However far away the store is. */
  readonly most: number;
}

/** One more may be under way while fewer than this wait at the store. */
const FEW_WAIT = 3;
/** And one fewer while more than this do. */
const MANY_WAIT = 6;
/**
 * How much longer than the least a commit may take with nobody before it: they
 * are of different sizes, and a way is not always as long.
 */
const TOLERATED = 1.5;
/** Milliseconds for which the least time that a commit took is relied on. */
const SPELL = 30_000;

/** How many commits may be under way to one store. */
export class CommitWindow {
  readonly #bounds: UnderWay;
  readonly #clock: Pick<Clock, "monotonic">;
  #size: number;
  /** What it was before it was made smaller to look how far the store is. */
  #former: number | null = null;
  #least = Infinity;
  #spellEnds = Infinity;
  #round = newRound();

  /** Between bounds, by a clock. */
  constructor(bounds: UnderWay, clock: Pick<Clock, "monotonic">) {
    this.#bounds = bounds;
    this.#clock = clock;
    this.#size = bounds.least;
  }

  /** How many may be under way now. */
  get size(): number {
    return this.#size;
  }

  /** Milliseconds that a commit took with nothing before it; 0 if none is known. */
  get least(): number {
    return this.#least === Infinity ? 0 : this.#least;
  }

  /** A commit was answered, and so many were under way until then. */
  answered(milliseconds: number, underWay: number): void {
    if (this.#bounds.least === this.#bounds.most) return;
    const round = this.#round;
    round.answers += 1;
    round.milliseconds += milliseconds;
    round.least = Math.min(round.least, milliseconds);
    round.isFull ||= underWay >= this.#size;
    if (this.#least === Infinity) {
      this.#spellEnds = this.#clock.monotonic() + SPELL;
    }
    this.#least = Math.min(this.#least, milliseconds);
    // The first answers of a smaller window are of those that were under way.
    const many = this.#former === null ? this.#size : 2 * this.#former;
    if (round.answers >= many) this.#endRound();
  }

  /** One was not: what is known of the store is no longer so. */
  failed(): void {
    this.#size = this.#bounds.least;
    this.#former = null;
    this.#least = Infinity;
    this.#spellEnds = Infinity;
    this.#round = newRound();
  }

  /** As many were answered as may be under way. */
  #endRound(): void {
    const { answers, milliseconds, least, isFull } = this.#round;
    this.#round = newRound();
    if (this.#former !== null) {
      // Those that waited are through: this is how far the store is.
      this.#size = this.#former;
      this.#former = null;
      this.#least = least;
      this.#spellEnds = this.#clock.monotonic() + SPELL;
      return;
    }
    const alone = TOLERATED * this.#least;
    const waiting = this.#size * (1 - alone * answers / milliseconds);
    const { least: fewest, most } = this.#bounds;
    if (waiting > MANY_WAIT) this.#size = Math.max(this.#size - 1, fewest);
    else if (waiting < FEW_WAIT && isFull) {
      this.#size = Math.min(this.#size + 1, most);
    }
    if (this.#clock.monotonic() >= this.#spellEnds) this.#look();
  }

  /** Lets the store run empty for a round: it may be nearer or further by now. */
  #look(): void {
    this.#former = this.#size;
    this.#size = Math.ceil(this.#size / 2);
  }
}

function newRound() {
  return { answers: 0, milliseconds: 0, least: Infinity, isFull: false };
}
