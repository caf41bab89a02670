/** What the server tells of a request, and whose seat it gives away. */
import assert from "node:assert/strict";
import { silentLog } from "../../lib/log.ts";
import type { ServeInfo } from "../../routes/serve_info.ts";
import { startServer } from "../../routes/server.ts";
import { ManualClock } from "../manual_clock.ts";
import { readHead, write } from "../relay_process.ts";

/** A server with one seat, which answers with what does not end. */
function serveOne(connectionRequests = 1) {
  const clock = new ManualClock();
  const infos: ServeInfo[] = [];
  const server = startServer({
    port: 0,
    host: "127.0.0.1",
    clock,
    caps: { connections: 1, connectionRequests, idleSeconds: 60 },
    answer(_, info) {
      infos.push(info);
      return new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new Uint8Array(1)),
        }),
      );
    },
    log: silentLog,
  });
  return {
    clock,
    infos,
    server,
    /** Asks by a new connection; gives whether it was answered. */
    async ask() {
      const { hostname, port } = server.addr;
      const connection = await Deno.connect({ hostname, port });
      await write(connection, "GET / HTTP/1.1\r\nHost: relay\r\n\r\n");
      return { connection, isAnswered: (await readHead(connection)) !== "" };
    },
    async [Symbol.asyncDispose]() {
      server.abort();
      await server.finished;
    },
  };
}

Deno.test("startServer() gives away the seat of an answer that stands still, none that moves or stays", async () => {
  await using one = serveOne();
  const { clock, infos, ask } = one;
  using stack = new DisposableStack();
  const isServed = async () => {
    const { connection, isAnswered } = await ask();
    stack.use(connection);
    return isAnswered;
  };
  assert.equal(await isServed(), true);
  const [info] = infos;
  assert.ok(info?.stay && info.moved && info.completed);
  let hasCompleted = false;
  info.completed.catch(() => {}).finally(() => hasCompleted = true);
  const leave = info.stay();
  clock.advance(5_000);
  assert.equal(await isServed(), false);
  leave();
  clock.advance(999);
  info.moved();
  clock.advance(999);
  assert.equal(await isServed(), false);
  assert.equal(hasCompleted, false);
  clock.advance(1);
  assert.equal(await isServed(), true);
  await info.completed.catch(() => {});
});

Deno.test("startServer() says which request is one too many", async () => {
  for (const [most, isOneTooMany] of [[0, true], [1, false]] as const) {
    await using one = serveOne(most);
    const { connection } = await one.ask();
    assert.equal(one.infos[0]?.isOneTooMany, isOneTooMany);
    connection.close();
  }
});
