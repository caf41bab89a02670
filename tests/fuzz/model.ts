/** What a relay promises, as arrays: slow, naive, and plainly right. */
import { TOMBSTONE_MS } from "../../kv/mail/entry.ts";
import type { StoredMessage } from "../../kv/mail/entry.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { receiptRoot } from "../../lib/object.ts";
import { Tally } from "./tally.ts";

/** What can become better of a message that comes again. */
export interface Terms {
  readonly stored: StoredMessage;
  readonly minBandwidth: number;
  /** Seconds that it could be held for what was paid. */
  readonly paidFor: number;
  /** Unix milliseconds until which its mark stands, whatever becomes of it. */
  readonly workUntil: number;
  /** The relay's answer, if it came in by the front door. */
  readonly answer?: unknown;
}

/** A message that the relay said it stored. */
export interface Kept extends Terms {
  readonly body: Bytes;
  readonly priority: string;
  /** What a reader may have been sent before it got better, the oldest first. */
  readonly former: readonly Terms[];
  /** Number of the step that deleted it; null while it is not deleted. */
  deletedAt: number | null;
}

/** The logs of all mailboxes, and who has acknowledged what. */
export class Model {
  /** Every message ever stored, deleted ones too; by cursor in each mailbox. */
  readonly messages: Kept[] = [];
  /** Up to where each device of a mailbox has acknowledged. */
  readonly acknowledged = new Map<string, Map<string, string>>();
  /** Milliseconds that have gone by. */
  passed = 0;
  /** Number of the step that is under way. */
  step = 0;
  /** What was come upon so far. */
  readonly tally = new Tally();

  /** Notes what was stored. */
  add(kept: Omit<Kept, "deletedAt" | "former">): Kept {
    const added = { ...kept, former: [], deletedAt: null };
    this.messages.push(added);
    this.messages.sort((a, b) => order(a.stored.cursor, b.stored.cursor));
    return added;
  }

  /** Notes that a message has got better by coming again. */
  improve(one: Kept, terms: Partial<Terms>): void {
    const { stored, minBandwidth, paidFor, workUntil, answer } = one;
    const before = { stored, minBandwidth, paidFor, workUntil, answer };
    Object.assign(one, { ...terms, former: [...one.former, before] });
  }

  /** All of a mailbox that a reader may get at a time, in order. */
  visible(mailbox: string, now: number): Kept[] {
    return this.messages.filter((one) =>
      one.stored.mailbox === mailbox && isVisible(one, now)
    );
  }

  /** The part of {@link Model.visible} that is above a cursor. */
  above(mailbox: string, cursor: string | null, now: number): Kept[] {
    return this.visible(mailbox, now).filter(({ stored }) =>
      cursor === null || stored.cursor > cursor
    );
  }

  /** Whether what a device has not got is kept for it. */
  isKnown({ mailbox, name }: { mailbox: string; name: string }): boolean {
    return this.acknowledged.get(mailbox)?.has(name) ?? false;
  }

  /** Notes that a device reads: what it has not got is kept for it. */
  register(mailbox: string, device: string): void {
    const devices = this.acknowledged.get(mailbox) ?? new Map();
    this.acknowledged.set(mailbox, devices);
    if (!devices.has(device)) devices.set(device, "");
  }

  /** Notes that a mailbox was closed, with all that is in it. */
  close(mailbox: string): void {
    this.acknowledged.delete(mailbox);
    for (const one of this.messages) {
      if (one.stored.mailbox === mailbox) this.delete(one);
    }
  }

  /** Marks one message as deleted. */
  delete(one: Kept): void {
    one.deletedAt ??= this.step;
  }

  /** Notes an acknowledgement; gives what it deleted. */
  acknowledge(mailbox: string, device: string, through: string): Kept[] {
    const devices = this.acknowledged.get(mailbox) ?? new Map();
    this.acknowledged.set(mailbox, devices);
    const before = devices.get(device);
    if (before === undefined || before < through) devices.set(device, through);
    const least = [...devices.values()].toSorted(order)[0];
    const deleted = this.messages.filter(({ stored, deletedAt }) =>
      stored.mailbox === mailbox && deletedAt === null &&
      stored.cursor <= least
    );
    for (const one of deleted) this.delete(one);
    return deleted;
  }
}

/** Whether a reader may get it: not deleted, and its tombstone not gone. */
export function isVisible({ stored, deletedAt }: Kept, now: number): boolean {
  return deletedAt === null && stored.holdUntil + TOMBSTONE_MS > now;
}

/** As it is kept: what came in by the front door has the root of its chunks. */
export function rooted({ stored, answer, body }: Kept): StoredMessage {
  return answer === undefined ? stored : { ...stored, root: receiptRoot(body) };
}

/** Whether its mark must stand; it may also where it need not. */
export function isMarked(one: Kept, now: number): boolean {
  return one.workUntil > now || isVisible(one, now);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
