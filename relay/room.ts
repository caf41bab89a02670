/** What there is room for, and what room costs while it gets scarce. */
import { mailboxUsage, relayUsage, type Usage } from "../kv/mail/usage.ts";
import type { MailboxId } from "../lib/ids.ts";
import { Problem } from "../lib/problem.ts";
import { fillOf, hasRoom } from "../lib/quota.ts";
import type { Fills } from "../lib/work/price.ts";
import type { Relay } from "./relay.ts";

/** Milliseconds for which the count of the whole relay is taken as it was. */
const RELAY_COUNT_KEPT = 2_000;

/** How full a mailbox and the relay are. */
export interface Room {
  /** Prices rise with these. */
  readonly fills: Fills;
  /**
   * Refuses a message that there is no room for.
   *
   * @throws {Problem} `mailbox-full` or `relay-full`
   */
  expect(size: number): void;
}

/** Looks at counters for a relay. */
export class Capacity {
  readonly #relay: Relay;
  #counted: { at: number; usage: Promise<Usage> } | null = null;

  constructor(relay: Relay) {
    this.#relay = relay;
  }

  /** How full things are now, for one mailbox or for none in particular. */
  async roomFor(mailbox: MailboxId | null): Promise<Room> {
    const { store, quotas, now } = this.#relay;
    const [own, all] = await Promise.all([
      mailbox === null
        ? { bytes: 0, messages: 0 }
        : mailboxUsage(store, mailbox, now()),
      this.#relayUsage(),
    ]);
    return {
      fills: {
        mailbox: fillOf(own, quotas.mailbox),
        relay: fillOf(all, quotas.relay),
      },
      expect(size) {
        if (!hasRoom(own, quotas.mailbox, size)) {
          throw new Problem(
            "mailbox-full",
            "the mailbox has no room for the message",
          );
        }
        if (!hasRoom(all, quotas.relay, size)) {
          throw new Problem(
            "relay-full",
            "the relay has no room for the message",
          );
        }
      },
    };
  }

  /** Counting everything takes many reads, so it is not done for every post. */
  #relayUsage(): Promise<Usage> {
    const at = performance.now();
    if (this.#counted === null || at - this.#counted.at > RELAY_COUNT_KEPT) {
      const usage = relayUsage(this.#relay.store, this.#relay.now());
      this.#counted = { at, usage };
      usage.catch(() => this.#counted = null);
    }
    return this.#counted.usage;
  }
}
