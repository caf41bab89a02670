/**
 * The least that an HTTP client can be: one connection that is kept, requests
 * made before, answers read for their status. What is measured is the server.
 */
import type { Bytes } from "../lib/bytes.ts";

const HEAD_END = new TextEncoder().encode("\r\n\r\n");
/** Bytes of answers that are read at once; all that are measured are smaller. */
const MOST = 16 * 1_024;

/** A connection that asks one thing after the other. */
export class KeptConnection implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #bytes = new Uint8Array(MOST);

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    connection.setNoDelay(true);
  }

  /** Connects to a server. */
  static async open(url: string): Promise<KeptConnection> {
    const { hostname, port } = new URL(url);
    return new KeptConnection(
      await Deno.connect({ hostname, port: Number(port) }),
    );
  }

  /** Sends a request, and gives the status of its answer once all of that is there. */
  async ask(request: Bytes): Promise<number> {
    for (let left = request; left.length > 0;) {
      left = left.subarray(await this.#connection.write(left));
    }
    let length = 0;
    for (let whole = Infinity; length < whole;) {
      const read = await this.#connection.read(this.#bytes.subarray(length));
      if (read === null) throw new Error("the server closed the connection");
      if (read === 0) throw new Error("an answer that is too long");
      length += read;
      if (whole === Infinity) whole = wholeLength(this.#bytes, length);
    }
    return Number(textOf(this.#bytes.subarray(9, 12)));
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** Bytes of an answer with its body; infinite while its head is not all there. */
function wholeLength(bytes: Bytes, length: number): number {
  for (let at = 0; at + 4 <= length; at++) {
    if (!HEAD_END.every((byte, i) => bytes[at + i] === byte)) continue;
    const head = textOf(bytes.subarray(0, at));
    const [, body] = /\r\ncontent-length: (\d+)/i.exec(head) ?? [];
    if (body === undefined) throw new Error("an answer of unsaid length");
    return at + 4 + Number(body);
  }
  return Infinity;
}

function textOf(bytes: Bytes): string {
  return new TextDecoder().decode(bytes);
}

/** A post as the bytes that go over the wire. */
export function postRequest(url: string, path: string, body: Bytes): Bytes {
  const head = new TextEncoder().encode(
    [
      `POST ${path} HTTP/1.1`,
      `Host: ${new URL(url).host}`,
      "Content-Type: application/vnd.minima.maxtxpow",
      `Content-Length: ${body.length}`,
      "\r\n",
    ].join("\r\n"),
  );
  const request = new Uint8Array(head.length + body.length);
  request.set(head);
  request.set(body, head.length);
  return request;
}
