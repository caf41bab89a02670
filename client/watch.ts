/**
 * Watching a mailbox: every message behind a cursor, now and as they come, once
 * and in order, through whatever happens to the connection.
 */
import { BlockedError } from "./follow.ts";
import {
  openListed,
  type OpenOptions,
  type ReceivedMessage,
  showOnce,
} from "./letter.ts";
import { isBehind, isOfOneStore, type ListOptions } from "./listing.ts";
import { Restored } from "./restored.ts";
import type { RequestOptions } from "./relay.ts";
import { isPassing, pause, pauseAfter } from "./retry.ts";
import type { Session } from "./session.ts";
import { shownBy } from "./shown.ts";
import { type Transport, TRANSPORTS } from "./transports.ts";

/** What happens to the connection of a watch. */
export type WatchEvent =
  /** It stands, and by what. */
  | { readonly kind: "connected"; readonly transport: Transport }
  /** It broke, and comes again after so many milliseconds. */
  | {
    readonly kind: "waiting";
    readonly milliseconds: number;
    /** What went wrong; null if the relay ended it. */
    readonly cause: unknown;
  }
  /** Something on the way blocks a transport; the next one is tried. */
  | { readonly kind: "blocked"; readonly transport: Transport }
  /** The cursor was not of this store: it goes on from the oldest held. */
  | { readonly kind: "reset" };

/** What to watch, and how. */
export interface WatchOptions extends RequestOptions, ListOptions, OpenOptions {
  /** Where to begin: behind this cursor; at the oldest held, if null. */
  readonly after?: string | null | undefined;
  /** What to try, the best first; all there are, if not said. */
  readonly transports?: readonly Transport[] | undefined;
  /** Told what happens to the connection. */
  readonly onEvent?: ((event: WatchEvent) => void) | undefined;
}

/**
 * Follows a mailbox until its signal ends it, with the signal's reason. It
 * connects again by itself, at its cursor; where WebSockets are blocked, or cut
 * again and again, it takes events, and where those are, long polls.
 *
 * @example Following a mailbox for a minute
 * ```ts
 * import { Relay, Session, watch } from "@restante/restante";
 * import type { Identity } from "@restante/restante";
 *
 * export async function follow(url: string, me: Identity) {
 *   const session = new Session(new Relay(url), me);
 *   const signal = AbortSignal.timeout(60_000);
 *   for await (const { letter } of watch(session, { signal })) {
 *     console.log(new TextDecoder().decode(letter?.data));
 *   }
 * }
 * ```
 *
 * @throws {RelayError} if the relay refuses for good
 * @throws {ClientError} `relay-nonsense` if it begins anew again and again
 */
export async function* watch(
  session: Session,
  options: WatchOptions = {},
): AsyncGenerator<ReceivedMessage> {
  const { bandwidth, reader, transports = DEFAULT, onEvent } = options;
  const { signal = new AbortController().signal } = options;
  const { clock } = session.relay;
  const shown = shownBy(session);
  const restored = new Restored(session.relay.url);
  let after = options.after ?? null;
  let [best, vain, shut] = [0, 0, 0];
  for (let failures = 0;;) {
    signal.throwIfAborted();
    const transport = transports[best] ?? "poll";
    const arrivals = TRANSPORTS[transport]({
      session,
      after,
      bandwidth,
      reader,
      signal,
    });
    const began = clock.monotonic();
    let [hasStood, hasBrought] = [false, false];
    let cause: unknown = null;
    try {
      for await (const { messages, next, isFirst, reset } of arrivals) {
        if (isFirst) {
          hasStood = true;
          onEvent?.({ kind: "connected", transport });
        }
        if (reset) {
          restored.note(clock.monotonic());
          after = null;
          onEvent?.({ kind: "reset" });
        }
        for (const listed of messages) {
          if (!isBehind(listed.cursor, after)) continue;
          if (after !== null && !isOfOneStore(listed.cursor, after)) {
            restored.note(clock.monotonic());
          }
          hasBrought = true;
          const opened = await openListed(listed, session.identity, options);
          yield showOnce(opened, shown);
          after = listed.cursor;
        }
        after = next ?? after;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!isPassing(error) && !(error instanceof BlockedError)) throw error;
      cause = error;
    }
    const lasted = clock.monotonic() - began;
    const isVain = hasStood && !hasBrought && lasted < VAIN_WITHIN;
    vain = isVain ? vain + 1 : 0;
    // Beside one that is blocked: for itself it may be the relay that is gone.
    if (best > 0) shut = hasStood ? 0 : shut + 1;
    const isShut = best > 0 && shut >= MOST_SHUT;
    const isBlocked = cause instanceof BlockedError || vain >= MOST_VAIN ||
      isShut;
    if (isBlocked && best + 1 < transports.length) {
      onEvent?.({ kind: "blocked", transport });
      [best, vain] = [best + 1, 0];
      continue;
    }
    // It may be the relay that is gone, and no transport that is blocked.
    if (cause !== null && !isVain) best = 0;
    const isSettled = lasted > SETTLED;
    failures = isSettled ? 0 : failures + 1;
    // An end that was announced, as of a token, is no reason to wait.
    if (cause === null && isSettled) continue;
    const milliseconds = pauseAfter(failures + 1, cause);
    onEvent?.({ kind: "waiting", milliseconds, cause });
    await pause(clock, milliseconds, signal);
  }
}

/** Milliseconds after which a connection is one that holds. */
const SETTLED = 1_000;

/** Connections in a row that stand in vain: then something cuts them. */
const MOST_VAIN = 3;
/** Times that one does not stand beside one that is blocked: it is blocked too. */
const MOST_SHUT = 2;
/**
 * Milliseconds in which one that ends, and brought nothing, stood in vain: more
 * than any is silent for before it is looked after, and found to be deaf.
 */
const VAIN_WITHIN = 120_000;

const DEFAULT: readonly Transport[] = ["socket", "events", "poll"];
