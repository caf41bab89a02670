/** Reading by long poll: an answer when there is something, or time is up. */
import { follow } from "../kv/bells/follow.ts";
import type { Page } from "../kv/mail/read.ts";
import { maxBodyOf } from "../relay/delivery.ts";
import { onMissing } from "../relay/reading.ts";
import type { Stay } from "../relay/stay.ts";

/** Most seconds that an answer is held back. */
export const MAX_WAIT = 60;

/** The seconds that a Prefer header asks to wait (RFC 7240, 4.3); 0 if none. */
export function waitOf(prefer: string | undefined): number {
  const [, seconds = "0"] =
    /(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?(?:$|[,;\s])/i.exec(prefer ?? "") ??
      [];
  return Math.min(Number(seconds), MAX_WAIT);
}

/**
 * The first page that has messages, or an empty one once time is up. The stay
 * is over then.
 */
export async function waitForPage(
  stay: Stay,
  limit: number,
  seconds: number,
  caller: AbortSignal,
): Promise<Page> {
  const { relay, streams, place } = stay;
  const { mailbox, after, bandwidth, delivery } = stay;
  const timeUp = new AbortController();
  const callOff = relay.clock.after(1_000 * seconds, () => timeUp.abort());
  let last: Page | null = null;
  try {
    const pages = follow(relay.store, relay.doorbells, {
      mailbox,
      after,
      bandwidth,
      maxBody: maxBodyOf(delivery),
      limit,
      clock: relay.clock,
      onMissing: onMissing(relay),
      signal: AbortSignal.any([timeUp.signal, streams.closing, caller]),
    });
    for await (const page of pages) {
      if (page === null) continue;
      last = page;
      if (page.messages.length > 0 || page.reset) break;
    }
  } finally {
    callOff();
    place.leave();
  }
  if (last === null) throw new Error("following a mailbox gave no first page");
  return last;
}
