/** For how long what a worker remembers is not relied on, once that was in vain. */
import type { MailboxId } from "../../lib/ids.ts";

/** Milliseconds for which it is not. */
const WITHOUT = 1_000;
/** How often it may be in vain in as long, before nothing at all is relied on. */
const MOST_IN_VAIN = 4;

/** Of which mailboxes memory is trusted; by the monotonic clock. */
export class Trust {
  readonly #lost = new Map<MailboxId, number>();
  #allLostUntil = -Infinity;
  /** When it was in vain of late. */
  #inVain: readonly number[] = [];

  /**
   * A commit relied on what is remembered of a mailbox in vain. Gives whether
   * that has happened so often that nothing of any other is trusted either.
   */
  lose(mailbox: MailboxId, now: number): boolean {
    this.#inVain = [...this.#inVain.filter((at) => at > now - WITHOUT), now];
    this.#lost.delete(mailbox); // so that the oldest is the first
    this.#lost.set(mailbox, now + WITHOUT);
    for (const [other, until] of this.#lost) {
      if (until > now) break;
      this.#lost.delete(other);
    }
    if (this.#inVain.length < MOST_IN_VAIN) return false;
    this.#allLostUntil = now + WITHOUT;
    this.#lost.clear();
    return true;
  }

  /** Whether what is remembered of a mailbox is not to be relied on. */
  isLost(mailbox: MailboxId, now: number): boolean {
    return now < this.#allLostUntil || now < (this.#lost.get(mailbox) ?? 0);
  }
}
