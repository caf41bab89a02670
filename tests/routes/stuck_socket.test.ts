/** A socket whose peer takes nothing; the system's own buffers are too large
 * for a test to fill, so that the socket is one that only says how full it is. */
import assert from "node:assert/strict";
import { SUBPROTOCOLS } from "../../lib/elements.ts";
import { Problem } from "../../lib/problem.ts";
import { beginStay, pagesOf } from "../../relay/stay.ts";
import { serveSocket } from "../../routes/socket.ts";
import { fill } from "./filled_mailbox.ts";
import { Owner } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

/** Keeps what is sent until it is taken. */
class HeldSocket extends EventTarget {
  readyState: number = WebSocket.OPEN;
  readonly sent: (string | Uint8Array)[] = [];
  bufferedAmount = 0;
  readonly closed = Promise.withResolvers<number>();

  send(frame: string | Uint8Array): void {
    this.sent.push(frame);
    this.bufferedAmount += frame.length;
  }

  /** Begins to; the peer may never agree. */
  close(code: number): void {
    this.readyState = WebSocket.CLOSING;
    this.closed.resolve(code);
  }
}

async function serveHeld(relay: TestRelay) {
  const owner = await Owner.open(relay);
  const { streams } = relay.app.use;
  const expires = relay.clock.time + 1e9;
  const grant = {
    mailbox: owner.mailbox,
    scopes: ["read"] as const,
    jkt: null,
    expires,
    id: "t",
  };
  const stay = await beginStay(relay.relay, streams, grant, "socket", {
    mailbox: owner.mailbox,
    after: null,
    bandwidth: Infinity,
    delivery: "full",
    reader: null,
  });
  return { owner, stay, streams, socket: new HeldSocket() };
}

for (const subprotocol of Object.values(SUBPROTOCOLS)) {
  Deno.test(`a socket of ${subprotocol} whose reader takes nothing is closed, and no more is read for it`, async () => {
    using relay = await TestRelay.open({ caps: { streamBytes: 100 } });
    const { owner, stay, streams, socket } = await serveHeld(relay);
    await fill(owner, 3);
    const served = serveSocket(
      socket as unknown as WebSocket,
      stay,
      subprotocol,
    );
    await relay.clock.waitedFor(2); // its beat, and its look at the buffer
    assert.equal(socket.sent.length, 1, "the first alone waits");
    assert.equal(streams.buffered, socket.bufferedAmount);
    for (let looks = 0; looks < 1_499; looks++) {
      relay.clock.advance(20);
      await relay.clock.waitedFor(2);
    }
    assert.equal(streams.dropped, 0);
    relay.clock.advance(20);
    assert.equal(await socket.closed.promise, 1008);
    await served;
    assert.deepEqual([socket.sent.length, streams.dropped], [1, 1]);
    assert.equal(relay.clock.timers, 0);
    // It may never close: what it holds keeps no room from others.
    const { backlog } = relay.app.use;
    const { length } = socket.sent[0] ?? "";
    assert.deepEqual([backlog.bytes, backlog.abandoned], [0, length]);
    stay.place.leave();
    assert.deepEqual([backlog.bytes, backlog.abandoned], [0, 0]);
  });
}

Deno.test("sockets that were told to go and do not go keep other sockets out in the end, and nobody else", async () => {
  const caps = { streamBytes: 100, bufferedBytes: 6_000 };
  using relay = await TestRelay.open({ caps });
  const { owner, stay, socket } = await serveHeld(relay);
  await fill(owner, 2, 3_600, 4_000);
  const served = serveSocket(socket as unknown as WebSocket, stay);
  await relay.clock.waitedFor(2);
  const { backlog, streams } = relay.app.use;
  const list = async () => {
    const path = `/v1/mailboxes/${owner.mailbox}/messages`;
    const { status, body } = await owner.fetch(path);
    await body?.cancel();
    return status;
  };
  // Its room is all there is.
  assert.equal(
    await list(),
    503,
  );
  for (let looks = 0; looks < 1_499; looks++) {
    relay.clock.advance(20);
    await relay.clock.waitedFor(2);
  }
  relay.clock.advance(20);
  await served;
  assert.equal(await socket.closed.promise, 1008);
  assert.equal(
    await list(),
    200,
    "pages have room again",
  );
  const visitor = { token: "t", mailbox: owner.mailbox };
  assert.ok(backlog.abandoned > 4_000 && backlog.abandoned < 6_000);
  const second = streams.enter({ ...visitor, transport: "socket" });
  second.buffered = 2_000;
  second.abandon();
  second.buffered = 9_000; // of no interest any more
  const refused = () => streams.enter({ ...visitor, transport: "socket" });
  assert.throws(refused, { code: "busy" });
  for (const transport of ["events", "poll"] as const) {
    streams.enter({ ...visitor, transport }).leave();
  }
  assert.equal(
    await list(),
    200,
  );
  second.leave();
  second.abandon();
  streams.enter({ ...visitor, transport: "socket" }).leave();
  stay.place.leave();
  assert.deepEqual([backlog.bytes, backlog.abandoned], [0, 0]);
});

Deno.test("elements of a socket wait for room by their bytes, of which there are fewer than of JSON", async () => {
  const sizes: number[][] = [];
  for (const subprotocol of Object.values(SUBPROTOCOLS)) {
    using relay = await TestRelay.open({ caps: { streamBytes: 6_500 } });
    const { owner, stay, streams, socket } = await serveHeld(relay);
    await fill(owner, 4, 3_600, 1_800);
    const served = serveSocket(
      socket as unknown as WebSocket,
      stay,
      subprotocol,
    );
    await relay.clock.waitedFor(2); // its beat, and its look at the buffer
    assert.equal(streams.buffered, socket.bufferedAmount);
    sizes.push(socket.sent.map(({ length }) => length));
    streams.close();
    relay.clock.advance(20);
    assert.equal(await socket.closed.promise, 1001);
    await served;
  }
  const [text, binary] = sizes;
  assert.deepEqual([text?.length, binary?.length], [2, 3]);
  assert.ok(binary?.every((size) => size > 1_800 && size < 2_200));
});

Deno.test("a socket whose reader takes what there is gets all of it, one after another", async () => {
  using relay = await TestRelay.open({ caps: { streamBytes: 100 } });
  const { owner, stay, streams, socket } = await serveHeld(relay);
  await fill(owner, 3);
  const served = serveSocket(socket as unknown as WebSocket, stay);
  for (let taken = 1; taken < 3; taken++) {
    await relay.clock.waitedFor(2);
    assert.equal(socket.sent.length, taken);
    socket.bufferedAmount = 0;
    relay.clock.advance(20);
    while (socket.sent.length === taken) await owner.read();
  }
  streams.close();
  assert.equal(await socket.closed.promise, 1001);
  await served;
  assert.equal(relay.clock.timers, 0);
});

Deno.test("serveSocket() sends nothing of a page once it has to end, though there was no room before", async (t) => {
  const ends: Record<string, readonly [number, (relay: TestRelay) => void]> = {
    "the token has ended": [4001, ({ clock }) => clock.time += 2e9],
    "the relay stops": [1001, ({ app }) => app.use.streams.close()],
  };
  for (const [what, [code, end]] of Object.entries(ends)) {
    await t.step(what, async () => {
      using relay = await TestRelay.open({ caps: { streamBytes: 100 } });
      const { owner, stay, socket } = await serveHeld(relay);
      await fill(owner, 3);
      const served = serveSocket(socket as unknown as WebSocket, stay);
      await relay.clock.waitedFor(2); // the second of the page waits for room
      end(relay);
      socket.bufferedAmount = 0;
      relay.clock.advance(20);
      for (let turn = 0; turn < 9; turn++) await owner.read();
      relay.clock.advance(15_000); // at a beat it is seen at the latest
      assert.equal(await socket.closed.promise, code);
      await served;
      assert.deepEqual([socket.sent.length, relay.clock.timers], [1, 0]);
    });
  }
});

Deno.test("serveSocket() sends nothing to a socket that is closing", async () => {
  using relay = await TestRelay.open();
  const { owner, stay, socket } = await serveHeld(relay);
  await fill(owner, 1);
  const served = serveSocket(socket as unknown as WebSocket, stay);
  while (socket.sent.length === 0) await owner.read();
  socket.readyState = WebSocket.CLOSING;
  await fill(owner, 1);
  for (let turn = 0; turn < 9; turn++) await owner.read();
  assert.equal(socket.sent.length, 1);
  socket.dispatchEvent(new Event("close"));
  await served;
  assert.equal(relay.clock.timers, 0);
});

/** Ways in which a socket ends by the relay, and its code then. */
const ENDS: Readonly<
  Record<
    string,
    readonly [
      code: number,
      failures: number,
      end: (relay: TestRelay, socket: HeldSocket) => void,
    ]
  >
> = {
  "the relay stops": [1001, 0, ({ app }) => app.use.streams.close()],
  "its token has ended": [4001, 0, ({ clock }) => clock.advance(2e9)],
  "a frame is too big": [1009, 0, (_, socket) => {
    socket.dispatchEvent(
      new MessageEvent("message", { data: "x".repeat(4_097) }),
    );
  }],
  "a frame of bytes is too big": [1009, 0, (_, socket) => {
    const data = new Uint8Array(4_097).buffer;
    socket.dispatchEvent(new MessageEvent("message", { data }));
  }],
  "a frame of a blob is too big": [1009, 0, (_, socket) => {
    const data = new Blob(["x".repeat(4_097)]);
    socket.dispatchEvent(new MessageEvent("message", { data }));
  }],
  "the store does not answer": [1013, 0, ({ relay: { store } }) => {
    store.list = () => Promise.reject(new Problem("busy", "of the test"));
  }],
  "there is a mistake in the relay": [1011, 1, ({ relay: { store } }) => {
    store.list = () => Promise.reject(new TypeError("of the test"));
  }],
};

for (const [what, [code, failures, end]] of Object.entries(ENDS)) {
  Deno.test(`serveSocket() closes with ${code} where ${what}, and leaves nothing`, async () => {
    using relay = await TestRelay.open();
    const { owner, stay, streams, socket } = await serveHeld(relay);
    await fill(owner, 1);
    const served = serveSocket(socket as unknown as WebSocket, stay);
    while (socket.sent.length === 0) await owner.read();
    assert.equal(streams.buffered, socket.bufferedAmount, "it is counted");
    socket.bufferedAmount = 0;
    const { list } = relay.relay.store;
    end(relay, socket);
    await fill(owner, 1); // it is looked for, or the end is seen then
    assert.equal(await socket.closed.promise, code);
    await served;
    relay.relay.store.list = list;
    assert.equal(socket.sent.length, 1, "nothing is sent after it");
    assert.deepEqual([streams.dropped, relay.clock.timers], [0, 0]);
    assert.equal(relay.failures.length, failures);
    stay.place.leave();
    assert.equal(streams.buffered, 0);
  });
}

Deno.test("a socket whose reader takes a little now and then stays, until it takes nothing for half a minute", async () => {
  using relay = await TestRelay.open({ caps: { streamBytes: 100 } });
  const { owner, stay, streams, socket } = await serveHeld(relay);
  await fill(owner, 2);
  const served = serveSocket(socket as unknown as WebSocket, stay);
  await relay.clock.waitedFor(2);
  /** Its looks at the buffer, for so long. */
  const look = async (milliseconds: number) => {
    for (let passed = 0; passed < milliseconds; passed += 20) {
      relay.clock.advance(20);
      for (let turn = 0; turn < 9; turn++) await Promise.resolve();
      assert.equal(streams.dropped, 0);
      await relay.clock.waitedFor(2);
    }
  };
  for (let n = 0; n < 5; n++) {
    socket.bufferedAmount -= 1;
    await look(29_000);
    assert.equal(streams.buffered, socket.bufferedAmount);
  }
  assert.deepEqual([streams.dropped, socket.sent.length], [0, 1]);
  await look(980);
  assert.equal(streams.dropped, 0);
  relay.clock.advance(20);
  relay.clock.advance(20);
  assert.equal(await socket.closed.promise, 1008);
  await served;
});

Deno.test("a socket whose reader is stuck while no mail comes is closed at a beat", async () => {
  using relay = await TestRelay.open();
  const { owner, stay, streams, socket } = await serveHeld(relay);
  await fill(owner, 1);
  const served = serveSocket(socket as unknown as WebSocket, stay);
  while (socket.sent.length === 0) await owner.read();
  for (let beat = 0; beat < 3 && streams.dropped === 0; beat++) {
    relay.clock.advance(15_000);
    await owner.read();
  }
  assert.equal(await socket.closed.promise, 1008);
  await served;
});

Deno.test("no more is read at once for a reader that stays than 64 KiB, or one message", async () => {
  using relay = await TestRelay.open();
  const { owner, stay } = await serveHeld(relay);
  await fill(owner, 5, 3_600, 20_000);
  await fill(owner, 1, 3_600, 200_000);
  await fill(owner, 1, 3_600, 1_000);
  const sizes: number[][] = [];
  const gone = new AbortController();
  for await (const page of pagesOf(stay, gone.signal)) {
    sizes.push(page?.messages.map(({ size }) => size) ?? []);
    if (sizes.flat().length >= 7) gone.abort();
  }
  assert.deepEqual(sizes, [
    [20_000, 20_000, 20_000],
    [20_000, 20_000],
    [200_000],
    [1_000],
  ]);
  stay.place.leave();
});
