/** Trying again what may pass: a relay out of reach, busy, or asked too often. */
import { type Clock, systemClock } from "../lib/timers.ts";
import type { ProblemCode } from "../lib/problem.ts";
import { ClientError, RelayError } from "./error.ts";

/** How long to try, and what ends it sooner. */
export interface RetryOptions {
  /** Milliseconds; what fails after them is not tried again. */
  readonly patience: number;
  /** What time is taken by. */
  readonly clock?: Clock;
  /** Ends the trying with its reason. */
  readonly signal?: AbortSignal | null | undefined;
}

/** Milliseconds before the second try; twice as long before each next. */
const FIRST_PAUSE = 200;
/** Milliseconds of the longest pause. */
const LONGEST_PAUSE = 5_000;
/** Refusals that another moment may lift. */
const PASSING: ReadonlySet<ProblemCode> = new Set(["busy", "rate-limited"]);

/**
 * Does what is safe to do again until it succeeds, fails for good, or patience
 * ends. What is thrown then says how often and for how long it was tried.
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { patience, signal, clock = systemClock }: RetryOptions,
): Promise<T> {
  const started = clock.monotonic();
  for (let tries = 1;; tries++) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      const wait = pauseAfter(tries, error);
      const spent = clock.monotonic() - started;
      if (!isPassing(error) || spent + wait > patience) {
        throw tries === 1 ? error : withHistory(error, tries, spent);
      }
      await pause(clock, wait, signal);
    }
  }
}

/** Whether a failure may be over at the next try. */
export function isPassing(error: unknown): boolean {
  return error instanceof ClientError && error.code === "relay-unreachable" ||
    error instanceof RelayError && PASSING.has(error.code);
}

/** Milliseconds to wait after so many tries: what the relay says, or longer. */
export function pauseAfter(
  tries: number,
  error?: unknown,
  random: () => number = Math.random,
): number {
  const asked = error instanceof RelayError ? error.retryAfter * 1_000 : 0;
  const own = Math.min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE);
  // Apart from others that were cut off at the same moment.
  return Math.max(asked, own * (0.5 + random() / 2));
}

/** Waits, or throws the signal's reason as soon as it is aborted. */
export async function pause(
  clock: Clock,
  milliseconds: number,
  signal?: AbortSignal | null,
): Promise<void> {
  await clock.sleep(milliseconds, signal ?? undefined);
  signal?.throwIfAborted();
}

function withHistory(error: unknown, tries: number, spent: number): unknown {
  if (!(error instanceof ClientError)) return error;
  const seconds = (spent / 1_000).toFixed(1);
  return new ClientError(
    error.code,
    `${error.message}; tried ${tries} times in ${seconds} s`,
    { cause: error },
  );
}
