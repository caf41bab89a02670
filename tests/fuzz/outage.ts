/** The step that only a store with a server knows: the server is killed. */
import assert from "node:assert/strict";
import type { Step } from "./fuzz.ts";
import { acknowledge, deleteOne } from "./owning.ts";
import { newMessage, storeSurely } from "./posting.ts";
import { readAmid } from "./reading.ts";
import { deliver, throwSending } from "./sending.ts";

/** Milliseconds from what is begun to the kill. */
const LIFE = { least: 0, most: 60 };
/** Milliseconds for which nothing listens. */
const DOWN = [0, 0, 20, 150];

/**
 * The server dies amid whatever is asked of it, and is back on the same file.
 * Who asks may be told to come again, and no more than that.
 */
export const killServer: Step = async (fuzz) => {
  const { dice, world, tally } = fuzz;
  const { server } = world;
  assert.ok(server, "the store has no server");
  const device = fuzz.device();
  world.isFailing = true;
  const { refusals } = world;
  const life = dice.between(LIFE.least, LIFE.most);
  const down = dice.pick(DOWN) ?? 0;
  const posts = Array.from(
    { length: dice.between(0, 6) },
    () => storeSurely(fuzz, newMessage(fuzz, fuzz.device().mailbox)),
  );
  const isSending = dice.chance(0.6);
  if (isSending) posts.push(deliver(fuzz, throwSending(fuzz)).then(() => {}));
  // Not both at once: the model could not say which came first.
  const other = dice.pick(["read", "acknowledge", "delete"] as const);
  const underWay = other === "read"
    ? readAmid(fuzz, device, posts)
    : other === "acknowledge"
    ? acknowledge(fuzz)
    : deleteOne(fuzz);
  const all = Promise.all([underWay, ...posts]);
  const dying = (async () => {
    await passing(life);
    await server.kill();
    await passing(down);
    await server.restart();
  })();
  await Promise.all([all, dying]);
  world.isFailing = false;
  world.deaths += 1;
  tally.count("kills of the store's server");
  tally.count("askings told to come again", world.refusals - refusals);
  tally.count("posts under way at a kill", posts.length);
  const open = fuzz.devices.filter(({ isLive }) => isLive).length;
  tally.count("streams open at a kill", open);
  if (isSending) tally.count("posts by the front door under way at a kill");
  tally.count(
    other === "read"
      ? "reads under way at a kill"
      : other === "acknowledge"
      ? "acknowledgements under way at a kill"
      : "deletes under way at a kill",
  );
  return `the store's server dies after ${life} ms for ${down} ms, amid ${posts.length} posts, 1 ${other}`;
};

function passing(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
