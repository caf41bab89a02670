/** A long answer reaches a reader whose link is slow, and keeps nobody's seat. */
import assert from "node:assert/strict";
import { silentLog } from "../../lib/log.ts";
import { startServer } from "../../routes/server.ts";
import { ManualClock } from "../manual_clock.ts";

/** More than the system's own buffers hold. */
const BYTES = 24 * 2 ** 20;

/** A server of long answers, and a client that has asked for one. */
async function askForLong() {
  const clock = new ManualClock();
  const completed = Promise.withResolvers<void>();
  const server = startServer({
    port: 0,
    host: "127.0.0.1",
    clock,
    caps: {
      connections: 10,
      connectionRequests: 100,
      idleSeconds: 60,
    },
    answer(_, info) {
      info.completed?.then(completed.resolve);
      return new Response(new Uint8Array(BYTES));
    },
    log: silentLog,
  });
  const { hostname, port } = server.addr;
  const connection = await Deno.connect({ hostname, port });
  await connection.write(
    new TextEncoder().encode("GET / HTTP/1.1\r\nHost: relay\r\n\r\n"),
  );
  return {
    clock,
    server,
    /** Ends when the answer was handed on whole: the connection idles then. */
    completed: completed.promise,
    /** Takes what comes up to so many bytes; gives how many did. */
    async take(most: number, each: () => void = () => {}) {
      const part = new Uint8Array(65_536);
      let taken = 0;
      while (taken < most) {
        const length = await connection.read(part).catch(() => null);
        if (length === null) break;
        taken += length;
        each();
      }
      return taken;
    },
    async [Symbol.asyncDispose]() {
      connection.close();
      server.abort();
      await server.finished;
    },
  };
}

Deno.test("an answer that is still being taken is not cut off as idling", async () => {
  await using long = await askForLong();
  const { clock, server } = long;
  await long.completed;
  // Five minutes go by while the first of it is taken.
  let reads = 0;
  const taken = await long.take(BYTES, () => {
    if (reads++ < 20) clock.advance(15_000);
  });
  assert.ok(taken >= BYTES, `${taken} of ${BYTES} bytes`);
  assert.equal(server.connections.size, 1);
});

Deno.test("an answer that nobody takes is cut off with its connection, which leaves no descriptor", async () => {
  await using long = await askForLong();
  const { clock, server } = long;
  await long.completed;
  clock.advance(16 * 60_000 - 1);
  assert.equal(server.connections.size, 1);
  clock.advance(1);
  assert.deepEqual([server.connections.size, server.connections.dropped], [
    0,
    1,
  ]);
  const taken = await long.take(2 * BYTES);
  assert.ok(taken < BYTES, "the system's buffers had a part of it");
});
