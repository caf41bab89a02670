/** The window of work, as the store has to know it. */
import assert from "node:assert/strict";
import { widenWindow } from "../../../kv/mail/window.ts";
import { openStore } from "../../../kv/store/store.ts";
import { HOUR } from "../../routes/clock.ts";
import { NOW } from "../message_maker.ts";
import { openSpied } from "../spied_database.ts";
import { TempDirectory } from "../temp_directory.ts";

/** Workers that start one after another: after how many hours, with what window. */
type Starts = readonly (readonly [hours: number, back: number])[];

/** What the last of them is told, in hours before the first started. */
async function after(starts: Starts): Promise<[floor: number, marked: number]> {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  let told: [number, number] = [0, 0];
  for (const [hours, back] of starts) {
    using store = await openStore(file, () => NOW);
    const window = { back: back * HOUR, ahead: 2 * HOUR };
    const kept = await widenWindow(store, window, NOW + hours * HOUR);
    assert.deepEqual([kept.back, kept.ahead], [window.back, window.ahead]);
    told = [
      kept.floor === 0 ? -Infinity : (kept.floor - NOW) / HOUR,
      kept.markedFor / HOUR,
    ];
  }
  return told;
}

Deno.test("after the work window is raised old work does not pay twice, however often it is raised", async (t) => {
  const never = -Infinity;
  const table: [what: string, Starts, floor: number, marked: number][] = [
    ["at first", [[0, 24]], never, 24],
    ["the same again", [[0, 24], [5, 24]], never, 24],
    ["lowered", [[0, 24], [5, 6]], never, 24],
    ["raised", [[0, 24], [5, 48]], 5 - 24, 48],
    ["raised, and started again", [[0, 24], [5, 48], [30, 48]], 5 - 24, 48],
    [
      "raised twice, the second time soon",
      [[0, 24], [5, 48], [6, 72]],
      -19,
      72,
    ],
    ["raised twice, far apart", [[0, 24], [5, 48], [99, 72]], 99 - 48, 72],
    ["lowered, and raised to as much", [[0, 24], [5, 6], [9, 24]], never, 24],
    ["lowered, and raised to more", [[0, 24], [5, 6], [9, 30]], 9 - 24, 30],
  ];
  for (const [what, starts, floor, marked] of table) {
    await t.step(what, async () => {
      assert.deepEqual(await after(starts), [floor, marked]);
    });
  }
});

Deno.test("widenWindow() keeps the windows that were for as long as work of theirs may be taken", async () => {
  const ahead = 2;
  const over = ahead + 24; // hours for which other workers may go on
  const table: [starts: Starts, former: [back: number, until: number][]][] = [
    [[[0, 24]], []],
    [[[0, 24], [5, 48]], [[24, 5 + over]]],
    [[[0, 24], [5, 48], [6, 72]], [[24, 5 + over], [48, 6 + over]]],
    [[[0, 24], [5, 48], [5 + over + 71, 72]], [
      [24, 5 + over],
      [48, 5 + over + 71 + over],
    ]],
    [[[0, 24], [5, 48], [5 + over + 72, 72]], [[48, 5 + over + 72 + over]]],
  ];
  for (const [starts, former] of table) {
    await using directory = await TempDirectory.make();
    const file = directory.file("store.kv");
    for (const [hours, back] of starts) {
      using store = await openStore(file, () => NOW);
      const window = { back: back * HOUR, ahead: ahead * HOUR };
      await widenWindow(store, window, NOW + hours * HOUR);
    }
    using store = await openStore(file);
    const { window } = store.record;
    assert.deepEqual(
      (window?.former ?? []).map(({ back, until }) => [
        back / HOUR,
        (until - NOW) / HOUR,
      ]),
      former,
    );
  }
});

Deno.test("widenWindow() writes nothing where the store knows of as wide a window", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  const window = { back: 24 * HOUR, ahead: 0 };
  {
    using store = await openStore(file);
    await widenWindow(store, window, NOW);
  }
  using spied = await openSpied(file);
  spied.spy.takeCounts();
  await widenWindow(spied.store, window, NOW);
  assert.deepEqual(spied.spy.takeCounts(), {
    reads: 0,
    entries: 0,
    commits: 0,
  });
});
