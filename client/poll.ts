/** Following by long polls: one answer after another. */
import type { Arrival, FollowOptions } from "./follow.ts";
import { listPage } from "./listing.ts";
import { pause } from "./retry.ts";

/** Seconds that the relay is asked to wait for mail. */
const WAIT = 25;
/**
 * Milliseconds between two answers that there is nothing: whoever is asked to
 * wait, and does not, is not asked without end.
 */
const BETWEEN_EMPTY = 1_000;

/** What pages bring, until the signal ends it. */
export async function* poll(
  { session, after, signal, ...options }: FollowOptions,
): AsyncGenerator<Arrival> {
  const { clock } = session.relay;
  let cursor = after;
  for (let isFirst = true;; isFirst = false) {
    const asked = clock.monotonic();
    // The first answers at once, so that it is known to get through.
    const wait = isFirst ? 0 : WAIT;
    const page = await listPage(session, cursor, { ...options, wait, signal });
    const { messages, next, more, reset } = page;
    yield { messages, next, isFirst, reset };
    cursor = next;
    if (isFirst || more || messages.length > 0) continue;
    const left = asked + BETWEEN_EMPTY - clock.monotonic();
    if (left > 0) await pause(clock, left, signal);
  }
}
