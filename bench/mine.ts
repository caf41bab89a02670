/** Mining beside hashing the same header with the libraries. */
import { createHash } from "node:crypto";
import { sha3_256 as nobleSha3 } from "@noble/hashes/sha3.js";
import { createSHA3 } from "hash-wasm";
import { systemRandom } from "../lib/random.ts";
import { type Engine, ENGINE_NAMES, openEngine } from "../lib/work/engine.ts";
import { mine } from "../lib/work/mine.ts";
import { MinerPool } from "../lib/work/pool.ts";
import { Search } from "../lib/work/search.ts";
import type { SearchPlan, Way } from "../lib/work/search_plan.ts";
import { targetOf } from "../lib/work/target.ts";
import { count, printTable, say } from "./measure.ts";
import { type MiningCase, miningCase, WAYS } from "./mine_cases.ts";
import { type Doing, forMilliseconds, median, Rounds } from "./rounds.ts";

/** The headers, by their blocks. */
const BLOCKS = [2, 3, 4, 5];
const LIBRARIES = ["noble", "node:crypto", "hash-wasm"] as const;
/** What each way is, for a reader of the table. */
const VARIED: Readonly<Record<Way, string>> = {
  dust: "desired magic",
  prng: "body's prng",
  nonce: "nonce",
};
/** One core: milliseconds of each thing in a round, and rounds. */
const SHARE = 30;
const ROUNDS = 31;
/** All workers: the same. */
const SHARE_TOGETHER = 150;
const ROUNDS_TOGETHER = 7;
/** Permutations of a call, so that calling costs next to nothing. */
const CALL = 4_000;
/** Messages mined to tell how long one takes. */
const MESSAGES = 300;

/** Prints tables of tries and of permutations, and what they come to. */
export async function benchMine(): Promise<void> {
  const cases = BLOCKS.map(miningCase);
  const engines = await Promise.all(ENGINE_NAMES.map(openEngine));
  const alone = new Rounds();
  await alone.run(await thingsAlone(cases, engines), ROUNDS);
  const together = new Rounds();
  const pool = new MinerPool();
  try {
    await together.run(thingsTogether(cases, pool), ROUNDS_TOGETHER);
    printTries(cases, alone, together, pool.size);
  } finally {
    pool.close();
  }
  printPermutations(engines, alone);
  printFigures(alone);
  await printMessages();
}

/** By name: `dust 2`, `noble 5`, `engine simd`… */
async function thingsAlone(
  cases: readonly MiningCase[],
  engines: readonly Engine[],
): Promise<Map<string, Doing>> {
  const fastest = await openEngine();
  const hashWasm = await createSHA3(256);
  const things = new Map<string, Doing>();
  // What is compared with each other stands side by side.
  for (const way of WAYS) {
    for (const { blocks, plans } of cases) {
      things.set(`${way} ${blocks}`, searching(fastest, plans[way]));
    }
  }
  const hashing: Record<
    typeof LIBRARIES[number],
    (bytes: Uint8Array) => unknown
  > = {
    noble: nobleSha3,
    "node:crypto": (bytes) => createHash("sha3-256").update(bytes).digest(),
    "hash-wasm": (bytes) => hashWasm.init().update(bytes).digest("binary"),
  };
  for (const library of LIBRARIES) {
    for (const { blocks, header } of cases) {
      const hash = () => hashing[library](header);
      things.set(`${library} ${blocks}`, forMilliseconds(SHARE, hash));
    }
  }
  for (const engine of engines) {
    const plan = cases[0]?.plans.dust;
    if (plan) things.set(`engine ${engine.name}`, searching(engine, plan));
  }
  return things;
}

function searching(engine: Engine, plan: SearchPlan): Doing {
  const share = engine.name === "plain" ? CALL / 20 : CALL;
  const tries = Math.floor(share / plan.permutations);
  const search = () => engine.search(plan.puzzle, 1, tries);
  return forMilliseconds(SHARE, search, tries);
}

function thingsTogether(
  cases: readonly MiningCase[],
  pool: MinerPool,
): Map<string, Doing> {
  return new Map(cases.flatMap(({ blocks, plans }) =>
    WAYS.map((way) => {
      const { puzzle } = plans[way];
      return [`${way} ${blocks}`, async () => {
        const search = new Search({ puzzle, expected: Infinity });
        setTimeout(() => search.stop(null), SHARE_TOGETHER);
        await pool.join(search);
        return search.tries;
      }] as const;
    })
  ));
}

function printTries(
  cases: readonly MiningCase[],
  alone: Rounds,
  together: Rounds,
  workers: number,
): void {
  const rows = [[
    "blocks",
    "varied",
    "permutations",
    "one core",
    `${workers} workers`,
    ...LIBRARIES,
    "to node:crypto",
  ]];
  for (const { blocks, plans } of cases) {
    for (const way of WAYS) {
      const name = `${way} ${blocks}`;
      rows.push([
        String(blocks),
        VARIED[way],
        String(plans[way].permutations),
        count(alone.rate(name)),
        count(together.rate(name)),
        ...LIBRARIES.map((each) => count(alone.rate(`${each} ${blocks}`))),
        times(alone.ratio(name, `node:crypto ${blocks}`)),
      ]);
    }
  }
  printTable(
    "Tries a second, by the header's hash blocks and what is varied",
    rows,
  );
}

function printPermutations(engines: readonly Engine[], alone: Rounds): void {
  const rows = [["by", "a second"]];
  for (const { name } of engines) {
    rows.push([`${name} engine`, count(alone.rate(`engine ${name}`))]);
  }
  for (const library of LIBRARIES) {
    rows.push([library, count(5 * alone.rate(`${library} 5`))]);
  }
  printTable("Keccak permutations a second, one core", rows);
}

/** What the miner was built to reach, and what this run gives. */
function printFigures(alone: Rounds): void {
  const [dust, prng] = ["dust", "prng"].map((way) => ({
    gain: alone.ratio(`${way} 5`, "node:crypto 5"),
    growth: alone.ratio(`${way} 2`, `${way} 5`),
  }));
  if (dust === undefined || prng === undefined) return;
  const permutations = count(alone.rate("engine simd"));
  printTable("What was to be reached on one core", [
    ["figure", "to reach", "here"],
    ["permutations a second", "5,000,000", permutations],
    ["tries of 5 blocks to node:crypto's", "15 ×", times(dust.gain)],
    ["the same, magic untouched", "8 ×", times(prng.gain)],
    ["cost of a try, 5 blocks to 2", "1.10 at most", dust.growth.toFixed(2)],
    ["the same, magic untouched", "1.10 at most", prng.growth.toFixed(2)],
  ]);
}

/** What a sender waits for: mining at a genuine sender's difficulty. */
async function printMessages(): Promise<void> {
  const taken: number[] = [];
  for (let i = 0; i < MESSAGES; i++) {
    const started = performance.now();
    await mine({
      customHash: systemRandom(32),
      target: targetOf(11_000),
      time: Date.now(),
    });
    taken.push(performance.now() - started);
  }
  const mean = taken.reduce((a, b) => a + b) / MESSAGES;
  const worst = Math.max(...taken);
  say(
    `\nA message of 11,000 hashes, ${MESSAGES} times: mean ${
      mean.toFixed(1)
    } ms, median ${median(taken).toFixed(1)}, worst ${worst.toFixed(1)}`,
  );
}

function times(ratio: number): string {
  return `${ratio.toFixed(1)} ×`;
}
