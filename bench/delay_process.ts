/**
 * `delay_process.ts URL`: stands before a server as a network of some length.
 * Prints its own URL; a line of its input says by how many milliseconds
 * everything is late from then on, each way.
 */
import { DelayingProxy } from "../tests/cluster/delaying_proxy.ts";

const [url = ""] = Deno.args;
const proxy = new DelayingProxy(url);
console.log(proxy.url);
const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
for await (const line of lines) {
  proxy.delay = Number(line);
  console.log(proxy.delay);
}
Deno.exit(0);
