/**
 * Kills relays until told to stop: `deno run -A tests/crash/main.ts --runs N`.
 * Every 20 kills get a store and a seed of their own; RESTANTE_SEED and
 * `--runs 20` replay one of them (the choices, not the scheduling of processes).
 */
import { seedOfRun } from "./dice.ts";
import { crash } from "./run.ts";

const KILLS_A_STORE = 20;

const at = Deno.args.indexOf("--runs");
const runs = at === -1 ? 100 : Number(Deno.args[at + 1]);
if (!(Number.isInteger(runs) && runs > 0)) {
  console.error("error: --runs takes how often to kill a relay");
  Deno.exit(2);
}
let seed = seedOfRun();
for (let left = runs; left > 0; left -= KILLS_A_STORE, seed++) {
  console.log(`RESTANTE_SEED=${seed}`);
  const started = performance.now();
  const report = await crash(seed, Math.min(left, KILLS_A_STORE));
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  console.log(JSON.stringify({ ...report, seconds }));
}
