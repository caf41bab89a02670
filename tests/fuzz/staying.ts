/** Steps of readers that stay, and of what they could not be sent. */
import assert from "node:assert/strict";
import { isSame } from "./check.ts";
import type { Live } from "./device.ts";
import { label, type Step } from "./fuzz.ts";
import { READER_LINKS } from "./live_reader.ts";
import { newMessage, store } from "./posting.ts";

/** Every way to stay. */
export const STAYS: readonly Live[] = [
  "events",
  "events by TCP",
  "socket",
  "socket of elements",
];

/** A stream: opened, or opened anew in the same or another way. */
export const openStream: Step = async (fuzz) => {
  const device = fuzz.device();
  const transport = fuzz.dice.pick(STAYS) ?? "events";
  const bandwidth = fuzz.dice.pick(READER_LINKS) ?? Infinity;
  await device.open(transport, bandwidth);
  const most = fuzz.dice.chance(0.5) ? fuzz.dice.between(0, 4) : Infinity;
  const taken = await device.take(most);
  return `${label(fuzz, device)} opens ${transport}, takes ${taken}`;
};

/** Messages of a stream that is open. */
export const take: Step = async (fuzz) => {
  const live = fuzz.devices.filter((one) => one.isLive && !one.isOutlived);
  const device = fuzz.dice.pick(live);
  if (device === undefined) return await openStream(fuzz);
  if (fuzz.dice.chance(0.4)) {
    // Some of it is sent while it is taken.
    const count = fuzz.dice.between(1, 3);
    for (let i = 0; i < count; i++) {
      await store(fuzz, newMessage(fuzz, device.mailbox));
    }
  }
  const most = fuzz.dice.chance(0.5) ? fuzz.dice.between(1, 4) : Infinity;
  const taken = await device.take(most);
  return `${label(fuzz, device)} takes ${taken}`;
};

/** A connection breaks, also with mail on its way. */
export const drop: Step = async (fuzz) => {
  const { dice, tally, model, now } = fuzz;
  const live = fuzz.devices.filter((one) => one.isLive);
  const device = dice.pick(live);
  if (device === undefined) return "no connection to drop";
  const { mailbox, cursor } = device;
  if (dice.chance(0.5)) await store(fuzz, newMessage(fuzz, mailbox));
  const left = model.above(mailbox, cursor, now).length;
  await device.drop();
  tally.count("connections dropped");
  if (left > 0) tally.count("connections dropped with mail on its way");
  return `${label(fuzz, device)} loses its connection, ${left} on their way`;
};

/** A body that was too much for the link is asked for, whole or in part. */
export const askForBody: Step = async (fuzz) => {
  const { dice, model, world, now, tally } = fuzz;
  const hinted = fuzz.devices.filter(({ hints }) => hints.length > 0);
  const device = dice.pick(hinted);
  const hint = dice.pick(device?.hints ?? []);
  if (device === undefined || hint === undefined) return "nothing to ask for";
  const kept = model.messages.find(({ stored }) => stored.id === hint.id);
  assert.ok(kept);
  const { stored: { object, size, holdUntil, mailbox }, body } = kept;
  const start = dice.chance(0.6) ? 0 : dice.between(0, size - 1);
  const isOwn = dice.chance(0.9);
  const owner = isOwn
    ? mailbox
    : world.mailboxes.find((other) => other !== mailbox) ?? mailbox;
  const response = await world.owner(owner).fetch(
    `/v1/objects/${object}`,
    start > 0 ? { headers: { Range: `bytes=${start}-` } } : {},
  );
  const bytes = await response.bytes();
  const isHeld = isOwn && kept.deletedAt === null && holdUntil > now;
  const found = start > 0 ? 206 : 200;
  assert.equal(response.status, isHeld ? found : 404, "what is asked for");
  if (isHeld) assert.ok(isSame(bytes, body.subarray(start)), "its bytes");
  tally.count(isHeld ? "bodies asked for" : "bodies asked for that are gone");
  const words = `${label(fuzz, device)} asks for the body of ${hint.cursor}`;
  return isHeld ? words : `${words}, which is not there`;
};
