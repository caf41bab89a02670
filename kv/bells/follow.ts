/** Following a mailbox: what is behind a cursor now, and all that comes. */
import type { Clock } from "../../lib/timers.ts";
import type { Doorbells } from "./doorbells.ts";
import { type Page, readAfter, type ReadOptions } from "../mail/read.ts";
import type { Store } from "../store/store.ts";

/** What to follow, and until when. */
export interface FollowOptions extends Omit<ReadOptions, "now"> {
  /** Time, and the timer between rounds. */
  readonly clock: Clock;
  /** Ends the following. */
  readonly signal: AbortSignal;
  /** Calls what it is given once in a while; gives how to end that. */
  readonly onBeat?: (beat: () => void) => () => void;
  /** Milliseconds between a page and the next; as soon as can be, if not said. */
  readonly round?: number;
}

/**
 * Pages of a mailbox from a cursor on: the first at once, even if it is empty,
 * the others when there is something; and null at every beat meanwhile. Nothing is read
 * ahead of the one who takes the pages, so that a slow reader costs no memory.
 */
export async function* follow(
  store: Store,
  doorbells: Doorbells,
  { clock, signal, onBeat, round = 0, ...options }: FollowOptions,
): AsyncGenerator<Page | null> {
  let woken = Promise.withResolvers<void>();
  let hasMail = false;
  let isBeat = false;
  let isRoundOver = true;
  let callOff = () => {};
  let lastRing: number | null = null;
  const ring = (number: number) => {
    lastRing = number;
    hasMail = true;
    woken.resolve();
  };
  const leave = () => woken.resolve();
  const endRound = () => {
    isRoundOver = true;
    if (hasMail) woken.resolve();
  };
  const unsubscribe = doorbells.subscribe(options.mailbox, ring);
  const stopBeats = onBeat?.(() => {
    isBeat = true;
    woken.resolve();
  });
  signal.addEventListener("abort", leave);
  try {
    let { after } = options;
    // The first page is given even to one who has gone: an answer needs it.
    for (let isFirst = true; isFirst || !signal.aborted; isFirst = false) {
      // What rings from here on is heard after the page is read.
      hasMail = false;
      const reading = { ...options, after, isOwn: !isFirst, now: clock.now() };
      let page: Page | null = isFirst || lastRing === null
        ? await readAfter(store, reading)
        : await doorbells.reads.read(lastRing, reading);
      after = page.next;
      const { more } = page;
      const isGiven = isFirst || page.messages.length > 0;
      if (isGiven) yield page;
      page = null; // or its bodies were kept for as long as nothing comes
      if (more) continue;
      if (isGiven && round > 0) {
        isRoundOver = false;
        callOff = clock.after(round, endRound);
      }
      while (!(hasMail && isRoundOver) && !signal.aborted) {
        if (isBeat) {
          isBeat = false;
          yield null;
          continue;
        }
        woken = Promise.withResolvers();
        await woken.promise;
      }
    }
  } finally {
    callOff();
    unsubscribe();
    stopBeats?.();
    signal.removeEventListener("abort", leave);
  }
}
