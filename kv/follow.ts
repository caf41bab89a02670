/** Following a mailbox: what is behind a cursor now, and all that comes. */
import type { Doorbells } from "./doorbells.ts";
import { type Page, readAfter, type ReadOptions } from "./read.ts";
import type { Store } from "./store.ts";

/** What to follow, and until when. */
export interface FollowOptions extends Omit<ReadOptions, "now"> {
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Ends the following. */
  readonly signal: AbortSignal;
  /** Calls what it is given once in a while; gives how to end that. */
  readonly onBeat?: (beat: () => void) => () => void;
}

/**
 * Pages of a mailbox from a cursor on: the first at once, even if it is empty,
 * the others when there is something; and null at every beat that finds nothing
 * to do. Nothing is read ahead of the one who takes the pages, so that a slow
 * reader costs no memory.
 */
export async function* follow(
  store: Store,
  doorbells: Doorbells,
  { now, signal, onBeat, ...options }: FollowOptions,
): AsyncGenerator<Page | null> {
  let rung = Promise.withResolvers<"mail" | "beat">();
  const ring = () => rung.resolve("mail");
  const unsubscribe = doorbells.subscribe(options.mailbox, ring);
  const stopBeats = onBeat?.(() => rung.resolve("beat"));
  signal.addEventListener("abort", ring);
  try {
    let { after } = options;
    // The first page is given even to one who has gone: an answer needs it.
    for (let isFirst = true; isFirst || !signal.aborted; isFirst = false) {
      // What rings from here on is heard after the page is read.
      rung = Promise.withResolvers();
      const page = await readAfter(store, {
        ...options,
        after,
        isOwn: !isFirst,
        now: now(),
      });
      after = page.next;
      if (isFirst || page.messages.length > 0) yield page;
      while (!page.more && !signal.aborted && await rung.promise === "beat") {
        rung = Promise.withResolvers();
        yield null;
      }
    }
  } finally {
    unsubscribe();
    stopBeats?.();
    signal.removeEventListener("abort", ring);
  }
}
