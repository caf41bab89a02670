/** The checker can fail: every kind of broken relay is caught, and soon. */
import assert from "node:assert/strict";
import { BREAKAGES } from "./breakages.ts";
import { runSchedule, ScheduleError } from "./schedule.ts";

/** Schedules within which each has to be caught. */
const WITHIN = 25;

/** What a schedule found; null if it found nothing. */
async function findingOf(
  seed: number,
  make: (typeof BREAKAGES)[string],
): Promise<ScheduleError | null> {
  try {
    await runSchedule({ seed, breakage: make() });
    return null;
  } catch (error) {
    const found = error instanceof SuppressedError ? error.suppressed : error;
    if (found instanceof ScheduleError) return found;
    throw error;
  }
}

for (const [name, make] of Object.entries(BREAKAGES)) {
  Deno.test(`a store that ${name} is caught within ${WITHIN} schedules`, async () => {
    for (let seed = 1; seed <= WITHIN; seed++) {
      const found = await findingOf(seed, make);
      if (found === null) continue;
      assert.match(found.message, new RegExp(`^RESTANTE_SEED=${seed} fails: `));
      return;
    }
    assert.fail(`${WITHIN} schedules found nothing`);
  });
}
