/** Nothing acknowledged is lost, double or out of order, whatever happens. */
import { seedOfRun } from "../crash/dice.ts";
import { runSchedule } from "./schedule.ts";

const isReplay = Deno.env.has("RESTANTE_SEED");
const RUNS = Number(Deno.env.get("RESTANTE_RUNS") ?? (isReplay ? 1 : 200));

Deno.test("every reader gets what the model says it must, in seeded schedules", async () => {
  const first = seedOfRun();
  console.log(`RESTANTE_SEED=${first} and ${RUNS - 1} more`);
  for (let seed = first; seed < first + RUNS; seed++) {
    await runSchedule({ seed });
  }
});
