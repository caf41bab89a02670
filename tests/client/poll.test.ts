/** Following by long polls: how often it asks, and whom it believes. */
import assert from "node:assert/strict";
import {
  cursorAt,
  listedAt,
  MAILBOX,
  openScene,
  pageOf,
  settled,
  takeCursors,
} from "./scripted.ts";

Deno.test("a relay that is asked to wait, and does not, is asked once a second", async () => {
  let asked = 0;
  await using scene = openScene("poll", () => {
    asked++;
    return asked < 5
      ? pageOf([], cursorAt(0))
      : pageOf([listedAt(1)], cursorAt(1));
  });
  const messages = scene.watch();
  const coming = takeCursors(messages, 1);
  // The first answers at once, for it is not asked to wait.
  for (let polls = 2; polls <= 4; polls++) {
    await scene.clock.waitedFor(1);
    assert.equal(await settled(() => asked), polls);
    scene.clock.advance(999);
    assert.equal(await settled(() => asked), polls);
    scene.clock.advance(1);
  }
  assert.deepEqual(await coming, [cursorAt(1)]);
  await messages.return(undefined);
  const waits = scene.home.headers.map((headers) => headers.get("Prefer"));
  assert.deepEqual(waits, [null, ...Array(4).fill("wait=25")]);
});

Deno.test("a relay that waits before it says that there is nothing is asked again at once", async () => {
  let asked = 0;
  const clocks: { advance(milliseconds: number): void }[] = [];
  await using scene = openScene("poll", () => {
    clocks[0]?.advance(1_000); // as long as it waits
    return ++asked < 5
      ? pageOf([], cursorAt(0))
      : pageOf([listedAt(1)], cursorAt(1));
  });
  clocks.push(scene.clock);
  const messages = scene.watch({ after: cursorAt(0), reader: "phone" });
  assert.deepEqual(await takeCursors(messages, 1), [cursorAt(1)]);
  await messages.return(undefined);
  assert.equal(
    scene.home.asked.at(-1),
    `GET ${MAILBOX}/messages?after=${cursorAt(0)}&reader=phone`,
  );
});

Deno.test("pages that say more are asked for at once", async () => {
  let asked = 0;
  await using scene = openScene("poll", () => {
    asked++;
    return asked < 5
      ? pageOf([], cursorAt(asked), { more: true })
      : pageOf([listedAt(9)], cursorAt(9));
  });
  const messages = scene.watch();
  assert.deepEqual(await takeCursors(messages, 1), [cursorAt(9)]);
  await messages.return(undefined);
});
