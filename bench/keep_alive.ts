/**
 * The least that an HTTP client can be: one connection that is kept, requests
 * made before, answers read for their status. What is measured is the server.
 */
import type { Bytes } from "../lib/bytes.ts";

const HEAD_END = new TextEncoder().encode("\r\n\r\n");
const [FIRST_OF_END] = HEAD_END;
/** Bytes of the longest answer, if not said. */
const MOST = 16 * 1_024;

/** An answer that is there, to its last byte. */
export interface WholeAnswer {
  readonly status: number;
  /** Its status line and its header fields. */
  readonly head: string;
  /** Good until the next one is asked for. */
  readonly body: Bytes;
  /** Bytes of all of it, as they came. */
  readonly length: number;
}

/** A connection that asks one thing after the other. */
export class KeptConnection implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #bytes: Bytes;

  private constructor(connection: Deno.TcpConn, most: number) {
    this.#connection = connection;
    this.#bytes = new Uint8Array(most);
    connection.setNoDelay(true);
  }

  /** Connects to a server, of whose answers none is longer than so many bytes. */
  static async open(url: string, most = MOST): Promise<KeptConnection> {
    const { hostname, port } = new URL(url);
    return new KeptConnection(
      await Deno.connect({ hostname, port: Number(port) }),
      most,
    );
  }

  /** Sends a request, and gives the status of its answer once all of that is there. */
  async ask(request: Bytes): Promise<number> {
    return (await this.get(request)).status;
  }

  /** Sends a request, and gives its answer once all of that is there. */
  async get(request: Bytes): Promise<WholeAnswer> {
    for (let left = request; left.length > 0;) {
      left = left.subarray(await this.#connection.write(left));
    }
    const bytes = this.#bytes;
    let length = 0;
    let head = "";
    for (let whole = Infinity; length < whole;) {
      const read = await this.#connection.read(bytes.subarray(length));
      if (read === null) throw new Error("the server closed the connection");
      if (read === 0) throw new Error("an answer that is too long");
      length += read;
      if (head !== "") continue;
      head = headOf(bytes, length);
      if (head !== "") whole = head.length + bodyLength(head);
    }
    return {
      status: Number(head.slice(9, 12)),
      head,
      body: bytes.subarray(head.length, length),
      length,
    };
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** The head of an answer with its empty line; empty while it is not all there. */
function headOf(bytes: Bytes, length: number): string {
  for (let at = 0; at + 4 <= length; at++) {
    if (bytes[at] !== FIRST_OF_END) continue; // nearly all of them
    if (!HEAD_END.every((byte, i) => bytes[at + i] === byte)) continue;
    return textOf(bytes.subarray(0, at + HEAD_END.length));
  }
  return "";
}

function bodyLength(head: string): number {
  const [, length] = /\r\ncontent-length: (\d+)/i.exec(head) ?? [];
  if (length === undefined) throw new Error("an answer of unsaid length");
  return Number(length);
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
