/** Requests whose answers nobody takes: HTTP/2 with a window of no bytes. */

const utf8 = new TextEncoder();

/** A frame of HTTP/2 (RFC 9113, 4.1). */
function frame(type: number, flags: number, stream: number, payload: number[]) {
  const { length } = payload;
  const head = [length >> 16, length >> 8 & 255, length & 255, type, flags];
  return [...head, 0, 0, stream >> 8, stream & 255, ...payload];
}

/** A string, and its length before it (RFC 7541, 5.2). */
function text(value: string): number[] {
  const bytes = utf8.encode(value);
  if (bytes.length < 127) return [bytes.length, ...bytes];
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>= 7) length.push(rest & 127 | 128);
  return [...length, rest, ...bytes];
}

/** A field that is not in the table (RFC 7541, 6.2.2). */
function field(name: string, value: string): number[] {
  return [0, ...text(name), ...text(value)];
}

/** Requests by HTTP/2 for a path, none of whose answers may be sent. */
export function unreadRequests(
  path: string,
  count: number,
  token?: string,
): Uint8Array {
  const fields = [
    ...field(":method", "GET"),
    ...field(":scheme", "http"),
    ...field(":authority", "relay"),
    ...field(":path", path),
    ...(token === undefined ? [] : field("authorization", `Bearer ${token}`)),
  ];
  const noWindow = [0, 4, 0, 0, 0, 0];
  return new Uint8Array([
    ...utf8.encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ...frame(4, 0, 0, noWindow),
    ...Array.from({ length: count }, (_, n) => frame(1, 5, 2 * n + 1, fields))
      .flat(),
  ]);
}

/** Sends all of it. */
export async function send(
  connection: Deno.Conn,
  bytes: Uint8Array,
): Promise<void> {
  for (let sent = 0; sent < bytes.length;) {
    sent += await connection.write(bytes.subarray(sent));
  }
}
