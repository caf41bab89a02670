/** Connections of which every byte is ours, for those who do not behave. */
import { within } from "./device.ts";

/** A connection to a relay. */
export class RawConnection implements Disposable {
  readonly #connection: Deno.TcpConn;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects to where a relay listens. */
  static async open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    return new RawConnection(
      await Deno.connect({ hostname, port: Number(port) }),
    );
  }

  /** Sends the head of a request. */
  async begin(
    what: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<void> {
    const lines = [
      `${what} HTTP/1.1`,
      "Host: relay.test",
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ];
    await this.send(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  }

  /** Sends bytes; false if nobody takes them any more. */
  async send(bytes: Uint8Array): Promise<boolean> {
    try {
      for (let left = bytes; left.length > 0;) {
        left = left.subarray(await this.#connection.write(left));
      }
      return true;
    } catch {
      return false;
    }
  }

  /** The status that is answered; null if the connection just ends. */
  async status(): Promise<number | null> {
    let head = "";
    const bytes = new Uint8Array(1_024);
    while (!head.includes("\r\n")) {
      const reading = this.#connection.read(bytes).catch(() => null);
      const length = await within(reading, "an answer");
      if (length === null) return null;
      head += new TextDecoder().decode(bytes.subarray(0, length));
    }
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(head) ?? [];
    return status === undefined ? null : Number(status);
  }

  /** Cuts it. */
  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch {
      // The other side was first.
    }
  }
}
