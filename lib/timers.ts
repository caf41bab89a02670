/**
 * Time as the code is given it: a clock, timers and sleep, so that a test can
 * move all of them by hand.
 */

/** A clock, and what waits by it. Its members may be taken apart. */
export interface Clock {
  /** Unix milliseconds; may jump when the machine's clock is set. */
  readonly now: () => number;
  /** Milliseconds since some moment; never goes back. For durations. */
  readonly monotonic: () => number;
  /** Calls once, so many milliseconds from now; gives how to call that off. */
  readonly after: (milliseconds: number, call: () => void) => () => void;
  /** Calls every so many milliseconds; gives how to end that. */
  readonly every: (milliseconds: number, call: () => void) => () => void;
  /**
   * Ends after so many milliseconds, or as soon as the signal is aborted: who
   * needs to know which asks the signal. Nothing is left behind on either.
   */
  readonly sleep: (
    milliseconds: number,
    signal?: AbortSignal,
  ) => Promise<void>;
}

/** The part of a {@link Clock} that is made of its `after`. */
export function sleepBy(after: Clock["after"]): Clock["sleep"] {
  return async (milliseconds, signal) => {
    if (signal?.aborted) return;
    const over = Promise.withResolvers<void>();
    const callOff = after(milliseconds, over.resolve);
    const wake = () => over.resolve();
    signal?.addEventListener("abort", wake);
    await over.promise;
    callOff();
    signal?.removeEventListener("abort", wake);
  };
}

function afterBySystem(milliseconds: number, call: () => void): () => void {
  const timer = setTimeout(call, milliseconds);
  return () => clearTimeout(timer);
}

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: afterBySystem,
  every(milliseconds, call) {
    const timer = setInterval(call, milliseconds);
    return () => clearInterval(timer);
  },
  sleep: sleepBy(afterBySystem),
};
