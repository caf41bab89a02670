/** Steps that nobody asked for: time goes by, and relays start anew. */
import assert from "node:assert/strict";
import { TOMBSTONE_MS } from "../../kv/mail/entry.ts";
import { sweep } from "../../kv/mail/sweep.ts";
import { DAY, HOUR, MINUTE } from "../routes/clock.ts";
import { label, type Step } from "./fuzz.ts";
import { newMessage, store } from "./posting.ts";

/** Past these, the store's own clock would have forgotten what it keeps. */
const MOST_TIME = 50 * DAY;
const SPANS = [1, 1_000, MINUTE, MINUTE, 16 * MINUTE, HOUR, DAY, 7 * DAY];

/** Time goes by: a while, or up to where a hold or a tombstone ends. */
export const wait: Step = async (fuzz) => {
  const { dice, model, now, world, tally } = fuzz;
  const holds = model.messages.map(({ stored }) => stored.holdUntil);
  const ends = holds.flatMap((holdUntil) => [
    holdUntil - 1,
    holdUntil,
    holdUntil + TOMBSTONE_MS - 1,
    holdUntil + TOMBSTONE_MS,
  ]).concat(
    model.messages.flatMap(({ workUntil }) => [workUntil - 1, workUntil]),
  ).filter((end) => end > now);
  const span = dice.chance(0.6)
    ? (dice.pick(ends) ?? now + HOUR) - now
    : dice.pick(SPANS) ?? 1;
  if (model.passed + span > MOST_TIME) return "time enough has gone by";
  model.passed += span;
  world.clock.advance(span);
  tally.count("spans of time");
  const ended = holds.filter((end) => end > now && end <= now + span);
  tally.count("holds that end", ended.length);
  for (const device of fuzz.devices.filter((one) => one.isOutlived)) {
    // Only now and then does an idle stream look at its token.
    await store(fuzz, newMessage(fuzz, device.mailbox));
    await device.outlast("token-expired");
    tally.count("tokens that end");
  }
  return `${span} ms go by`;
};

/** A relay stops in good order, and another one begins on its store. */
export const restart: Step = async (fuzz) => {
  const { world, devices, dice, tally } = fuzz;
  const worker = dice.pick(world.workers);
  assert.ok(worker);
  const live = devices.filter((one) => one.worker === worker);
  const lost = live.filter(() => dice.chance(0.5));
  for (const device of lost) await device.drop();
  await worker.drain();
  const told = live.filter((one) => !lost.includes(one));
  for (const device of told) {
    await device.outlast("shutdown");
  }
  await world.replace(worker);
  tally.count("restarts");
  tally.count("streams ended by a restart", told.length);
  return `restart; told ${
    told.map((one) => label(fuzz, one)).join(", ") || "nobody"
  }`;
};

/** What is due is seen to, by any worker and at any time. */
export const sweepNow: Step = async ({ world, tally }) => {
  const { rows, isDone } = await sweep(world.store(), world.clock);
  assert.ok(isDone, "all that is due is seen to");
  tally.count("sweeps");
  return `sweep ${rows} rows`;
};

/** The same while mail comes. */
export const sweepAmidPosts: Step = async (fuzz) => {
  const { world, dice, tally } = fuzz;
  const drafts = Array.from(
    { length: dice.between(1, 5) },
    () => newMessage(fuzz, fuzz.device().mailbox),
  );
  await Promise.all([
    sweep(world.store(), world.clock),
    ...drafts.map((draft) => store(fuzz, draft)),
  ]);
  tally.count("sweeps amid posts");
  return `sweep amid ${drafts.length} posts`;
};
