/**
 * Runs schedules until told to stop: `deno run -A tests/fuzz/main.ts --runs N`.
 * RESTANTE_SEED replays one schedule, and with `--runs N` those that follow.
 */
import { seedOfRun } from "../crash/dice.ts";
import { runSchedule } from "./schedule.ts";

const at = Deno.args.indexOf("--runs");
const asked = at === -1 ? Deno.env.get("RESTANTE_RUNS") : Deno.args[at + 1];
const isReplay = Deno.env.has("RESTANTE_SEED");
const runs = Number(asked ?? (isReplay ? 1 : 1_000));
if (!(Number.isInteger(runs) && runs > 0)) {
  console.error("error: --runs takes how many schedules to run");
  Deno.exit(2);
}
const first = seedOfRun();
console.log(`RESTANTE_SEED=${first}`);
const started = performance.now();
let failed = 0;
for (let seed = first; seed < first + runs; seed++) {
  try {
    const steps = await runSchedule({ seed });
    if (runs === 1) console.log(steps.join("\n"));
  } catch (error) {
    failed += 1;
    console.error(error);
  }
}
const seconds = Math.round((performance.now() - started) / 100) / 10;
console.log(JSON.stringify({ runs, failed, seconds }));
Deno.exit(failed === 0 ? 0 : 1);
