/** What may stand between a client and its relay, and spoil what it passes on. */
import type { Config } from "../../config.ts";
import { listen, type ListeningRelay } from "../routes/listening_relay.ts";

/** What becomes of what the client sends. */
export type Fate = "pass" | "refuse" | "swallow";

/** How a proxy spoils connections. */
export interface ProxyOptions {
  /** Looks at what the client sends, part by part. */
  readonly judge?: (text: string) => Fate;
  /** Bytes of answers after which a connection is cut; asked for each one. */
  readonly cutAfter?: () => number;
  /** Whether a connection is cut before a part of an answer; asked for each. */
  readonly cutBefore?: () => boolean;
}

const REFUSAL = new TextEncoder().encode(
  "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
);

/** Passes connections on to a server of this machine. */
export class TcpProxy implements AsyncDisposable {
  readonly url: string;
  /** Connections that were cut. */
  cuts = 0;
  readonly #listener: Deno.TcpListener;
  #target = 0;
  readonly #options: ProxyOptions;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #ended: Promise<unknown>[] = [];

  constructor(options: ProxyOptions = {}) {
    this.#options = options;
    this.#listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    this.url = `http://127.0.0.1:${this.#listener.addr.port}`;
    this.#ended.push(this.#accept());
  }

  /** Connections that are open now, of both sides. */
  get connections(): number {
    return this.#open.size;
  }

  /** Passes connections on to the server at a URL, from now on. */
  aimAt(url: string): void {
    this.#target = Number(new URL(url).port);
  }

  /** Cuts every connection that is open now. */
  cutAll(): void {
    for (const connection of this.#open) close(connection);
    this.#open.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cutAll();
    await Promise.all(this.#ended);
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.#listener) {
        this.#ended.push(this.#serve(client).catch(() => {}));
      }
    } catch {
      // closed
    }
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    this.#open.add(client);
    let server: Deno.TcpConn;
    try {
      server = await Deno.connect({
        port: this.#target,
        hostname: "127.0.0.1",
      });
    } catch {
      return close(client);
    }
    this.#open.add(server);
    const end = () => {
      for (const connection of [client, server]) {
        close(connection);
        this.#open.delete(connection);
      }
    };
    await Promise.all([
      this.#up(client, server).catch(() => {}).finally(end),
      this.#down(server, client).catch(() => {}).finally(end),
    ]);
  }

  async #up(client: Deno.TcpConn, server: Deno.TcpConn): Promise<void> {
    const { judge = () => "pass" } = this.#options;
    for await (const part of partsOf(client)) {
      const fate = judge(new TextDecoder().decode(part));
      if (fate === "swallow") continue;
      if (fate === "refuse") {
        await writeAll(client, REFUSAL);
        return;
      }
      await writeAll(server, part);
    }
  }

  async #down(server: Deno.TcpConn, client: Deno.TcpConn): Promise<void> {
    let left = this.#options.cutAfter?.() ?? Infinity;
    for await (const part of partsOf(server)) {
      if (this.#options.cutBefore?.()) left = 0;
      const passed = part.subarray(0, Math.min(left, part.length));
      await writeAll(client, passed);
      left -= passed.length;
      if (left > 0) continue;
      this.cuts++;
      return;
    }
  }
}

async function* partsOf(connection: Deno.TcpConn): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(16_384);
  for (;;) {
    const length = await connection.read(buffer);
    if (length === null) return;
    yield buffer.slice(0, length);
  }
}

async function writeAll(
  connection: Deno.TcpConn,
  bytes: Uint8Array,
): Promise<void> {
  for (let left = bytes; left.length > 0;) {
    left = left.subarray(await connection.write(left));
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // it is closed
  }
}

/** A relay that is reached through a proxy, and by that one's name. */
export async function listenBehind(
  proxy: TcpProxy,
  kv = ":memory:",
): Promise<ListeningRelay> {
  const relay = await listen(
    kv,
    undefined,
    { urlAliases: [proxy.url] } as Partial<Config>,
  );
  proxy.aimAt(relay.url);
  return relay;
}
