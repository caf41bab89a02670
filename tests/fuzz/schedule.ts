/** One schedule: a seed decides what happens, and in which order. */
import { Dice } from "../crash/dice.ts";
import { Fuzz, type Step } from "./fuzz.ts";
import * as flooding from "./flooding.ts";
import * as misbehaving from "./misbehaving.ts";
import { killServer } from "./outage.ts";
import * as owning from "./owning.ts";
import { makePlace, type PlaceKind } from "./place.ts";
import * as posting from "./posting.ts";
import * as reading from "./reading.ts";
import * as sending from "./sending.ts";
import * as staying from "./staying.ts";
import type { Tally } from "./tally.ts";
import {
  checkCounts,
  checkMailboxes,
  checkMarks,
  readToTheEnd,
} from "./verdict.ts";
import * as weather from "./weather.ts";
import { type Breakage, World } from "./world.ts";

/** What may happen, and how often it does. */
const STEPS: readonly (readonly [number, Step])[] = [
  [14, posting.post],
  [6, posting.burst],
  [2, posting.race],
  [5, posting.replay],
  [5, posting.extend],
  [3, posting.burstAmidFailures],
  [2, flooding.floodMailbox],
  [1, flooding.floodRelay],
  [1, misbehaving.stalledReader],
  [2, misbehaving.stalledUpload],
  [2, misbehaving.badSocket],
  [5, sending.send],
  [2, sending.sendSome],
  [2, sending.sendCutOff],
  [8, reading.poll],
  [5, reading.longPoll],
  [2, reading.droppedPoll],
  [4, reading.pollAmidPosts],
  [9, staying.openStream],
  [9, staying.take],
  [4, staying.drop],
  [6, staying.askForBody],
  [12, owning.acknowledge],
  [5, owning.deleteOne],
  [2, owning.foreignCursor],
  [2, owning.close],
  [8, weather.wait],
  [3, weather.restart],
  [5, weather.sweepNow],
  [2, weather.sweepAmidPosts],
];

/** The same where the store has a server. */
const SERVER_STEPS: typeof STEPS = [...STEPS, [20, killServer]];

function weighed(steps: typeof STEPS): Step[] {
  return steps.flatMap(([weight, step]) => new Array<Step>(weight).fill(step));
}

const WEIGHED: Readonly<Record<PlaceKind, readonly Step[]>> = {
  file: weighed(STEPS),
  denokv: weighed(SERVER_STEPS),
};

/** How many steps there are; with a server each takes its time. */
const LENGTH: Readonly<Record<PlaceKind, [number, number]>> = {
  file: [8, 30],
  denokv: [8, 20],
};

/** Milliseconds between two looks, where doorbells are heard and where not. */
const LOOK_EVERY: Readonly<Record<PlaceKind, [number, number]>> = {
  file: [50, 4],
  denokv: [250, 25],
};

/** A schedule found something. */
export class ScheduleError extends Error {
  override name = "ScheduleError";
}

/** How a schedule is run. */
export interface ScheduleOptions {
  readonly seed: number;
  /** What keeps the store. */
  readonly kind?: PlaceKind;
  readonly breakage?: Breakage | undefined;
}

/** What a schedule did. */
export interface ScheduleReport {
  /** Its steps in words. */
  readonly steps: readonly string[];
  readonly tally: Tally;
}

/**
 * Runs one schedule against relays and a store of its own.
 *
 * @throws {ScheduleError} with the seed and the steps so far
 */
export async function runSchedule(
  { seed, kind = "file", breakage }: ScheduleOptions,
): Promise<ScheduleReport> {
  const dice = new Dice(seed);
  // Two workers on one file hear each other's doorbells by looking alone.
  const workers = dice.chance(kind === "file" ? 0.3 : 0.5) ? 2 : 1;
  const doorbellDice = dice.fork();
  const steps: string[] = [];
  await using place = await makePlace(kind);
  await using world = await World.open({
    place,
    workers,
    doorbells() {
      const isHearing = doorbellDice.chance(0.7);
      steps.push(`a relay that hears ${isHearing ? "" : "no "}doorbells`);
      const [hearing, deaf] = LOOK_EVERY[kind];
      return { isHearing, lookEvery: isHearing ? hearing : deaf };
    },
    breakage,
  });
  const fuzz = new Fuzz(dice, world);
  // Apart, so that what is checked does not change what happens.
  const checkDice = dice.fork();
  let step: Step | undefined;
  try {
    for (let left = dice.between(...LENGTH[kind]); left > 0; left--) {
      fuzz.model.step += 1;
      step = dice.pick(WEIGHED[kind]) as Step;
      steps.push(await step(fuzz));
      await checkMailboxes(fuzz, checkDice);
    }
    step = undefined;
    await checkMarks(fuzz);
    await checkCounts(fuzz);
    await readToTheEnd(fuzz);
  } catch (cause) {
    const doing = step?.name ?? "reading to the end";
    const place = kind === "file" ? "" : ` on ${kind}`;
    const words = describe(steps, doing, cause);
    throw new ScheduleError(`RESTANTE_SEED=${seed} fails${place}: ${words}`, {
      cause,
    });
  } finally {
    for (const device of fuzz.devices) await device.drop().catch(() => {});
  }
  return { steps, tally: fuzz.tally };
}

function describe(
  steps: readonly string[],
  doing: string,
  cause: unknown,
): string {
  const why = cause instanceof Error ? cause.message : String(cause);
  const so = steps.map((words, i) => `  ${i + 1}. ${words}`).join("\n");
  return `${why}\n${so}\n  then: ${doing}`;
}
