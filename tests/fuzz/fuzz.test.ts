/** Nothing acknowledged is lost, double or out of order, whatever happens. */
import assert from "node:assert/strict";
import { seedOfRun } from "../crash/dice.ts";
import { hasDenoKv } from "../cluster/denokv.ts";
import { ROOT } from "../journeys/process.ts";
import { runSchedule } from "./schedule.ts";
import { EVENTS, Tally } from "./tally.ts";

const isReplay = Deno.env.has("RESTANTE_SEED");
const RUNS = Number(Deno.env.get("RESTANTE_RUNS") ?? (isReplay ? 1 : 200));
/** Schedules within which everything happens that may. */
const ENOUGH = 200;

Deno.test("every reader gets what the model says it must, in seeded schedules", async () => {
  const first = seedOfRun();
  console.log(`RESTANTE_SEED=${first} and ${RUNS - 1} more`);
  const tally = new Tally();
  for (let seed = first; seed < first + RUNS; seed++) {
    tally.add((await runSchedule({ seed })).tally);
  }
  // Else something is not shown any more.
  if (RUNS >= ENOUGH) assert.deepEqual(tally.missing(EVENTS), []);
});

Deno.test({
  name: "and so they do on a denokv that is killed again and again",
  ignore: !await hasDenoKv("schedules on a denokv that is killed"),
  async fn() {
    // A process of its own: its client tells standard error of every kill.
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "fuzz", "--denokv", "--runs", "4"],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stderr: "null",
    }).output();
    const report = new TextDecoder().decode(stdout);
    assert.equal(code, 0, report);
    assert.match(report, /[1-9]\d* kills of the store's server/);
  },
});
