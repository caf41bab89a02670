/**
 * Runs schedules until told to stop: `deno run -A tests/fuzz/main.ts --runs N`;
 * with `--denokv` on a server for each, which is killed now and then.
 * RESTANTE_SEED replays one schedule, and with `--runs N` those that follow.
 */
import { parseArgs } from "node:util";
import { seedOfRun } from "../crash/dice.ts";
import { hasDenoKv } from "../cluster/denokv.ts";
import { runSchedule } from "./schedule.ts";
import { EVENTS, SERVER_EVENTS, Tally } from "./tally.ts";

/** Schedules within which everything happens that may. */
const ENOUGH = { file: 200, denokv: 60 };

const { values } = parseArgs({
  options: { runs: { type: "string" }, denokv: { type: "boolean" } },
});
const isReplay = Deno.env.has("RESTANTE_SEED");
const asked = values.runs ?? Deno.env.get("RESTANTE_RUNS");
const runs = Number(asked ?? (isReplay ? 1 : values.denokv ? 100 : 1_000));
if (!(Number.isInteger(runs) && runs > 0)) {
  console.error("error: --runs takes how many schedules to run");
  Deno.exit(2);
}
if (values.denokv && !await hasDenoKv("schedules on denokv")) Deno.exit(2);
const kind = values.denokv ? "denokv" : "file";
const first = seedOfRun();
console.log(`RESTANTE_SEED=${first}`);
const started = performance.now();
const tally = new Tally();
let failed = 0;
for (let seed = first; seed < first + runs; seed++) {
  try {
    const report = await runSchedule({ seed, kind });
    tally.add(report.tally);
    if (runs === 1) console.log(report.steps.join("\n"));
  } catch (error) {
    failed += 1;
    // Standard error is full of a KV Connect client's words on lost servers.
    console.log(error);
  }
}
console.log(`${tally}`);
const seconds = Math.round((performance.now() - started) / 100) / 10;
const events = kind === "file" ? EVENTS : [...EVENTS, ...SERVER_EVENTS];
const missing = tally.missing(events);
console.log(JSON.stringify({ runs, failed, seconds, missing }));
// A long run that never met with something has not shown it.
const isEnough = runs >= ENOUGH[kind];
Deno.exit(failed === 0 && !(isEnough && missing.length > 0) ? 0 : 1);
