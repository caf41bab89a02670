/** What the page of miner.test.ts imports. */
export { checkTxPow } from "../../lib/work/check.ts";
export { openEngine } from "../../lib/work/engine.ts";
export { mine } from "../../lib/work/mine.ts";
export { MinerPool } from "../../lib/work/pool.ts";
export { targetOf } from "../../lib/work/target.ts";
