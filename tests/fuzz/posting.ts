/** Steps that send past the front door: new messages, old ones, many at once. */
import assert from "node:assert/strict";
import {
  commitMessage,
  type CommittedMessage,
  readBefore,
  recallMailbox,
} from "../../kv/mail/accept.ts";
import { extendMessage } from "../../kv/mail/extend.ts";
import type { StoredMessage } from "../../kv/mail/entry.ts";
import type { Store } from "../../kv/store/store.ts";
import type { MailboxId } from "../../lib/ids.ts";
import { Problem } from "../../lib/problem.ts";
import type { Failure } from "./failures.ts";
import type { Fuzz, Step } from "./fuzz.ts";
import { type Draft, LINKS, soldAs, throwMessage } from "./mail.ts";
import { isMarked, type Kept, rooted } from "./model.ts";
import { isBusy } from "./world.ts";

/** Has a message stored past the front door, and notes it. */
export async function store(fuzz: Fuzz, draft: Draft): Promise<void> {
  const result = await commitDraft(fuzz, fuzz.world.store(), draft);
  assert.equal(result.created, true, "a new message is created");
  note(fuzz, draft, result.message);
}

/** Has a message stored, however often that takes. */
export async function storeSurely(fuzz: Fuzz, draft: Draft): Promise<void> {
  for (let isUnknown = false;; isUnknown = true) {
    try {
      const result = await commitDraft(fuzz, fuzz.world.store(), draft);
      assert.ok(result.created || isUnknown, "a new message is created");
      return note(fuzz, draft, result.message);
    } catch (error) {
      if (!isBusy(error)) throw error;
      fuzz.world.refusals += 1;
    }
  }
}

/**
 * Commits a message at the price that it says: by what the worker remembers of
 * its mailbox, by what was read before, or by what the commit itself reads.
 */
export async function commitDraft(
  { now, tally }: Fuzz,
  store: Store,
  draft: Draft,
): Promise<CommittedMessage> {
  const { id, mailbox } = draft;
  const message = { ...draft, hold: soldAs(draft) };
  const recalled = recallMailbox(store, mailbox);
  if (recalled !== null) {
    tally.count("posts by what is remembered");
    try {
      return await commitMessage(store, message, now, recalled);
    } catch (error) {
      if (isBusy(error)) throw error;
      tally.count("posts refused by what is remembered");
    }
  }
  const isReadBefore = parseInt(id.slice(0, 1), 16) < 8;
  const before = isReadBefore ? await readBefore(store, id, mailbox) : null;
  const isNew = before !== null && before.message === null;
  return await commitMessage(store, message, now, isNew ? before : null);
}

/** Notes what was stored for a new message. */
export function note(
  { model, now }: Fuzz,
  draft: Draft,
  stored: StoredMessage,
): void {
  const {
    id,
    mailbox,
    body,
    hold,
    paidFor,
    minBandwidth,
    priority,
    workUntil,
  } = draft;
  model.add({ stored, body, minBandwidth, priority, paidFor, workUntil });
  model.tally.count("posts");
  const { size, storedAt, holdUntil } = stored;
  assert.deepEqual(
    [stored.id, stored.mailbox, size, storedAt, holdUntil],
    [id, mailbox, body.length, now, now + 1_000 * hold],
    "facts of what was stored",
  );
}

/** A new message to a mailbox. */
export function newMessage(fuzz: Fuzz, mailbox: string): Draft {
  return throwMessage(fuzz.dice, mailbox as MailboxId, fuzz.now);
}

/** Counts the messages of a mailbox that came by one commit with others. */
export function countShared(fuzz: Fuzz, kept: readonly Kept[]): void {
  const commits = Map.groupBy(
    kept,
    ({ stored: { mailbox, cursor } }) => `${mailbox} ${cursor.slice(0, 33)}`,
  );
  for (const { length } of commits.values()) {
    if (length > 1) {
      fuzz.tally.count("messages of one mailbox in one commit", length);
    }
  }
}

/** One message. */
export const post: Step = async (fuzz) => {
  const mailbox = fuzz.device().mailbox;
  const message = newMessage(fuzz, mailbox);
  await store(fuzz, message);
  return `post ${message.body.length} bytes to ${fuzz.nameOf(mailbox)}`;
};

/** Messages at once, to the same mailbox and to others. */
export const burst: Step = async (fuzz) => {
  const { dice, tally } = fuzz;
  const count = dice.chance(0.02) ? 110 : dice.between(2, 8);
  const messages = Array.from(
    { length: count },
    () => newMessage(fuzz, fuzz.device().mailbox),
  ).filter(({ body }) => count < 100 || body.length < 1_000);
  const before = new Set(fuzz.model.messages);
  const newest = fuzz.model.messages.at(-1)?.stored.cursor ?? "";
  await Promise.all(messages.map((message) => store(fuzz, message)));
  for (const mailbox of fuzz.mailboxes) {
    const cursors = fuzz.model.messages
      .filter(({ stored }) => stored.mailbox === mailbox)
      .map(({ stored }) => stored.cursor)
      .filter((cursor) => cursor > newest);
    assert.equal(new Set(cursors).size, cursors.length, "a cursor for each");
    const sent = messages.filter((one) => one.mailbox === mailbox);
    assert.equal(cursors.length, sent.length, "all above what was there");
    if (sent.length > 1) tally.count("posts at once to one mailbox");
    if (sent.length > 1 && fuzz.world.workers.length > 1) {
      tally.count("posts at once to one mailbox by two workers");
    }
  }
  countShared(fuzz, fuzz.model.messages.filter((one) => !before.has(one)));
  if (new Set(messages.map(({ mailbox }) => mailbox)).size > 1) {
    tally.count("posts at once to several mailboxes");
  }
  return `post ${messages.length} messages at once`;
};

/** The same message twice at once, also by two relays: one is stored. */
export const race: Step = async (fuzz) => {
  const message = newMessage(fuzz, fuzz.device().mailbox);
  const [a, b] = await Promise.all([
    commitDraft(fuzz, fuzz.world.store(), message),
    commitDraft(fuzz, fuzz.world.store(), message),
  ]);
  assert.deepEqual([a.created, b.created].toSorted(), [false, true]);
  assert.deepEqual(a.message, b.message, "both are answered alike");
  note(fuzz, message, a.message);
  fuzz.tally.count("races of one message");
  return `post a message to ${fuzz.nameOf(message.mailbox)} twice at once`;
};

/** Messages at once to one mailbox, while commits fail and do not say how. */
export const burstAmidFailures: Step = async (fuzz) => {
  const { dice, world, tally } = fuzz;
  const { mailbox } = fuzz.device();
  const before = new Set(fuzz.model.messages);
  const drafts = Array.from(
    { length: dice.between(3, 12) },
    () => newMessage(fuzz, mailbox),
  );
  const planned = Array.from(
    { length: dice.between(1, 4) },
    (): Failure => dice.chance(0.5) ? "before it is done" : "after it is done",
  );
  world.failures.plan(planned);
  const { refusals } = world;
  await Promise.all(drafts.map((draft) => storeSurely(fuzz, draft)));
  const met = planned.length - world.failures.end();
  tally.count("commits that fail amid a burst", met);
  if (planned.slice(0, met).includes("after it is done")) {
    tally.count("commits of a burst that were done and failed");
  }
  tally.count("posts of a burst told to come again", world.refusals - refusals);
  countShared(fuzz, fuzz.model.messages.filter((one) => !before.has(one)));
  const failures = planned.slice(0, met).join(", ");
  return `post ${drafts.length} to ${
    fuzz.nameOf(mailbox)
  } at once; commits fail ${failures}`;
};

/** An earlier message again, with other wishes and another body. */
export const replay: Step = async (fuzz) => {
  const { dice, model, world, now, tally } = fuzz;
  const before = dice.pick(model.messages);
  if (before === undefined) return "nothing to replay";
  if (!isMarked(before, now)) return "its mark may be gone";
  const { id, mailbox } = before.stored;
  const again = { ...newMessage(fuzz, mailbox), id };
  const result = await commitDraft(fuzz, world.store(), again);
  assert.deepEqual(
    result,
    { created: false, message: rooted(before) },
    "the facts as they are stored",
  );
  tally.count("replays");
  return `replay ${before.stored.cursor}`;
};

/** An earlier message again, paid with more or asked to be held for longer. */
export const extend: Step = async (fuzz) => {
  const { dice, model, world, now, tally } = fuzz;
  const held = model.messages.filter(({ deletedAt, stored }) =>
    deletedAt === null && stored.holdUntil > now
  );
  const before = dice.chance(0.9) ? dice.pick(held) : dice.pick(model.messages);
  if (before === undefined) return "nothing to extend";
  if (!isMarked(before, now)) return "its mark may be gone";
  const { stored } = before;
  const heldFor = (stored.holdUntil - stored.storedAt) / 1_000;
  const factor = dice.pick([0.5, 1, 1.5, 4]) ?? 1;
  const wanted = dice.chance(0.3) ? undefined : Math.ceil(factor * heldFor);
  const sold = Math.ceil((dice.pick([0.5, 1, 2, 3]) ?? 1) * before.paidFor);
  const isEnough = sold >= (wanted ?? 0);
  const paid = {
    by: "work" as const,
    hashes: stored.paid.hashes + (dice.pick([-1, 0, 1, 5_000]) ?? 0),
  };
  const wish = {
    wanted,
    minBandwidth: dice.pick(LINKS) ?? 0,
    paid,
    price() {
      if (!isEnough) throw new Problem("work-insufficient", "it is too little");
      return { hold: wanted ?? sold, paidFor: sold };
    },
    workUntil: now + 3_600_000,
  };
  const result = await extendMessage(world.store(), stored.id, wish, now);
  assert.ok(result, "it is stored");
  const isHeld = held.includes(before);
  const isMore = isHeld && isEnough && paid.hashes > stored.paid.hashes;
  const paidFor = isMore ? Math.max(before.paidFor, sold) : before.paidFor;
  const { message, extended } = result;
  const { holdUntil } = message;
  checkLonger(stored, holdUntil, isHeld ? wanted : 0, paidFor);
  assert.equal(extended, holdUntil > stored.holdUntil, "says so");
  assert.deepEqual(
    message,
    { ...rooted(before), holdUntil, ...(isMore && { paid }) },
    "nothing else is otherwise",
  );
  model.improve(before, {
    stored: { ...stored, holdUntil, paid: message.paid },
    minBandwidth: isHeld
      ? fasterOf(before.minBandwidth, wish.minBandwidth)
      : before.minBandwidth,
    paidFor,
    workUntil: isMore
      ? Math.max(before.workUntil, wish.workUntil)
      : before.workUntil,
  });
  tally.count(extended ? "extensions" : "wishes that extend nothing");
  if (isMore) tally.count("messages paid with more");
  return `${stored.cursor} again with ${paid.hashes} hashes for ${wanted} s${
    extended ? ", extended" : ""
  }`;
};

/** Held no shorter than before, as long as is asked, and never unpaid. */
export function checkLonger(
  { storedAt, holdUntil: before }: StoredMessage,
  holdUntil: number,
  wanted: number | undefined,
  paidFor: number,
): void {
  const paid = storedAt + 1_000 * paidFor;
  const asked = storedAt + 1_000 * Math.min(wanted ?? paidFor, paidFor);
  assert.ok(holdUntil >= before, "an extension never shortens");
  assert.ok(holdUntil >= asked, "what is asked and paid for is given");
  assert.ok(holdUntil <= Math.max(before, paid), "nothing is given unpaid");
}

/** What a reader's link must bear, once a message has come again. */
export function fasterOf(before: number, wanted: number): number {
  return before > 0 && wanted <= before / 2 ? wanted : before;
}
