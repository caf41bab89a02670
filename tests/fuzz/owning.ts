/** Steps of owners: acknowledging, deleting, and cursors from elsewhere. */
import assert from "node:assert/strict";
import { isVisible } from "./model.ts";
import { label, type Step } from "./fuzz.ts";

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
