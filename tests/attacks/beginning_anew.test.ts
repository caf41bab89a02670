/** A relay that says again and again that its store is another one. */
import assert from "node:assert/strict";
import type { Transport } from "../../client/mod.ts";
import { assertClientError } from "../client/assert_client_error.ts";
import {
  cursorAt,
  listedAt,
  openScene,
  play,
  takeCursors,
} from "../client/scripted.ts";

const HOUR = 3_600_000;
const EPOCHS = "bcdef0123456789";
const TRANSPORTS: readonly Transport[] = ["socket", "events", "poll"];

for (const transport of TRANSPORTS) {
  Deno.test(`watch() by ${transport} shows no letter without end to a relay that begins anew without end`, async (t) => {
    const table: [what: string, reset: boolean, epochs: string][] = [
      ["in another epoch each time", true, EPOCHS],
      ["in the same epoch", true, "b".repeat(EPOCHS.length)],
      ["without a word, in two epochs by turns", false, "bc".repeat(7)],
    ];
    for (const [what, reset, epochs] of table) {
      // A socket says nothing of it: only the epochs show.
      if (transport === "socket" && new Set(epochs).size === 1) continue;
      // A page has to say so itself, or is refused at once.
      if (transport === "poll" && !reset) continue;
      await t.step(what, async () => {
        let asked = 0;
        await using scene = openScene(
          transport,
          (request) => play(request, [listedAt(5, epochs[asked++])], { reset }),
        );
        const messages = scene.watch({ after: cursorAt(1) });
        const given = await takeCursors(messages, 3);
        assert.deepEqual(
          given,
          [...epochs].slice(0, 3).map((epoch) => cursorAt(5, epoch)),
        );
        await assertClientError(messages.next(), "relay-nonsense");
      });
    }
  });
}

Deno.test("watch() goes on where a store was restored four times in more than an hour", async () => {
  let asked = 0;
  await using scene = openScene(
    "events",
    (request) => play(request, [listedAt(5, EPOCHS[asked++])], { reset: true }),
    { token: () => ({ expires: Date.now() + 10 * HOUR }) },
  );
  const messages = scene.watch();
  await takeCursors(messages, 3);
  scene.clock.advance(HOUR);
  assert.deepEqual(await takeCursors(messages, 1), [cursorAt(5, EPOCHS[3])]);
  await messages.return(undefined);
});
