import assert from "node:assert/strict";
import { ConnectionTable } from "../../routes/connections.ts";
import { roomForConnections } from "../../routes/descriptors.ts";
import { ManualClock } from "../manual_clock.ts";

function tableOf(connections: number) {
  const clock = new ManualClock();
  const table = new ConnectionTable(clock, {
    connections,
    connectionRequests: 3,
    idleSeconds: 60,
  });
  return { clock, table };
}

Deno.test("ConnectionTable.enter() ends the connection that idles longest, and none that works", () => {
  const { clock, table } = tableOf(3);
  const seats = [0, 1, 2].map(() => {
    const seat = table.enter();
    assert.ok(seat);
    clock.advance(1);
    return seat;
  });
  const [first, second, third] = seats;
  assert.ok(first && second && third);
  first.begin(new Promise(() => {}));
  assert.ok(table.enter());
  assert.deepEqual(seats.map(({ signal }) => signal.aborted), [
    false,
    true,
    false,
  ]);
  assert.deepEqual([table.size, table.dropped, table.refused], [3, 1, 0]);
});

Deno.test("ConnectionTable.enter() refuses one more where all work, or are sockets", () => {
  const { table } = tableOf(2);
  table.enter()?.begin(new Promise(() => {}));
  const other = table.enter();
  const release = other?.hold();
  other?.leave(); // Deno lets go of a connection that became a socket
  assert.equal(table.size, 2);
  assert.equal(table.enter(), null);
  assert.equal(table.refused, 1);
  release?.();
  release?.();
  assert.equal(table.size, 1);
  assert.ok(table.enter());
});

Deno.test("Seat.keepSocket() lets go of what served it, which is not cut off any more", () => {
  const { table } = tableOf(2);
  const [socket, other] = [table.enter(), table.enter()];
  assert.ok(socket && other);
  let released = 0;
  const served = {
    finished: new Promise<void>(() => {}),
    shutdown: () => Promise.resolve(),
    release: () => void released++,
  };
  socket.serve(served);
  other.serve(served);
  socket.hold();
  assert.equal(released, 0, "it is not open yet");
  socket.keepSocket();
  assert.equal(released, 1);
  table.cutAll();
  assert.deepEqual(
    [socket.signal.aborted, other.signal.aborted],
    [false, true],
  );
  assert.equal(table.size, 1, "the socket is held");
});

Deno.test("Seat.serve() gives the seat up when the connection has ended, and closes one that broke before that", async (t) => {
  const broken = () => Promise.reject(new Error("broken"));
  const closed = () => Promise.resolve();
  const table: Record<
    string,
    readonly [finish: () => Promise<void>, shut: () => Promise<void>, number]
  > = {
    "it ended": [closed, closed, 0],
    "it broke": [broken, closed, 1],
    "it broke, and cannot be closed either": [broken, broken, 1],
  };
  for (const [what, [finish, shut, closes]] of Object.entries(table)) {
    await t.step(what, async () => {
      const { table } = tableOf(1);
      const seat = table.enter();
      assert.ok(seat);
      const asked: number[] = [];
      seat.serve({
        finished: finish(),
        shutdown() {
          asked.push(table.size);
          return shut();
        },
        release: () => assert.fail("it is no socket"),
      });
      for (let turn = 0; turn < 9; turn++) await Promise.resolve();
      // Its seat is free only once its descriptor is.
      assert.deepEqual(asked, Array(closes).fill(1));
      assert.equal(table.size, 0);
      seat.cut();
      assert.equal(seat.signal.aborted, false, "what ended is not ended again");
    });
  }
});

Deno.test("Seat.cut() of what was told to end gives the seat up, and leaves the rest to Deno", async () => {
  const { table } = tableOf(1);
  const seat = table.enter();
  assert.ok(seat);
  const ended = Promise.withResolvers<void>();
  seat.serve({
    finished: ended.promise,
    shutdown: () => ended.promise,
    release: () => assert.fail("it is no socket"),
  });
  const shut = table.shutdown();
  table.cutAll();
  assert.deepEqual([table.size, seat.signal.aborted], [0, false]);
  ended.resolve();
  await shut;
});

Deno.test("a connection that sends nothing for a minute is ended", async () => {
  const { clock, table } = tableOf(10);
  const silent = table.enter();
  const working = table.enter();
  assert.ok(silent && working);
  const answered = Promise.withResolvers<void>();
  working.begin(answered.promise);
  clock.advance(59_999);
  assert.equal(silent.signal.aborted, false);
  clock.advance(1);
  assert.equal(silent.signal.aborted, true);
  clock.advance(600_000);
  assert.equal(working.signal.aborted, false);
  working.serve({
    finished: new Promise<void>(() => {}),
    shutdown: () => assert.fail("what was told to end cannot be cut off"),
    release: () => assert.fail("it is no socket"),
  });
  answered.resolve();
  await answered.promise;
  clock.advance(16 * 60_000 - 15_000);
  assert.equal(working.signal.aborted, false, "it may be taken yet");
  clock.advance(15_000);
  assert.equal(
    working.signal.aborted,
    true,
    "its answer may not take for ever",
  );
  assert.deepEqual([table.size, table.dropped], [0, 2]);
  table[Symbol.dispose]();
  assert.equal(clock.timers, 0);
});

const never = new Promise<void>(() => {});

Deno.test("Seat.begin() takes a request for ended when its answer was handed on, and when nobody waits for it any more", async () => {
  for (const completed of [Promise.resolve(), Promise.reject(new Error())]) {
    const { clock, table } = tableOf(1);
    const seat = table.enter();
    assert.ok(seat);
    seat.begin(completed); // and it is never said to be answered
    assert.equal(seat.isIdle, false);
    clock.advance(5_000);
    await completed.catch(() => {});
    assert.deepEqual([seat.isIdle, seat.isAnswered], [true, true]);
    assert.equal(seat.idleSince, 5_000, "its time begins anew");
    const { isOneTooMany } = seat.begin(never);
    assert.equal(isOneTooMany, false);
  }
});

Deno.test("Seat.begin() says which request is one too many, until one before is taken", async () => {
  const { table } = tableOf(1);
  const seat = table.enter();
  assert.ok(seat);
  const taken = Promise.withResolvers<void>();
  seat.begin(taken.promise).answered();
  const many = [0, 1, 2].map(() => {
    const { answered, isOneTooMany } = seat.begin(never);
    answered(); // and it is not taken
    return isOneTooMany;
  });
  assert.deepEqual([many, table.crowded], [[false, false, true], 1]);
  taken.resolve();
  await taken.promise;
  assert.equal(seat.begin(never).isOneTooMany, true, "the refused one counts");
  assert.equal(table.crowded, 2);
});

Deno.test("ConnectionTable.enter() gives away the seat of one that takes no answers for a second, not that of one whose answer is worked on", () => {
  const { clock, table } = tableOf(2);
  const [stuck, working] = [table.enter(), table.enter()];
  assert.ok(stuck && working);
  working.begin(never);
  const { answered } = stuck.begin(never);
  const leave = stuck.stay();
  answered();
  clock.advance(5_000);
  assert.equal(table.enter(), null, "a stream of it is worked on");
  leave();
  leave(); // and for nothing else
  clock.advance(999);
  assert.equal(table.enter(), null);
  stuck.moved();
  clock.advance(999);
  assert.equal(table.enter(), null);
  clock.advance(1);
  assert.ok(table.enter());
  assert.deepEqual(
    [stuck.signal.aborted, working.signal.aborted, table.dropped],
    [true, false, 1],
  );
});

Deno.test("roomForConnections() leaves descriptors to the store", () => {
  let open = 0;
  const upTo = (most: number) => () => {
    if (open >= most) throw new Error("too many open files");
    open++;
    return { [Symbol.dispose]: () => void open-- };
  };
  assert.equal(roomForConnections(upTo(1_000)), 872);
  assert.equal(roomForConnections(upTo(1e6)), 10_000);
  assert.equal(roomForConnections(upTo(100)), 1);
  assert.equal(roomForConnections(upTo(0)), 768);
  assert.equal(open, 0);
});
