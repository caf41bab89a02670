/** Nothing acknowledged is lost, however the relay dies. */
import assert from "node:assert/strict";
import { seedOfRun } from "./dice.ts";
import { crash } from "./run.ts";

Deno.test("after 20 kills under load every 201 is readable, once, with its receipt, and nothing refused is", async () => {
  const seed = seedOfRun();
  console.log(`RESTANTE_SEED=${seed}`);
  const report = await crash(seed, 20);
  console.log(JSON.stringify(report));
  // Else the kills met an idle relay, and nothing was shown.
  assert.ok(report.messages > 300, "messages");
  assert.ok(report.cutOff > 20, "answers that a kill cut off");
  assert.ok(report.storedUnheard > 0, "kills between commit and answer");
  assert.ok(report.refused > 10, "refusals");
});
