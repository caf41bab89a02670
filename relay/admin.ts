/** What an operator asks of a store, beside the relay that serves it. */
import {
  eachMailbox,
  evictAll,
  evictBefore,
  type MailboxHoldings,
  revokeTokens,
  setMailboxQuota,
} from "../kv/mail/admin.ts";
import { type Mailbox, requireMailbox } from "../kv/mail/mailboxes.ts";
import { mailboxUsage, relayUsage, type Usage } from "../kv/mail/usage.ts";
import type { Store } from "../kv/store/store.ts";
import type { MailboxId } from "../lib/ids.ts";
import type { Tariff } from "../lib/money.ts";
import { fillOf, type Quota, type Quotas } from "../lib/quota.ts";
import { doublings, type WorkPrice } from "../lib/work/price.ts";

/** A store and the rules of its relay. */
export interface Administration {
  readonly store: Store;
  readonly quotas: Quotas;
  readonly price: WorkPrice;
  readonly tariff: Tariff;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** How full something is, and what that does to its price. */
export interface FillReport {
  readonly usage: Usage;
  readonly quota: Quota;
  /** From 0 to 1: by bytes or by messages, whichever is fuller. */
  readonly fill: number;
  /** The price is so many times the base. */
  readonly factor: number;
}

/** A mailbox as an operator sees it. */
export interface MailboxReport extends FillReport {
  readonly id: MailboxId;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** Whether the quota is one of its own. */
  readonly hasOwnQuota: boolean;
  /** Unix milliseconds; null if its tokens were never revoked. */
  readonly revokedAt: number | null;
}

/** What things cost. */
export interface PriceReport {
  readonly work: WorkPrice;
  readonly tariff: Tariff;
  /** Of all mailboxes together. */
  readonly relay: FillReport;
}

/** The largest mailboxes, the largest first, and how many there are in all. */
export async function largestMailboxes(
  admin: Administration,
  limit: number,
): Promise<{ mailboxes: MailboxReport[]; total: number }> {
  const mailboxes: MailboxReport[] = [];
  let total = 0;
  for await (const holdings of eachMailbox(admin.store)) {
    total += 1;
    mailboxes.push(mailboxReport(admin, holdings));
    // No more is kept than is asked for, and that much again.
    if (mailboxes.length >= 2 * limit) keepLargest(mailboxes, limit);
  }
  keepLargest(mailboxes, limit);
  return { mailboxes, total };
}

/** What was evicted. */
export interface Evicted {
  /** Messages, those among them whose hold had ended. */
  readonly messages: number;
  /** By so many bytes less is kept for the mailbox. */
  readonly bytes: number;
}

/**
 * Deletes what a mailbox has and was stored before a time (Unix milliseconds);
 * everything, if null.
 *
 * @throws {Problem} `mailbox-unknown`
 */
export async function evict(
  { store, now }: Administration,
  mailbox: MailboxId,
  before: number | null,
): Promise<Evicted> {
  await requireMailbox(store, mailbox);
  const kept = await mailboxUsage(store, mailbox);
  const messages = before === null
    ? await evictAll(store, mailbox, now())
    : await evictBefore(store, mailbox, before, now());
  const { bytes } = await mailboxUsage(store, mailbox);
  return { messages, bytes: Math.max(kept.bytes - bytes, 0) };
}

/**
 * Gives a mailbox a quota of its own, or changes a part of it; the relay's
 * again, if null. Gives the quota that it has then.
 *
 * @throws {Problem} `mailbox-unknown`
 */
export async function overrideQuota(
  { store, quotas }: Administration,
  mailbox: MailboxId,
  change: Partial<Quota> | null,
): Promise<Quota> {
  const own = await setMailboxQuota(store, mailbox, change, quotas.mailbox);
  return own ?? quotas.mailbox;
}

/**
 * Refuses the tokens of a mailbox that were issued until now, on every worker
 * within seconds. Gives that time.
 *
 * @throws {Problem} `mailbox-unknown`
 */
export async function revoke(
  { store, now }: Administration,
  mailbox: MailboxId,
): Promise<number> {
  const revokedAt = now();
  await revokeTokens(store, mailbox, revokedAt);
  return revokedAt;
}

/** The base rates, and what the relay's fill makes of them now. */
export async function currentPrice(
  { store, quotas, price, tariff }: Administration,
): Promise<PriceReport> {
  const usage = await relayUsage(store);
  return { work: price, tariff, relay: fillReport(usage, quotas.relay) };
}

/** The quota that counts for a mailbox: its own, or the relay's for each. */
export function quotaOf(
  mailbox: Pick<Mailbox, "quota"> | null,
  quotas: Quotas,
): Quota {
  return mailbox?.quota ?? quotas.mailbox;
}

function mailboxReport(
  { quotas }: Administration,
  { id, mailbox, usage }: MailboxHoldings,
): MailboxReport {
  return {
    id,
    createdAt: mailbox.createdAt,
    ...fillReport(usage, quotaOf(mailbox, quotas)),
    hasOwnQuota: mailbox.quota !== undefined,
    revokedAt: mailbox.revokedAt ?? null,
  };
}

function fillReport(usage: Usage, quota: Quota): FillReport {
  const fill = fillOf(usage, quota);
  return {
    usage,
    quota,
    fill: fill.used / fill.quota,
    factor: 2 ** doublings(fill),
  };
}

/** By bytes, then by messages, then by id. */
function keepLargest(mailboxes: MailboxReport[], limit: number): void {
  mailboxes.sort((a, b) =>
    b.usage.bytes - a.usage.bytes || b.usage.messages - a.usage.messages ||
    (a.id < b.id ? -1 : 1)
  );
  mailboxes.length = Math.min(mailboxes.length, limit);
}
