/** Reading by long poll: an answer when there is something, or time is up. */
import { follow } from "../kv/bells/follow.ts";
import type { Page } from "../kv/mail/read.ts";
import { maxBodyOf } from "./page_forms.ts";
import type { Reading } from "../relay/stay.ts";

/** Most seconds that an answer is held back. */
export const MAX_WAIT = 60;

/** The seconds that a Prefer header asks to wait (RFC 7240, 4.3); 0 if none. */
export function waitOf(prefer: string | undefined): number {
  const [, seconds = "0"] =
    /(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?(?:$|[,;\s])/i.exec(prefer ?? "") ??
      [];
  return Math.min(Number(seconds), MAX_WAIT);
}

/** The first page that has messages, or an empty one once time is up. */
export async function waitForPage(
  reading: Reading,
  limit: number,
  seconds: number,
  caller: AbortSignal,
): Promise<Page> {
  const { relay, streams, mailbox, after, bandwidth, delivery } = reading;
  const timeUp = new AbortController();
  const timer = setTimeout(() => timeUp.abort(), 1_000 * seconds);
  const pages = follow(relay.store, relay.doorbells, {
    mailbox,
    after,
    bandwidth,
    maxBody: maxBodyOf(delivery),
    limit,
    now: relay.now,
    signal: AbortSignal.any([timeUp.signal, streams.closing, caller]),
  });
  let reset = false;
  let last: Page | null = null;
  try {
    for await (const page of pages) {
      if (page === null) continue;
      reset ||= page.reset;
      last = page;
      if (page.messages.length > 0 || page.reset) break;
    }
  } finally {
    clearTimeout(timer);
  }
  if (last === null) throw new Error("following a mailbox gave no first page");
  return { ...last, reset };
}
