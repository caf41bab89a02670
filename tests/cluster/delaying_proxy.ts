/** A network of some length between workers and the server of their store. */
import { systemClock } from "../../lib/timers.ts";

/** What came over a connection, and when it is to go on. */
interface Late {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly due: number;
}

/**
 * Passes connections on to a server of this machine, each part as long after it
 * came as is said, however many parts are on their way.
 */
export class DelayingProxy implements AsyncDisposable {
  readonly url: string;
  /** Milliseconds by which parts are late, each way. */
  delay: number;
  /** Connections that were made. */
  connections = 0;
  readonly #listener: Deno.TcpListener;
  readonly #target: number;
  readonly #ended: Promise<unknown>[] = [];
  #cut = new AbortController();

  /** To the server at a URL. */
  constructor(url: string, delay = 0) {
    this.#target = Number(new URL(url).port);
    this.delay = delay;
    this.#listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    this.url = `http://127.0.0.1:${this.#listener.addr.port}`;
    this.#ended.push(this.#accept());
  }

  /** Cuts every connection that is open now, and what is on its way is lost. */
  cutAll(): void {
    this.#cut.abort();
    this.#cut = new AbortController();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cutAll();
    await Promise.all(this.#ended);
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.#listener) {
        this.#ended.push(this.#serve(client));
      }
    } catch {
      // closed
    }
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    using _client = client;
    this.connections += 1;
    const { signal } = this.#cut;
    const [port, hostname] = [this.#target, "127.0.0.1"];
    const server = await Deno.connect({ port, hostname }).catch(() => null);
    if (server === null) return;
    using _server = server;
    for (const one of [client, server]) one.setNoDelay(true);
    await Promise.allSettled([
      this.#pass(client, server, signal),
      this.#pass(server, client, signal),
    ]);
  }

  #pass(
    from: Deno.TcpConn,
    to: Deno.TcpConn,
    signal: AbortSignal,
  ): Promise<void> {
    const stamp = new TransformStream<Uint8Array<ArrayBuffer>, Late>(
      {
        transform: (bytes, controller) =>
          controller.enqueue({ bytes, due: performance.now() + this.delay }),
      },
      undefined,
      { highWaterMark: Infinity },
    );
    const hold = new TransformStream<Late, Uint8Array<ArrayBuffer>>({
      async transform({ bytes, due }, controller) {
        const left = due - performance.now();
        if (left > 0) await systemClock.sleep(left, signal);
        controller.enqueue(bytes);
      },
    });
    return from.readable.pipeThrough(stamp).pipeThrough(hold)
      .pipeTo(to.writable, { signal });
  }
}
