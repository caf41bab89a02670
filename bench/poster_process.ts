/**
 * `poster_process.ts FILE`: posts messages out of a file, each a u32 of its
 * length and its bytes, by as many posters as a line of its input says, and
 * prints how long that took. A process of its own: its work is not the server's.
 */
import type { Bytes } from "../lib/bytes.ts";
import { KeptConnection, postRequest } from "./keep_alive.ts";
import type { Posted, Posting } from "./posting.ts";
import { spreadOf } from "./samples.ts";

const [CREATED, FOUND, BUSY] = [201, 200, 503];

const [file = ""] = Deno.args;
const messages = readMessages(await Deno.readFile(file));

function readMessages(bytes: Bytes): Bytes[] {
  const view = new DataView(bytes.buffer);
  const messages: Bytes[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + view.getUint32(at);
    messages.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return messages;
}

async function post(posting: Posting): Promise<Posted> {
  const { urls, path, posters, from, count, times = 1, status } = posting;
  using connections = new DisposableStack();
  const open = await Promise.all(
    Array.from(
      { length: posters },
      (_, i) => KeptConnection.open(urls[i % urls.length] ?? ""),
    ),
  );
  for (const connection of open) connections.use(connection);
  const requests = messages.slice(from, from + count)
    .map((body) => postRequest(urls[0] ?? "", path, body));
  let left = times * requests.length;
  const passed: number[] = [];
  const began = performance.now();
  await Promise.all(open.map(async (connection) => {
    for (;;) {
      const request = left > 0 ? requests[--left % requests.length] : null;
      if (request == null) return;
      const asked = performance.now();
      let answered = await connection.ask(request);
      // As every client does; it may have been stored all the same.
      while (answered === BUSY && status === CREATED) {
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        answered = await connection.ask(request);
        if (answered === FOUND) answered = CREATED;
      }
      passed.push(performance.now() - asked);
      if (answered !== status) throw new Error(`${path}: ${answered}`);
    }
  }));
  const milliseconds = performance.now() - began;
  return {
    perSecond: 1_000 * passed.length / milliseconds,
    ...spreadOf(passed),
  };
}

console.log("ready");
const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
for await (const line of lines) {
  console.log(JSON.stringify(await post(JSON.parse(line))));
}
Deno.exit(0);
