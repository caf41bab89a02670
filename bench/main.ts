/** `deno task bench`: measures this machine. */
import { benchVerify } from "./verify.ts";

console.log(
  `deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} cores`,
);
await benchVerify();
