/** What holds after every step, and what is looked at in the end. */
import assert from "node:assert/strict";
import { findMessage } from "../../kv/mail/accept.ts";
import { readAfter } from "../../kv/mail/read.ts";
import type { Dice } from "../crash/dice.ts";
import { messageJson } from "../../routes/message_json.ts";
import { assertWhole } from "../kv/recount.ts";
import { checkPage, isSame } from "./check.ts";
import type { Fuzz } from "./fuzz.ts";
import { READER_LINKS } from "./live_reader.ts";
import { randomId } from "./mail.ts";
import { isMarked, rooted } from "./model.ts";
import { STAYS } from "./staying.ts";

/** Reads every mailbox, past the front door, from any old cursor. */
export async function checkMailboxes(fuzz: Fuzz, dice: Dice): Promise<void> {
  const { world, model, now } = fuzz;
  for (const mailbox of world.mailboxes) {
    // Deleted ones too: any cursor that the mailbox ever gave out.
    const old = model.messages
      .filter(({ stored }) => stored.mailbox === mailbox)
      .map(({ stored }) => stored.cursor);
    let after = dice.chance(0.5) ? null : dice.pick(old) ?? null;
    for (let more = true; more;) {
      const limit = dice.pick([2, 5, 100, 1_000]) ?? 100;
      const bandwidth = dice.pick(READER_LINKS) ?? Infinity;
      const asked = {
        mailbox,
        after,
        limit,
        bandwidth,
        now,
      };
      const page = await readAfter(world.store(), asked);
      const messages = page.messages.map(messageJson);
      checkPage(model, asked, { ...page, messages });
      after = page.next;
      more = page.more;
    }
  }
}

/** Every message has its mark, and those that are held have their object. */
export async function checkMarks(fuzz: Fuzz): Promise<void> {
  const { world, model, now } = fuzz;
  for (const one of model.messages) {
    const found = await findMessage(world.store(), one.stored.id);
    if (found === null && !isMarked(one, now)) {
      fuzz.tally.count("marks that ended");
    } else assert.deepEqual(found, rooted(one), "mark");
  }
  assert.equal(await findMessage(world.store(), randomId(fuzz.dice)), null);
  for (const one of model.messages.slice(0, 4)) {
    const { mailbox, object, holdUntil } = one.stored;
    const response = await world.owner(mailbox).fetch(`/v1/objects/${object}`);
    const bytes = await response.bytes();
    const isHeld = one.deletedAt === null && holdUntil > now;
    assert.equal(response.status, isHeld ? 200 : 404, "object");
    if (isHeld) assert.ok(isSame(bytes, one.body), "bytes of the object");
  }
}

/** What is counted is what there is, and all that ends is noted as due. */
export async function checkCounts({ world }: Fuzz): Promise<void> {
  await assertWhole(world.store());
}

/** Every device reads to the end, some way, and then all streams are ended. */
export async function readToTheEnd(fuzz: Fuzz): Promise<void> {
  const { world, model, devices, dice } = fuzz;
  for (const device of devices) {
    if (dice.chance(0.5)) device.cursor = null;
    await device.open(
      dice.pick(STAYS) ?? "events",
      dice.pick(READER_LINKS) ?? Infinity,
    );
    await device.take();
    const left = model.above(device.mailbox, device.cursor, fuzz.now);
    assert.equal(left.length, 0, "all is read");
  }
  await world.drain();
  for (const device of devices) {
    const { cursor } = device;
    await device.outlast("shutdown");
    assert.equal(device.cursor, cursor, "nothing more came");
  }
}
