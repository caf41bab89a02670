/** Long answers that anybody may ask for take no memory while nobody takes them. */
import assert from "node:assert/strict";
import { RelayProcess } from "../relay_process.ts";

const utf8 = new TextEncoder();

/** A frame of HTTP/2 (RFC 9113, 4.1). */
function frame(type: number, flags: number, stream: number, payload: number[]) {
  const { length } = payload;
  const head = [length >> 16, length >> 8 & 255, length & 255, type, flags];
  return [...head, 0, 0, stream >> 8, stream & 255, ...payload];
}

/** A field that is not in the table (RFC 7541, 6.2.2). */
function field(name: string, value: string): number[] {
  return [
    0,
    name.length,
    ...utf8.encode(name),
    value.length,
    ...utf8.encode(value),
  ];
}

/** Requests for a path, none of whose answers may be sent. */
function unreadRequests(path: string, count: number): Uint8Array {
  const fields = [
    ...field(":method", "GET"),
    ...field(":scheme", "http"),
    ...field(":authority", "relay"),
    ...field(":path", path),
  ];
  const noWindow = [0, 4, 0, 0, 0, 0];
  return new Uint8Array([
    ...utf8.encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ...frame(4, 0, 0, noWindow),
    ...Array.from({ length: count }, (_, n) => frame(1, 5, 2 * n + 1, fields))
      .flat(),
  ]);
}

/** MiB of memory that a process has. */
async function memoryOf({ pid }: RelayProcess): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
}

Deno.test({
  name: "380 answers of 1.7 MB that nobody takes leave the relay its memory",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using relay = await RelayProcess.start();
    const path = "/docs/swagger-ui-bundle.js";
    const whole = await (await fetch(relay.url + path)).bytes();
    assert.ok(whole.length > 1e6, "and whoever takes it gets all of it");
    const before = await memoryOf(relay);
    using stack = new DisposableStack();
    for (let n = 0; n < 2; n++) {
      const connection = stack.use(await relay.connect());
      await connection.write(unreadRequests(path, 190));
      // Headers are not held back: the last of them says that all were answered.
      const part = new Uint8Array(65_536);
      for (let taken = 0; taken < 190 * 50;) {
        const length = await connection.read(part);
        assert.ok(length !== null, "it was not cut");
        taken += length;
      }
    }
    await relay.assertAlive();
    const more = await memoryOf(relay) - before;
    assert.ok(more < 150, `${Math.round(more)} MiB more`);
  },
});
