/** What the server tells of a request, and whose seat it gives away. */
import assert from "node:assert/strict";
import { type Log, silentLog } from "../../lib/log.ts";
import type { ServeInfo } from "../../routes/serve_info.ts";
import { ServerEndedError, startServer } from "../../routes/server.ts";
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

/** A log that notes the names of warnings and errors. */
function notingLog() {
  const events: string[] = [];
  const note = (event: string) => void events.push(event);
  const log: Log = { ...silentLog, warn: note, error: note };
  return { log, events };
}

/** A listener of which a test says what its `accept()` gives. */
function stubListener(accept: () => Promise<Deno.TcpConn>) {
  const { listen } = Deno;
  const listener = listen({ port: 0, hostname: "127.0.0.1" });
  const stub = () => ({
    addr: listener.addr,
    accept,
    close: () => listener.close(),
  });
  Object.assign(Deno, { listen: stub });
  return {
    listener,
    [Symbol.dispose]: () => void Object.assign(Deno, { listen }),
  };
}

const CAPS = { connections: 9, connectionRequests: 9, idleSeconds: 60 };

Deno.test("startServer() that cannot take a connection ends one that idles, and tries again a quarter of a second later", async () => {
  const clock = new ManualClock();
  const { log, events } = notingLog();
  const [failing, tried] = [
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
  ];
  let accepts = 0;
  using stub = stubListener(async () => {
    accepts++;
    if (accepts === 1) return await stub.listener.accept();
    if (accepts === 2) {
      await failing.promise;
      throw new Error("too many open files");
    }
    tried.resolve();
    return await stub.listener.accept();
  });
  const server = startServer({
    port: 0,
    host: "127.0.0.1",
    clock,
    caps: CAPS,
    answer: () => new Response(null),
    log,
  });
  const { hostname, port } = server.addr;
  using idle = await Deno.connect({ hostname, port });
  while (accepts < 2) await new Promise((resolve) => setTimeout(resolve));
  assert.equal(server.connections.size, 1);
  failing.resolve();
  await clock.waitedFor(2); // its look at idle ones, and its pause
  const { size, dropped } = server.connections;
  assert.deepEqual([size, dropped], [0, 1]);
  assert.equal(await idle.read(new Uint8Array(1)).catch(() => null), null);
  assert.deepEqual(events, ["accept-failed"]);
  clock.advance(249);
  assert.equal(accepts, 2);
  clock.advance(1);
  await tried.promise;
  server.abort();
  await server.finished;
  assert.equal(clock.timers, 0);
});

Deno.test("startServer() that is told to stop while it cannot take a connection waits no longer", async () => {
  using stub = stubListener(() =>
    Promise.reject(new Error("too many open files"))
  );
  assert.ok(stub);
  const clock = new ManualClock();
  const server = startServer({
    port: 0,
    host: "127.0.0.1",
    clock,
    caps: CAPS,
    answer: () => new Response(null),
    log: silentLog,
  });
  await clock.waitedFor(2); // its look at idle ones, and its pause
  server.abort();
  await server.finished;
  for (let turn = 0; turn < 9; turn++) await Promise.resolve();
  assert.equal(clock.timers, 0);
});

Deno.test("startServer() whose listener is closed under it rejects, and tries no more", async () => {
  using _stub = stubListener(() =>
    Promise.reject(new Deno.errors.BadResource("closed"))
  );
  const clock = new ManualClock();
  const { log, events } = notingLog();
  const server = startServer({
    port: 0,
    host: "127.0.0.1",
    clock,
    caps: CAPS,
    answer: () => new Response(null),
    log,
  });
  await assert.rejects(server.finished, ServerEndedError);
  assert.deepEqual([clock.timers, events], [0, []]);
  _stub.listener.close();
});

Deno.test("startServer() answers 500 where the app fails, logs it, and takes the request for answered", async (t) => {
  const failures: Record<string, () => Promise<Response>> = {
    "at once": () => {
      throw new TypeError("of the test");
    },
    "later": () => Promise.reject(new TypeError("of the test")),
  };
  for (const [when, answer] of Object.entries(failures)) {
    for (const isByPlatform of [false, true]) {
      await t.step(
        `${when}${isByPlatform ? ", by the platform" : ""}`,
        async () => {
          const clock = new ManualClock();
          const { log, events } = notingLog();
          const caps = { ...CAPS, connections: 1 };
          const server = startServer({
            port: 0,
            host: "127.0.0.1",
            clock,
            caps,
            answer,
            log,
            isByPlatform,
          });
          const { hostname, port } = server.addr;
          const ask = async () => {
            using connection = await Deno.connect({ hostname, port });
            await write(connection, "GET / HTTP/1.1\r\nHost: relay\r\n\r\n");
            return await readHead(connection);
          };
          assert.match(await ask(), /^HTTP\/1\.1 500 /);
          assert.deepEqual(events, ["answer-failed"]);
          server.shutdown();
          await server.finished;
          assert.deepEqual([clock.timers, server.connections.size], [0, 0]);
        },
      );
    }
  }
});

Deno.test("startServer() that was told to stop takes no more, and lets what is under way end", async (t) => {
  for (const isByPlatform of [false, true]) {
    await t.step(isByPlatform ? "by the platform" : "by itself", async () => {
      const clock = new ManualClock();
      const { log, events } = notingLog();
      const [asked, answered] = [
        Promise.withResolvers<void>(),
        Promise.withResolvers<Response>(),
      ];
      const server = startServer({
        port: 0,
        host: "127.0.0.1",
        clock,
        caps: CAPS,
        answer: () => {
          asked.resolve();
          return answered.promise;
        },
        log,
        isByPlatform,
      });
      const { hostname, port } = server.addr;
      using connection = await Deno.connect({ hostname, port });
      await write(connection, "GET / HTTP/1.1\r\nHost: relay\r\n\r\n");
      await asked.promise;
      let hasEnded = false;
      const finished = server.finished.then(() => hasEnded = true);
      server.shutdown();
      await assert.rejects(Deno.connect({ hostname, port }));
      assert.equal(hasEnded, false);
      answered.resolve(new Response("whole"));
      assert.match(await readHead(connection), /^HTTP\/1\.1 200 /);
      await finished;
      assert.deepEqual([clock.timers, events], [0, []]);
    });
  }
});

Deno.test("startServer() cuts off what is under way, however often it is told", async (t) => {
  for (const isByPlatform of [false, true]) {
    await t.step(isByPlatform ? "by the platform" : "by itself", async () => {
      const clock = new ManualClock();
      const asked = Promise.withResolvers<void>();
      const server = startServer({
        port: 0,
        host: "127.0.0.1",
        clock,
        caps: CAPS,
        answer() {
          asked.resolve();
          return new Promise(() => {});
        },
        log: silentLog,
        isByPlatform,
      });
      const { hostname, port } = server.addr;
      using connection = await Deno.connect({ hostname, port });
      await write(connection, "GET / HTTP/1.1\r\nHost: relay\r\n\r\n");
      await asked.promise;
      server.abort();
      server.abort();
      await server.finished;
      assert.equal(await readHead(connection), "");
      assert.equal(clock.timers, 0);
    });
  }
});

Deno.test("startServer() that was told to stop can be told to cut off as well, though it cannot any more", async (t) => {
  for (const isByPlatform of [false, true]) {
    await t.step(isByPlatform ? "by the platform" : "by itself", async () => {
      const [asked, answered] = [
        Promise.withResolvers<void>(),
        Promise.withResolvers<Response>(),
      ];
      const server = startServer({
        port: 0,
        host: "127.0.0.1",
        clock: new ManualClock(),
        caps: CAPS,
        answer() {
          asked.resolve();
          return answered.promise;
        },
        log: silentLog,
        isByPlatform,
      });
      const { hostname, port } = server.addr;
      const connection = await Deno.connect({ hostname, port });
      await write(connection, "GET / HTTP/1.1\r\nHost: relay\r\n\r\n");
      await asked.promise;
      server.shutdown();
      server.abort();
      assert.equal(server.connections.size, 0);
      connection.close(); // it ends by its client alone
      answered.resolve(new Response(null));
      await server.finished;
    });
  }
});

Deno.test("startServer() gives back the seat and the descriptor of a connection that it cannot serve", async () => {
  const internals = Deno as unknown as Record<symbol, object> & {
    readonly internal: symbol;
  };
  const core = internals[internals.internal] as {
    serveHttpOnConnection: unknown;
  };
  const { serveHttpOnConnection } = core;
  using _put = {
    [Symbol.dispose]: () => void Object.assign(core, { serveHttpOnConnection }),
  };
  Object.assign(core, {
    serveHttpOnConnection() {
      throw new TypeError("of the test");
    },
  });
  const clock = new ManualClock();
  const { log, events } = notingLog();
  const server = startServer({
    port: 0,
    host: "127.0.0.1",
    clock,
    caps: { ...CAPS, connections: 1 },
    answer: () => new Response(null),
    log,
  });
  const { hostname, port } = server.addr;
  for (let n = 0; n < 3; n++) {
    using connection = await Deno.connect({ hostname, port });
    assert.equal(await readHead(connection), "", "it is closed");
  }
  assert.deepEqual(events, Array(3).fill("connection-failed"));
  const { size, refused, dropped } = server.connections;
  assert.deepEqual([size, refused, dropped], [0, 0, 0]);
  server.abort();
  await server.finished;
});

Deno.test("startServer() closes a connection that comes in the moment in which it is told to stop", async () => {
  const coming = Promise.withResolvers<Deno.TcpConn>();
  using stub = stubListener(() => coming.promise);
  const { log, events } = notingLog();
  const server = startServer({
    port: 0,
    host: "127.0.0.1",
    clock: new ManualClock(),
    caps: CAPS,
    answer: () => assert.fail("nobody is served any more"),
    log,
  });
  const [taken, connection] = await Promise.all([
    stub.listener.accept(),
    Deno.connect({ hostname: server.addr.hostname, port: server.addr.port }),
  ]);
  server.abort();
  coming.resolve(taken);
  await write(connection, "GET / HTTP/1.1\r\nHost: relay\r\n\r\n")
    .catch(() => {});
  assert.equal(await readHead(connection), "");
  await server.finished;
  connection.close();
  assert.deepEqual([server.connections.size, events], [0, []]);
});

Deno.test("startServer() by the platform rejects where that ends unasked, whether it fails or not", async (t) => {
  const ends: Record<string, () => Promise<void>> = {
    "it ends": () => Promise.resolve(),
    "it fails": () => Promise.reject(new Error("of the test")),
  };
  for (const [how, end] of Object.entries(ends)) {
    await t.step(how, async () => {
      const { serve } = Deno;
      using _put = {
        [Symbol.dispose]: () => void Object.assign(Deno, { serve }),
      };
      const addr = { hostname: "127.0.0.1", port: 1 };
      Object.assign(Deno, { serve: () => ({ addr, finished: end() }) });
      const clock = new ManualClock();
      const { finished } = startServer({
        port: 0,
        host: "127.0.0.1",
        clock,
        caps: CAPS,
        answer: () => new Response(null),
        log: silentLog,
        isByPlatform: true,
      });
      await assert.rejects(finished, ServerEndedError);
      assert.equal(clock.timers, 0);
    });
  }
});
