/**
 * Serving HTTP under a cap of connections.
 *
 * `Deno.serve` takes connections without end, and when the system has no more
 * descriptors to give it ends, and now and then the process with it. So the
 * connections are taken here, one by one, counted, and each is served by what
 * `Deno.serve` itself serves it by. Deno gives that to its own libraries alone:
 * where it is missing, and where the platform does the listening (Deno Deploy),
 * `Deno.serve` it is.
 */
import type { Log } from "../lib/log.ts";
import type { Clock } from "../lib/timers.ts";
import { type ConnectionCaps, ConnectionTable } from "./connections.ts";
import { connectionServer, type ServeConnection } from "./serve_connection.ts";
import type { Answer } from "./serve_info.ts";

/** Milliseconds before a connection is taken again after that has failed. */
const PAUSE = 250;

/** What a server needs to know. */
export interface ServerOptions {
  readonly port: number;
  readonly host: string;
  readonly clock: Clock;
  readonly caps: ConnectionCaps;
  readonly answer: Answer;
  readonly log: Log;
  /** Whether the platform listens, and connections are none of ours. */
  readonly isByPlatform?: boolean;
}

/** What listens and answers. */
export interface Server {
  /** Where it listens. */
  readonly addr: { readonly hostname: string; readonly port: number };
  /** Its connections; of none where the platform has them. */
  readonly connections: ConnectionTable;
  /** Ends when it was told to; rejects if it ended unasked. */
  readonly finished: Promise<void>;
  /** Takes no more, and ends when what is under way has ended. */
  shutdown(): void;
  /** Ends everything at once. */
  abort(): void;
}

/** The server ended, and nobody had told it to. */
export class ServerEndedError extends Error {
  override name = "ServerEndedError";
}

/**
 * Listens, and answers.
 *
 * @throws {Deno.errors.AddrInUse} if the port is taken
 */
export function startServer(options: ServerOptions): Server {
  const serve = options.isByPlatform ? null : connectionServer();
  return serve === null
    ? servePlatform(options)
    : serveConnections(options, serve);
}

function serveConnections(
  { port, host, clock, caps, answer, log }: ServerOptions,
  serve: ServeConnection,
): Server {
  const listener = Deno.listen({ port, hostname: host });
  const table = new ConnectionTable(clock, caps);
  const ended = Promise.withResolvers<void>();
  const stop = new AbortController();
  take();
  return {
    addr: listener.addr,
    connections: table,
    finished: ended.promise.finally(() => table[Symbol.dispose]()),
    shutdown() {
      end();
      table.shutdown().then(() => ended.resolve());
    },
    abort() {
      end();
      table.cutAll();
      table.shutdown().then(() => ended.resolve());
    },
  };

  function end() {
    if (stop.signal.aborted) return;
    stop.abort();
    listener.close();
  }

  async function take() {
    while (!stop.signal.aborted) {
      try {
        const connection = await listener.accept();
        if (stop.signal.aborted) connection.close();
        else admit(connection);
      } catch (error) {
        if (stop.signal.aborted) return;
        if (error instanceof Deno.errors.BadResource) {
          return ended.reject(new ServerEndedError("the listener was closed"));
        }
        // Out of descriptors, or a client that left meanwhile.
        log.warn("accept-failed", { error });
        table.makeRoom();
        await clock.sleep(PAUSE, stop.signal);
      }
    }
  }

  function admit(connection: Deno.Conn) {
    const seat = table.enter();
    if (seat === null) return connection.close();
    try {
      const served = serve(
        connection,
        seat.signal,
        (request, info) => {
          const { completed } = info;
          const { remoteAddr } = info as Deno.ServeHandlerInfo<Deno.NetAddr>;
          const { isOneTooMany, answered } = seat.begin(completed);
          const answering = answer(request, {
            remoteAddr,
            connection: seat,
            completed,
            isOneTooMany,
            stay: seat.stay,
            moved: seat.moved,
          });
          Promise.resolve(answering).then(answered, answered);
          return answering;
        },
        (error) => failed(error),
      );
      seat.serve(served); // one that breaks off is no failure of the relay's
    } catch (error) {
      seat.leave();
      connection.close();
      log.warn("connection-failed", { error });
    }
  }

  function failed(error: unknown): Response {
    log.error("answer-failed", { error });
    return new Response(null, { status: 500 });
  }
}

function servePlatform(
  { port, host, clock, caps, answer, log }: ServerOptions,
): Server {
  const cutOff = new AbortController();
  const table = new ConnectionTable(clock, caps);
  let isAsked = false;
  let isEnding = false;
  const server = Deno.serve(
    {
      signal: cutOff.signal,
      port,
      hostname: host,
      onListen: () => {},
      onError(error) {
        log.error("answer-failed", { error });
        return new Response(null, { status: 500 });
      },
    },
    (request, { remoteAddr, completed }) =>
      answer(request, { remoteAddr, completed }),
  );
  const finished = server.finished.then(
    () => {
      if (!isAsked) throw new ServerEndedError("the server ended by itself");
    },
    (cause) => {
      if (!isAsked) throw new ServerEndedError("the server failed", { cause });
    },
  ).finally(() => table[Symbol.dispose]());
  return {
    addr: server.addr,
    connections: table,
    finished,
    shutdown() {
      isAsked = isEnding = true;
      server.shutdown().catch((error) =>
        log.warn("shutdown-failed", { error })
      );
    },
    abort() {
      isAsked = true;
      // Deno forgets what it was told to end: that fails, and cuts nothing off.
      if (!isEnding) cutOff.abort();
    },
  };
}
