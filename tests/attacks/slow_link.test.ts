/** A long answer reaches a reader whose link takes longer than one may idle. */
import assert from "node:assert/strict";
import { silentLog } from "../../lib/log.ts";
import { startServer } from "../../routes/server.ts";
import { ManualClock } from "../manual_clock.ts";

/** More than the system's own buffers hold. */
const BYTES = 24 * 2 ** 20;

Deno.test("an answer that is still being taken is not cut off as idling", async () => {
  const clock = new ManualClock();
  const server = startServer({
    port: 0,
    host: "127.0.0.1",
    clock,
    caps: {
      connections: 10,
      connectionRequests: 100,
      idleSeconds: 60,
    },
    answer: () => new Response(new Uint8Array(BYTES)),
    log: silentLog,
  });
  const { hostname, port } = server.addr;
  using connection = await Deno.connect({ hostname, port });
  await connection.write(
    new TextEncoder().encode("GET / HTTP/1.1\r\nHost: relay\r\n\r\n"),
  );
  const part = new Uint8Array(65_536);
  let taken = 0;
  for (let reads = 0;; reads++) {
    const length = await connection.read(part);
    if (length === null) break;
    taken += length;
    // Five minutes go by while the first of it is taken.
    if (reads < 20) clock.advance(15_000);
  }
  // That it ends at all shows that it was found to idle.
  assert.ok(taken > BYTES, `${taken} of ${BYTES} bytes`);
  assert.equal(server.connections.size, 0);
  server.shutdown();
  await server.finished;
});
