/** Mining: what it gives, how it is watched, and how it is stopped. */
import assert from "node:assert/strict";
import { mock } from "node:test";
import type { Bytes } from "../../../lib/bytes.ts";
import { decode, encode } from "../../../lib/minima/codec.ts";
import {
  MAIN_CHAIN,
  MAX_HASH,
  MIN_WORK_TARGET,
} from "../../../lib/minima/constants.ts";
import { magic } from "../../../lib/minima/magic.ts";
import { miniNumber } from "../../../lib/minima/mininumber.ts";
import { txBody, txPow } from "../../../lib/minima/txpow.ts";
import {
  isBlock,
  isTransaction,
  meets,
  txPowId,
} from "../../../lib/minima/txpow_facts.ts";
import { txHeader } from "../../../lib/minima/txheader.ts";
import { checkTxPow, checkWork, timeOf } from "../../../lib/work/check.ts";
import { ENGINE_NAMES } from "../../../lib/work/engine.ts";
import {
  type ChainTip,
  mine,
  type MineOptions,
  type MiningProgress,
} from "../../../lib/work/mine.ts";
import { MinerPool } from "../../../lib/work/pool.ts";
import { targetBytes, targetOf } from "../../../lib/work/target.ts";
import { seededRandom } from "../randomness.ts";
import { contentsOf, tipOf } from "./drafts.ts";
import { PACKAGE, TIME, UNIT } from "./mined_units.ts";

const CUSTOM_HASH: Bytes = new Uint8Array(32).fill(0xc5);

/** Nothing is below it, so mining for it ends by its signal alone. */
const IMPOSSIBLE = 0n;

function options(seed: string, change: Partial<MineOptions> = {}): MineOptions {
  return {
    customHash: CUSTOM_HASH,
    target: MIN_WORK_TARGET,
    time: TIME,
    random: seededRandom(seed),
    ...change,
  };
}

Deno.test("mine() gives work that checkWork() takes for the package", () => {
  const { target, messageId } = checkWork(UNIT);
  assert.equal(target, MIN_WORK_TARGET);
  assert.equal(UNIT.txPow.header.customHash.toHex(), messageId);
  assert.deepEqual(UNIT.package, PACKAGE);
});

Deno.test("mine() gives work that checkTxPow() takes, at any target", async () => {
  for (const hashes of [10_000, 11_000, 25_000]) {
    const target = targetOf(hashes);
    const unit = await mine(options(`${hashes}`, { target }));
    assert.equal(checkTxPow(unit).target, target);
    assert.deepEqual(unit.header.customHash, CUSTOM_HASH);
    assert.equal(timeOf(unit.header), TIME);
  }
});

Deno.test("mine() commits to targets that no relay would take, too", async () => {
  for (const target of [MAX_HASH, targetOf(2), targetOf(100)]) {
    const { header, body } = await mine(options("easy", { target }));
    assert.deepEqual(body?.txnDifficulty, targetBytes(target));
    assert.ok(meets(txPowId(header), targetBytes(target)));
  }
});

Deno.test("mine() gives a canonical unit with the plainest header and body", async () => {
  const unit = await mine(options("canonical"));
  const bytes = encode(txPow, unit);
  assert.deepEqual(decode(txPow, bytes), unit);
  assert.ok(unit.body !== null);
  assert.equal(encode(txBody, unit.body).length, 120);
  // The last digits of the desired magic just reach into the second block.
  assert.equal(encode(txHeader, unit.header).length, 249);
  const nonce = encode(miniNumber, unit.header.nonce);
  assert.deepEqual([...nonce.slice(0, 3)], [44, 26, 0x01]);
  assert.equal(nonce.length, 28);
});

Deno.test("mine() never claims a block or a transaction", async () => {
  for (const seed of ["a", "b", "c"]) {
    const unit = await mine(options(seed));
    assert.equal(isBlock(unit.header, txPowId(unit.header)), false);
    assert.equal(isTransaction(unit), false);
  }
});

for (const engine of ENGINE_NAMES) {
  Deno.test(`mine() with ${engine} finds what the fastest finds`, async () => {
    const unit = await mine(options("engines", { engine }));
    assert.deepEqual(unit, await mine(options("engines")));
  });
}

Deno.test("mine() on a chain's tip keeps all that is the chain's, and its magic", async () => {
  for (const [parents, ids] of [[0, 0], [3, 0], [31, 0], [2, 5], [0, 256]]) {
    assert.ok(parents !== undefined && ids !== undefined);
    const tip = tipOf(parents);
    const contents = contentsOf(ids);
    const unit = await mine(options("tip", { tip, contents }));
    checkTxPow(unit);
    const { header, body } = unit;
    const mined = { ...header };
    for (const name of Object.keys(tip) as (keyof ChainTip)[]) {
      assert.deepEqual(mined[name], tip[name], name);
    }
    assert.deepEqual(encode(magic, header.magic), encode(magic, tip.magic));
    assert.deepEqual(header.chainId, MAIN_CHAIN);
    assert.equal(body?.txPowIds.length, ids);
    assert.deepEqual(decode(txPow, encode(txPow, unit)), unit);
  }
});

Deno.test("mine() on a chain's tip may find a block", async () => {
  const blockDifficulty = targetBytes(MAX_HASH);
  const tip = { ...tipOf(1), blockDifficulty };
  const { header } = await mine(options("block", { tip }));
  assert.equal(isBlock(header, txPowId(header)), true);
});

Deno.test("mine() with a pool keeps little work on this thread", async () => {
  using pool = new MinerPool({ workers: 1 });
  const joined = mock.method(pool, "join");
  const unit = await mine(options("little", { pool }));
  assert.equal(joined.mock.callCount(), 0);
  assert.deepEqual(unit, await mine(options("little", { pool: null })));
});

Deno.test("mine() gives the same unit for the same random, else another", async () => {
  const first = await mine(options("one"));
  assert.deepEqual(await mine(options("one")), first);
  const other = await mine(options("two"));
  assert.notDeepEqual(other.body?.prng, first.body?.prng);
  assert.notDeepEqual(txPowId(other.header), txPowId(first.header));
  const { random: _, ...unseeded } = options("none");
  const ids = [await mine(unseeded), await mine(unseeded)].map((unit) =>
    txPowId(unit.header).toHex()
  );
  assert.equal(new Set(ids).size, 2);
});

Deno.test("mine() gives other work for another time, target and package", async () => {
  const units = await Promise.all([
    mine(options("same")),
    mine(options("same", { time: TIME + 1 })),
    mine(options("same", { target: targetOf(10_001) })),
    mine(options("same", { customHash: new Uint8Array(32) })),
  ]);
  const ids = units.map(({ header }) => txPowId(header).toHex());
  assert.equal(new Set(ids).size, units.length);
});

/** Mines for nothing until `isEnough` says so, and gives the calls. */
async function watch(
  isEnough: (calls: readonly MiningProgress[]) => boolean,
): Promise<readonly MiningProgress[]> {
  const calls: MiningProgress[] = [];
  const controller = new AbortController();
  const mining = mine(options("progress", {
    target: IMPOSSIBLE,
    pool: null,
    signal: controller.signal,
    onProgress(progress) {
      calls.push(progress);
      if (isEnough(calls)) controller.abort(new Error("enough"));
    },
  }));
  await assert.rejects(mining, { message: "enough" });
  return calls;
}

Deno.test("mine() tells its progress again and again", async () => {
  const calls = await watch(({ length }) => length === 4);
  assert.equal(calls.length, 4, "none after the one that aborted");
  let before = 0;
  for (const { tries, expected, rate, secondsLeft } of calls) {
    assert.ok(tries > before, `${tries} tries after ${before}`);
    assert.equal(expected, Infinity);
    assert.ok(rate > 0 && Number.isFinite(rate), `a rate of ${rate}`);
    assert.equal(secondsLeft, Infinity);
    before = tries;
  }
});

Deno.test("mine() tells the hashes that its target is expected to take", async () => {
  const controller = new AbortController();
  const target = targetOf(10 ** 15);
  let expected = 0;
  const mining = mine(options("expected", {
    target,
    pool: null,
    signal: controller.signal,
    onProgress(progress) {
      expected = progress.expected;
      controller.abort();
    },
  }));
  await assert.rejects(mining, { name: "AbortError" });
  assert.equal(expected, 10 ** 15);
});

Deno.test("mine() does nothing if its signal was aborted before", async () => {
  const reason = new Error("not at all");
  const signal = AbortSignal.abort(reason);
  let draws = 0;
  const random = (length: number) => {
    draws += 1;
    return new Uint8Array(length);
  };
  const mining = mine(options("none", { target: IMPOSSIBLE, signal, random }));
  await assert.rejects(mining, (error) => error === reason);
  assert.equal(draws, 0);
});

Deno.test("mine() takes its turns by the clock that it is given", async () => {
  let time = 0;
  const times: number[] = [];
  const controller = new AbortController();
  const mining = mine(options("clock", {
    target: IMPOSSIBLE,
    pool: null,
    signal: controller.signal,
    monotonic: () => time += 4,
    onProgress({ rate, tries }) {
      times.push(1_000 * tries / rate);
      if (times.length === 3) controller.abort();
    },
  }));
  await assert.rejects(mining, { name: "AbortError" });
  for (const [i, taken] of times.entries()) {
    const before = times[i - 1] ?? 0;
    assert.ok(taken - before >= 16 - 1e-6, `${times} ms`);
    assert.ok(taken <= time);
  }
});

Deno.test("mine() begins each turn anew when it has given one away", async () => {
  const { setTimeout } = globalThis;
  const timers = mock.fn(setTimeout);
  globalThis.setTimeout = timers;
  try {
    let calls = 0; // the search and the first turn begin; then 20 ms are over
    await mine(options("turn", {
      target: targetOf(300_000),
      pool: null,
      engine: "scalar",
      monotonic: () => calls++ < 2 ? 0 : 20,
    }));
    assert.ok(calls > 20, `${calls} looks at the clock`);
    assert.equal(timers.mock.callCount(), 1);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
});

Deno.test("mine() leaves nothing on the signal that it was given, found or not", async () => {
  for (const target of [MIN_WORK_TARGET, IMPOSSIBLE]) {
    const controller = new AbortController();
    const { signal } = controller;
    const added = mock.method(signal, "addEventListener");
    const removed = mock.method(signal, "removeEventListener");
    const mining = mine(options("signal", {
      target,
      signal,
      pool: null,
      onProgress: () => target === IMPOSSIBLE && controller.abort(),
    }));
    if (target === MIN_WORK_TARGET) await mining;
    else await assert.rejects(mining, { name: "AbortError" });
    const [first, ...more] = added.mock.calls;
    assert.deepEqual([first?.arguments[0], more], ["abort", []]);
    assert.deepEqual(
      removed.mock.calls.map((call) => call.arguments),
      [first?.arguments],
    );
  }
});

Deno.test("mine() gives other tasks their turn, and stops when one aborts it", async () => {
  const controller = new AbortController();
  const reason = new Error("changed my mind");
  const mining = mine(options("turns", {
    target: IMPOSSIBLE,
    pool: null,
    signal: controller.signal,
  }));
  let abortedAt = 0;
  const task = setTimeout(() => {
    abortedAt = performance.now();
    controller.abort(reason);
  });
  await assert.rejects(mining, (error) => error === reason);
  const passed = performance.now() - abortedAt;
  clearTimeout(task);
  assert.ok(abortedAt > 0, "the task ran while mining went on");
  // One turn is 16 ms; the rest is for a machine with other things to do.
  assert.ok(passed < 1_000, `${passed} ms until it stopped`);
});

Deno.test("mine() gives the event loop a turn every 16 ms, on any engine", async () => {
  for (const engine of ENGINE_NAMES) {
    const controller = new AbortController();
    const gaps: number[] = [];
    let last = performance.now();
    const ticks = setInterval(() => {
      const now = performance.now();
      gaps.push(now - last);
      last = now;
      if (gaps.length === 12) controller.abort();
    });
    const { signal } = controller;
    const target = IMPOSSIBLE;
    const mining = mine(
      options("ticks", { target, engine, signal, pool: null }),
    );
    await assert.rejects(mining, { name: "AbortError" });
    clearInterval(ticks);
    const median = gaps.toSorted((a, b) => a - b)[gaps.length >> 1] ?? NaN;
    assert.ok(median < 60, `${engine}: ${gaps} ms`);
  }
});

Deno.test("mine() rejects with the default reason too", async () => {
  const controller = new AbortController();
  const mining = mine(options("default", {
    target: IMPOSSIBLE,
    signal: controller.signal,
    onProgress: () => controller.abort(),
  }));
  await assert.rejects(mining, { name: "AbortError" });
});

Deno.test("mine() of many at once gives each its own work", async () => {
  const seeds = ["p", "q", "r", "s"];
  const units = await Promise.all(seeds.map((seed) => mine(options(seed))));
  for (const [i, unit] of units.entries()) {
    assert.deepEqual(unit, await mine(options(seeds[i] ?? "")));
    checkTxPow(unit);
  }
});
