/**
 * The miner in a browser: with workers, and on the page's own thread where the
 * page's policy forbids them. Needs Chromium.
 */
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { ROOT } from "../journeys/process.ts";

const CHROMIUM = "/usr/bin/chromium";
const isInstalled = await Deno.stat(CHROMIUM).then(() => true, () => false);
if (!isInstalled) {
  console.error(`NOT TESTED: the miner in a browser, for want of ${CHROMIUM}`);
}

/** No background traffic, no sandbox (which root may not have). */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A module and what it imports, as one for browsers. */
async function bundle(source: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "-q", "--platform", "browser", source],
    cwd: ROOT,
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** What runs in the page: nothing of the test's own scope. */
async function mineInPage({ hashes }: { hashes: number }) {
  // deno-lint-ignore no-explicit-any -- the page's own import
  const miner: any = await import("/miner.js" as string);
  const target = miner.targetOf(hashes);
  const options = {
    customHash: new Uint8Array(32).fill(0xc5),
    target,
    time: Date.now(),
  };
  const unit = await miner.mine(options);
  const isRight = miner.checkTxPow(unit).target === target;
  const pool = new miner.MinerPool({ workers: 2 });
  await miner.mine({ ...options, pool });
  // How soon a search is left.
  const controller = new AbortController();
  let rate = 0;
  let aborted = 0;
  await miner.mine({
    ...options,
    target: 0n,
    pool,
    signal: controller.signal,
    onProgress(progress: { tries: number; rate: number }) {
      if (progress.tries < hashes || aborted > 0) return;
      rate = progress.rate;
      aborted = performance.now();
      controller.abort();
    },
  }).catch(() => {});
  const left = performance.now() - aborted;
  const hasWorkers = pool.isWorking;
  pool.close();
  const { name } = await miner.openEngine();
  return { isRight, hasWorkers, engine: name, rate, left };
}

const POLICIES = [
  ["with workers", {}, true],
  ["without workers, which its policy forbids", {
    "Content-Security-Policy": "worker-src 'none'",
  }, false],
] as const;

for (const [how, policy, hasWorkers] of POLICIES) {
  Deno.test({
    name: `mine() in Chromium, ${how}`,
    ignore: !isInstalled,
    async fn() {
      // The worker is asked for beside the module, by the name in the source.
      const scripts = new Map([
        ["/miner.js", await bundle("tests/browser/miner_page.ts")],
        ["/miner_worker.ts", await bundle("lib/work/miner_worker.ts")],
      ]);
      const site = Deno.serve(
        { port: 0, hostname: "127.0.0.1", onListen() {} },
        (request) => {
          const script = scripts.get(new URL(request.url).pathname);
          const type = script === undefined ? "text/html" : "text/javascript";
          return new Response(script ?? "<!DOCTYPE html>", {
            headers: { "Content-Type": type, ...policy },
          });
        },
      );
      const browser = await chromium.launch({
        executablePath: CHROMIUM,
        args: ARGUMENTS,
      });
      try {
        const page = await browser.newPage();
        let started = 0;
        page.on("worker", () => started += 1);
        await page.goto(`http://127.0.0.1:${site.addr.port}/`);
        const { rate, left, ...result } = await page.evaluate(mineInPage, {
          hashes: 2_000_000,
        });
        assert.deepEqual(result, { isRight: true, hasWorkers, engine: "simd" });
        assert.equal(started > 0, hasWorkers);
        console.log(
          `${Math.round(rate)} tries/s, left after ${left.toFixed(1)} ms`,
        );
        assert.ok(left < 500, `${left} ms`);
      } finally {
        await browser.close();
        await site.shutdown();
      }
    },
  });
}
