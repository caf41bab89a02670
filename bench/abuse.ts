/** What it costs an attacker to fill a mailbox, in hashes and in seconds. */
import { DEFAULT_QUOTAS, fillOf } from "../lib/quota.ts";
import {
  DEFAULT_WORK_PRICE,
  EMPTY_FILL,
  quoteWork,
} from "../lib/work/price.ts";
import { openEngine } from "../lib/work/engine.ts";
import { count, measure, printTable } from "./measure.ts";
import { miningCase } from "./mine_cases.ts";

/** Shares of the quota, and the message that fills it most cheaply. */
const SHARES = [0.25, 0.5, 0.75, 1];
const SIZES = [600, 4_096, 65_536, 262_144];
/** The least that a hold can be. */
const HOLD = DEFAULT_WORK_PRICE.holdSeconds.min;
/** Tries between two looks at the clock. */
const TRIES = 50_000;

/** Prints one table; the seconds are those of one core and of our own miner. */
export async function benchAbuse(): Promise<void> {
  const engine = await openEngine();
  const { puzzle } = miningCase(2).plans.dust;
  const { batch } = measure({ batch: () => engine.search(puzzle, 1, TRIES) });
  const rate = TRIES * batch.perSecond;
  const rows = [[
    "message bytes",
    ...SHARES.map((share) => `${100 * share} %: hashes`),
    "seconds to 100 %",
  ]];
  for (const size of SIZES) {
    const costs = SHARES.map((share) => costOf(share, size));
    rows.push([
      count(size),
      ...costs.map((cost) => cost.toExponential(1)),
      count((costs.at(-1) ?? 0) / rate),
    ]);
  }
  printTable(
    `Filling a mailbox of ${DEFAULT_QUOTAS.mailbox.bytes / 2 ** 20} MiB and ${
      count(DEFAULT_QUOTAS.mailbox.messages)
    } messages for an hour (${count(rate)} tries/s)`,
    rows,
  );
}

/** Hashes that fill a share of an empty mailbox, message by message. */
function costOf(share: number, size: number): number {
  const { mailbox: quota } = DEFAULT_QUOTAS;
  let hashes = 0;
  for (let messages = 0;; messages++) {
    const used = { bytes: messages * size, messages };
    const fill = fillOf(used, quota);
    const isFull = used.bytes + size > quota.bytes ||
      messages >= quota.messages;
    if (isFull || fill.used / fill.quota >= share) return hashes;
    hashes +=
      quoteWork(size, HOLD, { mailbox: fill, relay: EMPTY_FILL }).hashes;
  }
}
