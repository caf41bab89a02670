/** How often a relay may begin anew while it is watched. */
import assert from "node:assert/strict";
import { ClientError } from "../../client/mod.ts";
import { Restored } from "../../client/restored.ts";

const HOUR = 3_600_000;

const cases: Readonly<
  Record<string, [times: readonly number[], isBelieved: boolean]>
> = {
  "three at once": [[0, 0, 0], true],
  "four at once": [[0, 0, 0, 0], false],
  "four within an hour": [[0, 1, 2, HOUR - 1], false],
  "four in an hour": [[0, 1, 2, HOUR], true],
  "four within an hour, a day on": [
    [0, 9, 24, 24.1, 24.2, 24.3].map(
      (hours) => hours * HOUR,
    ),
    false,
  ],
  "one every half an hour": [
    Array.from({ length: 100 }, (_, i) => i * HOUR / 2),
    true,
  ],
};
for (const [what, [times, isBelieved]] of Object.entries(cases)) {
  Deno.test(`Restored ${isBelieved ? "believes" : "refuses"} ${what}`, () => {
    const restored = new Restored("https://relay.example");
    for (const time of times.slice(0, -1)) restored.note(time);
    const note = () => restored.note(times.at(-1) ?? 0);
    if (isBelieved) return note();
    assert.throws(
      note,
      (error) =>
        error instanceof ClientError && error.code === "relay-nonsense",
    );
  });
}
