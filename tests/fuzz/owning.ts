/** Steps of owners: acknowledging, deleting, and cursors from elsewhere. */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { keys } from "../../kv/kinds.ts";
import { closeMailbox, noteRead } from "../../kv/mail/mailboxes.ts";
import { Problem } from "../../lib/problem.ts";
import { Owner } from "../routes/owner.ts";
import { label, type Step } from "./fuzz.ts";
import { isVisible } from "./model.ts";
import { commitDraft, newMessage, note } from "./posting.ts";

/** A device says what it has, or something that it had before. */
export const acknowledge: Step = async (fuzz) => {
  const { model, world, dice, now, tally } = fuzz;
  const device = fuzz.device();
  const { mailbox, name, cursor } = device;
  if (cursor === null) return "nothing to acknowledge";
  const earlier = dice.pick(model.messages.map(({ stored }) => stored))?.cursor;
  const isBack = dice.chance(0.3) && earlier !== undefined && earlier < cursor;
  const through = isBack ? earlier : cursor;
  const before = model.messages.filter((one) => isVisible(one, now));
  const response = await world.ask(() =>
    world.owner(mailbox).acknowledge(through, name)
  );
  assert.equal(response.status, 200, "acknowledged");
  const { deleted, ...rest } = await response.json();
  assert.deepEqual(rest, { reader: name, through });
  const gone = model.acknowledge(mailbox, name, through);
  const seen = gone.filter((one) => before.includes(one)).length;
  // Tombstones that are not listed any more may be gone from the store or not.
  // Who repeats what it did not hear the end of does not know how many.
  const least = world.isFailing ? 0 : seen;
  assert.ok(deleted >= least && deleted <= gone.length, "how many it deleted");
  tally.count("acknowledgements");
  if (isBack) tally.count("acknowledgements that go back");
  if (gone.length > 0) tally.count("acknowledgements that delete");
  const waits = model.messages.some((one) =>
    one.stored.mailbox === mailbox && one.deletedAt === null &&
    one.stored.cursor <= through
  );
  if (waits) tally.count("acknowledgements that wait for another reader");
  return `${label(fuzz, device)} acknowledges ${through}: ${deleted} deleted`;
};

/** One message is deleted, whether it is still there or not. */
export const deleteOne: Step = async ({ dice, model, world, tally }) => {
  const one = dice.pick(model.messages);
  if (one === undefined) return "nothing to delete";
  const { mailbox, cursor } = one.stored;
  const response = await world.ask(() => world.owner(mailbox).delete(cursor));
  assert.equal(response.status, 204, "deleted");
  await response.body?.cancel();
  model.delete(one);
  tally.count("deletes");
  return `delete ${cursor}`;
};

/** A cursor that this store never gave out hides nothing. */
export const foreignCursor: Step = async (fuzz) => {
  const { world, model, dice, now, tally } = fuzz;
  const { mailbox } = fuzz.device();
  const { epoch } = world.store();
  const foreign = dice.chance(0.5)
    ? `${"0".repeat(11)}1-${"0".repeat(19)}1`
    : `${epoch}-${"f".repeat(20)}`;
  const owner = world.owner(mailbox);
  const page = await owner.read(`?after=${foreign}&limit=1000`);
  assert.equal(page.reset, true, "reading begins anew");
  const expected = model.visible(mailbox, now).map(({ stored }) =>
    stored.cursor
  );
  const got = page.messages.map(({ cursor }) => cursor);
  assert.deepEqual(got, expected.slice(0, got.length), "from the oldest on");
  assert.ok(page.more || got.length === expected.length, "and all of it");
  const refused = await owner.acknowledge(foreign, "phone");
  assert.equal(refused.status, 400, "not for acknowledging");
  await refused.body?.cancel();
  tally.count("cursors of other stores");
  return `read ${fuzz.nameOf(mailbox)} from a cursor of another store`;
};

/** A mailbox is closed amid posts to it, and opened again. */
export const close: Step = async (fuzz) => {
  const { world, model, dice, now, tally } = fuzz;
  const { mailbox } = fuzz.device();
  const drafts = Array.from(
    { length: dice.between(0, 4) },
    () => ({ draft: newMessage(fuzz, mailbox), wait: dice.between(0, 6) }),
  );
  const closing = closeMailbox(world.store(), mailbox, now);
  const outcomes = await Promise.all(drafts.map(async ({ draft, wait }) => {
    try {
      // Some come when the closing is half done.
      if (wait > 2) await delay(wait - 2);
      const { message } = await commitDraft(fuzz, world.store(), draft);
      note(fuzz, draft, message);
      return "stored";
    } catch (error) {
      if (!isUnknown(error)) throw error;
      return "refused";
    }
  }));
  assert.equal(await closing, true, "there was such a mailbox");
  model.close(mailbox);
  const { store } = world.next().relay.relay;
  assert.deepEqual(
    await store.list({ prefix: keys.messages(mailbox) }),
    [],
    "all of it is gone",
  );
  const late = newMessage(fuzz, mailbox);
  await assert.rejects(commitDraft(fuzz, store, late), isUnknown);
  assert.equal(await closeMailbox(store, mailbox, now), false, "once");
  await Owner.open(world.next().relay, world.owner(mailbox).publicKey);
  await noteRead(store, mailbox, now);
  tally.count("mailboxes closed");
  tally.count("posts amid the closing of their mailbox", drafts.length);
  const refused = outcomes.filter((one) => one === "refused").length;
  tally.count("posts refused amid the closing of their mailbox", refused);
  return `close ${
    fuzz.nameOf(mailbox)
  } amid ${drafts.length} posts, ${refused} refused, and open it again`;
};

function isUnknown(error: unknown): boolean {
  return error instanceof Problem && error.code === "mailbox-unknown";
}
