/** One schedule: a seed decides what happens, and in which order. */
import { Dice } from "../crash/dice.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { Fuzz, type Step } from "./fuzz.ts";
import * as owning from "./owning.ts";
import * as posting from "./posting.ts";
import * as reading from "./reading.ts";
import { checkMailboxes, checkMarks, readToTheEnd } from "./verdict.ts";
import * as weather from "./weather.ts";
import { type Breakage, World } from "./world.ts";

/** What may happen, and how often it does. */
const STEPS: readonly (readonly [number, Step])[] = [
  [14, posting.post],
  [6, posting.burst],
  [2, posting.race],
  [5, posting.replay],
  [5, posting.send],
  [8, reading.poll],
  [5, reading.longPoll],
  [2, reading.droppedPoll],
  [4, reading.pollAmidPosts],
  [9, reading.openStream],
  [9, reading.take],
  [4, reading.drop],
  [7, owning.acknowledge],
  [5, owning.deleteOne],
  [2, owning.foreignCursor],
  [8, weather.wait],
  [3, weather.restart],
];

const ALL = STEPS.flatMap(([weight, step]) =>
  new Array<Step>(weight).fill(step)
);

/** A schedule found something. */
export class ScheduleError extends Error {
  override name = "ScheduleError";
}

/** How a schedule is run. */
export interface ScheduleOptions {
  readonly seed: number;
  readonly breakage?: Breakage | undefined;
}

/**
 * Runs one schedule against a relay of its own; gives its steps in words.
 *
 * @throws {ScheduleError} with the seed and the steps so far
 */
export async function runSchedule(
  { seed, breakage }: ScheduleOptions,
): Promise<string[]> {
  const dice = new Dice(seed);
  const doorbells = dice.chance(0.3)
    ? { isHearing: false, lookEvery: 4 }
    : { lookEvery: 50 };
  const steps = [doorbells.isHearing === false ? "no doorbell is heard" : ""]
    .filter((words) => words !== "");
  await using directory = await TempDirectory.make();
  await using world = await World.open({
    kv: directory.file("fuzz.kv"),
    doorbells,
    breakage,
  });
  const fuzz = new Fuzz(dice, world);
  // Apart, so that what is checked does not change what happens.
  const checkDice = dice.fork();
  let step: Step | undefined;
  try {
    for (let left = dice.between(8, 30); left > 0; left--) {
      fuzz.model.step += 1;
      step = dice.pick(ALL) as Step;
      steps.push(await step(fuzz));
      await checkMailboxes(fuzz, checkDice);
    }
    step = undefined;
    await checkMarks(fuzz);
    await readToTheEnd(fuzz);
  } catch (cause) {
    const doing = step?.name ?? "reading to the end";
    throw new ScheduleError(describe(seed, steps, doing, cause), { cause });
  } finally {
    for (const device of fuzz.devices) await device.drop().catch(() => {});
  }
  return steps;
}

function describe(
  seed: number,
  steps: readonly string[],
  doing: string,
  cause: unknown,
): string {
  const why = cause instanceof Error ? cause.message : String(cause);
  const so = steps.map((words, i) => `  ${i + 1}. ${words}`).join("\n");
  return `RESTANTE_SEED=${seed} fails: ${why}\n${so}\n  then: ${doing}`;
}
