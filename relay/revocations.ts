/**
 * Which tokens an operator has revoked, as one worker knows it: no more than
 * {@link KNOWN_FOR} milliseconds late.
 */
import { revocationStamp, revokedUntil } from "../kv/mail/admin.ts";
import type { Store } from "../kv/store/store.ts";
import type { MailboxId } from "../lib/ids.ts";
import { type Clock, systemClock } from "../lib/timers.ts";
import { TOKEN_LIFETIME, type VerifiedGrant } from "../lib/token.ts";

/** Milliseconds for which what is known is taken as it was. */
export const KNOWN_FOR = 5_000;

/** Most mailboxes remembered; those looked at first go first. */
const MAX_MAILBOXES = 10_000;

/** What is known of a mailbox. */
interface Known {
  /** As of which revocation. */
  readonly stamp: string | null;
  /** Unix milliseconds; tokens issued up to then are refused. */
  readonly until: number;
}

/** Looks up revocations for a worker. */
export class Revocations {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #known = new Map<MailboxId, Known>();
  #stamp:
    | { readonly at: number; readonly read: Promise<string | null> }
    | null = null;

  /** Reads nothing until it is asked. */
  constructor(store: Store, clock: Clock = systemClock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Whether a token was revoked.
   *
   * @throws {Problem} `busy`
   */
  async isRevoked(grant: VerifiedGrant): Promise<boolean> {
    const { mailbox } = grant;
    const stamp = await this.#currentStamp();
    let known = this.#known.get(mailbox);
    if (known?.stamp !== stamp) {
      const until = await revokedUntil(this.#store, mailbox);
      if (until === null) return false; // closed: there is nothing to be had
      known = { stamp, until };
      this.#remember(mailbox, known);
    }
    return isUpTo(grant, known);
  }

  /**
   * The same by what is known now, for a stream that cannot wait; and looks
   * again, so that the next answer is not late.
   */
  isKnownRevoked(grant: VerifiedGrant): boolean {
    this.isRevoked(grant).catch(() => {}); // a stream does not end for that
    const known = this.#known.get(grant.mailbox);
    return known !== undefined && isUpTo(grant, known);
  }

  #currentStamp(): Promise<string | null> {
    const at = this.#clock.monotonic();
    if (this.#stamp === null || at - this.#stamp.at >= KNOWN_FOR) {
      const read = revocationStamp(this.#store);
      this.#stamp = { at, read };
      read.catch(() => this.#stamp = null);
    }
    return this.#stamp.read;
  }

  #remember(mailbox: MailboxId, known: Known): void {
    this.#known.delete(mailbox); // so that the map is in the order of looking
    this.#known.set(mailbox, known);
    if (this.#known.size <= MAX_MAILBOXES) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      break;
    }
  }
}

/** Tokens say when they end; they were issued a lifetime before. */
function isUpTo({ expires }: VerifiedGrant, { until }: Known): boolean {
  return expires - TOKEN_LIFETIME <= until;
}
