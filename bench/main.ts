/** `deno task bench [NAME…]`: measures this machine. */
import { BENCHES, runBenches, UnknownBenchError } from "./run.ts";

try {
  await runBenches(Deno.args.length > 0 ? Deno.args : Object.keys(BENCHES));
} catch (error) {
  if (!(error instanceof UnknownBenchError)) throw error;
  console.error(`error: ${error.message}`);
  Deno.exit(1);
}
