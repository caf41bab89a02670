/**
 * `deno task bench [NAME…]`: measures this machine; with `--denokv` what can be
 * measured on a denokv server, which is on PATH or in RESTANTE_DENOKV.
 */
import { BENCHES, ON_DENOKV, runBenches, UnknownBenchError } from "./run.ts";

const isOnDenoKv = Deno.args.includes("--denokv");
const names = Deno.args.filter((name) => name !== "--denokv");
const all = Object.keys(isOnDenoKv ? ON_DENOKV : BENCHES);

try {
  await runBenches(names.length > 0 ? names : all, { isOnDenoKv });
} catch (error) {
  if (!(error instanceof UnknownBenchError)) throw error;
  console.error(`error: ${error.message}`);
  Deno.exit(1);
}
