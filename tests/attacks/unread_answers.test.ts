/** Answers that nobody takes leave the relay its memory, and others their seats. */
import assert from "node:assert/strict";
import { readExposition, valueOf } from "../exposition.ts";
import { ManualClock } from "../manual_clock.ts";
import { RelayProcess } from "../relay_process.ts";
import { fill } from "../routes/filled_mailbox.ts";
import { Owner } from "../routes/owner.ts";
import { TestRelay } from "../routes/relay_fixture.ts";
import { send, unreadRequests } from "../unread_requests.ts";

/** Takes what comes, so many bytes or until it is cut; gives whether it was. */
async function take(connection: Deno.Conn, bytes = Infinity): Promise<boolean> {
  const part = new Uint8Array(65_536);
  for (let taken = 0; taken < bytes;) {
    const length = await connection.read(part).catch(() => null);
    if (length === null) return true;
    taken += length;
  }
  return false;
}

/** A number of its metrics. */
async function metric(
  relay: RelayProcess,
  name: string,
  labels: Record<string, string> = {},
): Promise<number> {
  const response = await fetch(`${relay.url}/metrics`);
  const families = readExposition(await response.text());
  return valueOf(families, name, labels) ?? NaN;
}

/** A store with a mailbox whose page has so many messages of so many bytes. */
async function storeWith(count: number, bytes: number) {
  const directory = await Deno.makeTempDir();
  const kv = `${directory}/relay.kv`;
  using relay = await TestRelay.open({
    kv,
    clock: new ManualClock(Date.now()),
  });
  const owner = await Owner.open(relay);
  await fill(owner, count, 3_600, bytes);
  return {
    kv,
    mailbox: owner.mailbox,
    page: `/v1/mailboxes/${owner.mailbox}/messages`,
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

/** MiB of memory that a process has, or had at the most. */
async function memoryOf(
  { pid }: RelayProcess,
  which: "VmRSS" | "VmHWM" = "VmRSS",
): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(new RegExp(`${which}:\\s+(\\d+)`).exec(status)?.[1]) / 1_024;
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
      await send(connection, unreadRequests(path, 190));
      // Headers are not held back: the last of them says that all were answered.
      assert.equal(await take(connection, 190 * 50), false, "it was not cut");
    }
    await relay.assertAlive();
    const more = await memoryOf(relay) - before;
    assert.ok(more < 150, `${Math.round(more)} MiB more`);
  },
});

Deno.test({
  name:
    "380 pages of 1 MB that nobody takes are no more than may wait, and end with their connections",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using store = await storeWith(5, 200_000);
    await using relay = await RelayProcess.start({
      variables: {
        RESTANTE_KV: store.kv,
        RESTANTE_BUFFERED_BYTES: String(2 ** 25),
        RESTANTE_DRAIN_SECONDS: "5",
      },
    });
    const token = await relay.token(store.mailbox);
    const read = async () => {
      const headers = { Authorization: `Bearer ${token}` };
      const response = await fetch(relay.url + store.page, { headers });
      return [response.status, (await response.bytes()).length];
    };
    assert.deepEqual((await read())[0], 200);
    const before = await memoryOf(relay);
    using stack = new DisposableStack();
    const ends: Promise<boolean>[] = [];
    for (let n = 0; n < 2; n++) {
      const connection = stack.use(await relay.connect());
      await send(connection, unreadRequests(store.page, 190, token));
      ends.push(take(connection));
    }
    let most = 0;
    for (let n = 0; n < 1_000 && most < 2 ** 24; n++) {
      const waiting = await metric(relay, "restante_buffered_bytes");
      most = Math.max(most, waiting);
    }
    assert.ok(most >= 2 ** 24 && most <= 2 ** 25, `${most} bytes waited`);
    // Of the other all may have been refused: what waits for it is small.
    assert.equal(await Promise.race(ends), true, "it was cut");
    const more = await memoryOf(relay, "VmHWM") - before;
    assert.ok(more < 300, `${Math.round(more)} MiB more at the most`);
    let left = most;
    for (let n = 0; n < 5_000 && left > 0; n++) {
      left = await metric(relay, "restante_buffered_bytes");
    }
    assert.equal(left, 0);
    const name = "restante_cap_refusals_total";
    for (const cap of ["bufferedBytes", "connectionRequests", "drainSeconds"]) {
      assert.ok(await metric(relay, name, { cap }) > 0, cap);
    }
    const [status, length] = await read();
    assert.deepEqual([status, Number(length) > 1e6], [200, true]);
  },
});

Deno.test("connections that take no answer, however small, keep nobody's seat", async () => {
  await using relay = await RelayProcess.start({
    variables: { RESTANTE_CONNECTIONS: "2" },
  });
  using stack = new DisposableStack();
  const ends: Promise<boolean>[] = [];
  for (let n = 0; n < 2; n++) {
    const connection = stack.use(await relay.connect());
    await send(connection, unreadRequests("/v1", 150));
    ends.push(take(connection));
  }
  // One that comes before they are answered finds no seat, and comes again.
  let isServed = false;
  for (let n = 0; n < 500 && !isServed; n++) {
    isServed = await relay.assertAlive().then(() => true, () => false);
  }
  assert.ok(isServed);
  assert.equal(
    await Promise.race(ends),
    true,
    "it has the seat of one of them",
  );
});
