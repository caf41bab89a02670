/** What it costs an attacker to fill a mailbox, in hashes and in seconds. */
import { sha3_256 } from "../lib/hash.ts";
import { DEFAULT_QUOTAS, fillOf } from "../lib/quota.ts";
import {
  DEFAULT_WORK_PRICE,
  EMPTY_FILL,
  quoteWork,
} from "../lib/work/price.ts";
import { count, measure, printTable } from "./measure.ts";

/** Shares of the quota, and the message that fills it most cheaply. */
const SHARES = [0.25, 0.5, 0.75, 1];
const SIZES = [600, 4_096, 65_536, 262_144];
/** The least that a hold can be. */
const HOLD = DEFAULT_WORK_PRICE.holdSeconds.min;
/** A header as our own miner hashes it. */
const HEADER_BYTES = 230;

/** Prints one table; the seconds are those of one core and of this code. */
export function benchAbuse(): Promise<void> {
  const header = new Uint8Array(HEADER_BYTES);
  const { mine } = measure({ mine: () => sha3_256(header) });
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
      count((costs.at(-1) ?? 0) / mine.perSecond),
    ]);
  }
  console.log(
    `\nFilling a mailbox of ${DEFAULT_QUOTAS.mailbox.bytes / 2 ** 20} MiB and ${
      count(DEFAULT_QUOTAS.mailbox.messages)
    } messages for an hour (${count(mine.perSecond)} tries/s)`,
  );
  printTable(rows);
  return Promise.resolve();
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
