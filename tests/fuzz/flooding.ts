/** Steps that send more than there is room for: the quota holds at every commit. */
import assert from "node:assert/strict";
import { commitMessage } from "../../kv/mail/accept.ts";
import { keys } from "../../kv/kinds.ts";
import { keptBytes } from "../../kv/mail/entry.ts";
import { ledgerOf } from "../../kv/mail/ledger.ts";
import { mailboxUsage, relayUsage } from "../../kv/mail/usage.ts";
import type { MailboxId } from "../../lib/ids.ts";
import { Problem, type ProblemCode } from "../../lib/problem.ts";
import type { Quota } from "../../lib/quota.ts";
import { targetOf } from "../../lib/work/target.ts";
import type { Relay } from "../../relay/relay.ts";
import { priceBy } from "../../relay/room.ts";
import type { Fuzz, Step } from "./fuzz.ts";
import type { Draft } from "./mail.ts";
import { newMessage, note } from "./posting.ts";

/** Work that pays for a full mailbox: what is refused is refused for its room. */
const TARGET = targetOf(100_000_000);

const MOST = Number.MAX_SAFE_INTEGER;
const NO_END: Quota = { bytes: MOST, messages: MOST };

/** Messages of one size at once, to a mailbox that nobody reads. */
function throwFlood(fuzz: Fuzz, mailbox: MailboxId): Draft[] {
  const count = fuzz.dice.between(6, 30);
  const size = fuzz.dice.pick([60, 900, 4_096, 20_000]) ?? 60;
  return Array.from({ length: count }, () => {
    const draft = newMessage(fuzz, mailbox);
    const body = new Uint8Array(size);
    body.set(Uint8Array.fromHex(draft.id));
    return { ...draft, body, hold: 3_600, paidFor: 3_600 };
  });
}

/** Sends all of it at once by all workers; gives how many were stored. */
async function flood(
  fuzz: Fuzz,
  drafts: readonly Draft[],
  change: (relay: Relay) => { relay: Relay; quota?: Quota },
  full: ProblemCode,
): Promise<number> {
  const { world, now } = fuzz;
  const stored = await Promise.all(drafts.map(async (draft) => {
    const own = world.next().relay.relay;
    const { relay, quota } = change(own);
    const { mailbox, body } = draft;
    const hold = priceBy(relay, {
      mailbox,
      size: body.length,
      target: TARGET,
      wanted: draft.hold,
      quota,
      now,
    });
    try {
      const { created, message } = await commitMessage(
        own.store,
        { ...draft, hold },
        now,
      );
      assert.ok(created);
      const { value } = await own.store.get(keys.seen(draft.id));
      note(fuzz, { ...draft, paidFor: value?.paidFor ?? 0 }, message);
      return true;
    } catch (error) {
      if (error instanceof Problem && error.code === full) return false;
      throw error;
    }
  }));
  return stored.filter((isStored) => isStored).length;
}

/** More at once than a mailbox may hold: as much is stored as fits, and no more. */
export const floodMailbox: Step = async (fuzz) => {
  const { world, dice, tally } = fuzz;
  const mailbox = world.mailboxes.at(-1) as MailboxId;
  const drafts = throwFlood(fuzz, mailbox);
  const each = keptBytes(drafts[0]?.body.length ?? 0);
  const before = await mailboxUsage(world.store(), mailbox);
  const fit = dice.between(0, drafts.length - 1);
  const quota = dice.chance(0.5)
    ? { bytes: MOST, messages: before.messages + fit }
    : { bytes: before.bytes + fit * each + each - 1, messages: MOST };
  const stored = await flood(
    fuzz,
    drafts,
    (relay) => ({
      relay: { ...relay, quotas: { mailbox: quota, relay: NO_END } },
      quota,
    }),
    "mailbox-full",
  );
  const after = await mailboxUsage(world.store(), mailbox);
  assert.equal(stored, fit, "as many are stored as fit");
  assert.ok(after.bytes <= quota.bytes, "the quota of bytes holds");
  assert.ok(after.messages <= quota.messages, "the quota of messages holds");
  tally.count("bursts beyond a mailbox's quota");
  if (world.workers.length > 1) {
    tally.count("bursts beyond a quota by two workers");
  }
  return `post ${drafts.length} at once where ${fit} fit`;
};

/** The same of the relay: each worker goes over it by one commit at most. */
export const floodRelay: Step = async (fuzz) => {
  const { world, dice, tally } = fuzz;
  const mailbox = world.mailboxes.at(-1) as MailboxId;
  const drafts = throwFlood(fuzz, mailbox);
  const before = await relayUsage(world.store());
  const fit = dice.between(0, drafts.length - 1);
  const quota = {
    bytes: MOST,
    messages: before.messages + fit,
  };
  const ledgers = world.workers.map(({ relay }) => ledgerOf(relay.relay.store));
  const former = ledgers.map((ledger) => ledger.quota);
  for (const ledger of ledgers) ledger.quota = quota;
  await Promise.all(ledgers.map((ledger) => ledger.countRelay()));
  const stored = await flood(
    fuzz,
    drafts,
    (relay) => ({
      relay: { ...relay, quotas: { mailbox: NO_END, relay: quota } },
    }),
    "relay-full",
  );
  for (const [i, ledger] of ledgers.entries()) ledger.quota = former[i] ?? null;
  const after = await relayUsage(world.store());
  const over = after.messages - quota.messages;
  if (world.workers.length === 1) {
    assert.equal(stored, fit, "as many are stored as fit");
    assert.ok(over <= 0, "the quota holds");
  } else {
    const batch = world.store().limits.checks;
    assert.ok(over <= batch, "one worker alone goes over it, by one commit");
  }
  tally.count("bursts beyond the relay's quota");
  return `post ${drafts.length} at once where the relay has room for ${fit}`;
};
