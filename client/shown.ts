/**
 * What a session has shown already. Whoever has a letter can seal it again, to
 * whom he likes and as often as he likes: it is the same letter.
 */
import { isOfOneStore } from "./listing.ts";
import type { Session } from "./session.ts";

/** Letters that a session remembers. */
const MAX_SHOWN = 10_000;

/** Where a message stands. */
interface Place {
  readonly id: string;
  readonly cursor: string;
}

/** The letters that were shown last, each with the message that brought it. */
export class Shown {
  readonly #most: number;
  readonly #places = new Map<string, Place>();

  /** Remembers so many letters, and forgets the oldest for a new one. */
  constructor(most: number = MAX_SHOWN) {
    this.#most = most;
  }

  /**
   * Whether a letter, by its Maxima id, was brought by another message before.
   * The same message may be read again, also from a store that was restored.
   */
  isRepeated(maximaId: string, { id, cursor }: Place): boolean {
    const before = this.#places.get(maximaId);
    const isSame = before === undefined || before.cursor === cursor ||
      before.id === id && !isOfOneStore(before.cursor, cursor);
    if (!isSame) return true;
    this.#places.delete(maximaId);
    this.#places.set(maximaId, { id, cursor });
    const [oldest] = this.#places.keys();
    if (this.#places.size > this.#most && oldest !== undefined) {
      this.#places.delete(oldest);
    }
    return false;
  }
}

const shown = new WeakMap<Session, Shown>();

/** What a session has shown, by every way of reading. */
export function shownBy(session: Session): Shown {
  const own = shown.get(session) ?? new Shown();
  shown.set(session, own);
  return own;
}
