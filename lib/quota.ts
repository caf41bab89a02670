/** How much may be held, and how full that makes things. */
import type { Fill } from "./work/price.ts";

/** Bounds of what is held. */
export interface Quota {
  /** Bytes of envelopes. */
  readonly bytes: number;
  /** How many there may be. */
  readonly messages: number;
}

/** Quotas of a mailbox and of all of them together. */
export interface Quotas {
  /** Of each mailbox. */
  readonly mailbox: Quota;
  /** Of the relay. */
  readonly relay: Quota;
}

/** 64 MiB and 100,000 messages a mailbox; 10 GiB and ten million in all. */
export const DEFAULT_QUOTAS: Quotas = {
  mailbox: { bytes: 64 * 2 ** 20, messages: 100_000 },
  relay: { bytes: 10 * 2 ** 30, messages: 10_000_000 },
};

/** How full: by bytes or by messages, whichever is fuller. */
export function fillOf(used: Quota, quota: Quota): Fill {
  const byBytes = used.bytes / quota.bytes;
  const byMessages = used.messages / quota.messages;
  return byBytes >= byMessages
    ? { used: used.bytes, quota: quota.bytes }
    : { used: used.messages, quota: quota.messages };
}

/** Whether one more message of that size is within the quota. */
export function hasRoom(used: Quota, quota: Quota, size: number): boolean {
  return used.messages < quota.messages && used.bytes + size <= quota.bytes;
}
