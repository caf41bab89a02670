/** Following by WebSocket: what it may bring, and how it ends. */
import assert from "node:assert/strict";
import { Relay, RelayError, Session, watch } from "../../client/mod.ts";
import { ManualClock } from "../manual_clock.ts";
import { assertClientError } from "./assert_client_error.ts";
import { FakeHome } from "./fake_home.ts";
import { problem } from "./fake_relay.ts";
import {
  ALICE,
  cursorAt,
  isUpgrade,
  listedAt,
  MAILBOX,
  openScene,
  pageOf,
  sendTo,
  settled,
  takeCursors,
  until,
  upgrade,
} from "./scripted.ts";

Deno.test("what is no message ends a watch by socket, however it is sent", async (t) => {
  const listed = JSON.stringify(listedAt(1));
  const frames: Record<string, string | Uint8Array<ArrayBuffer>> = {
    "no JSON": "{",
    "another thing": "{}",
    "bytes": new TextEncoder().encode(listed),
    "a frame of 500,001 characters": listed +
      " ".repeat(500_001 - listed.length),
    "an absurd size": listed.replace('"size":1', '"size":1e400'),
    "a body of 480,001 characters": listed.replace(
      '"body":null',
      `"body":"${"A".repeat(480_001)}"`,
    ),
  };
  for (const [what, frame] of Object.entries(frames)) {
    await t.step(what, async () => {
      await using scene = openScene(
        "socket",
        (request) => upgrade(request, (socket) => socket.send(frame)),
      );
      await assertClientError(scene.watch().next(), "relay-nonsense");
    });
  }
  await t.step("a frame of 500,000 characters is one", async () => {
    const frame = listed + " ".repeat(500_000 - listed.length);
    await using scene = openScene(
      "socket",
      (request) => upgrade(request, (socket) => socket.send(frame)),
    );
    const messages = scene.watch();
    assert.deepEqual(await takeCursors(messages, 1), [cursorAt(1)]);
    await messages.return(undefined);
  });
});

Deno.test("a socket that sends more than is read is left, and read again from where it was", async (t) => {
  const many = Array.from({ length: 3_000 }, (_, i) => i + 1);
  const long = Array.from({ length: 60 }, (_, i) => i + 1);
  const floods: Record<string, [places: number[], filler: number]> = {
    "many messages": [many, 0],
    "long messages": [long, 400_000],
  };
  for (const [what, [places, filler]] of Object.entries(floods)) {
    await t.step(what, async () => {
      const asked: (string | null)[] = [];
      await using scene = openScene("socket", (request) => {
        const after = new URL(request.url).searchParams.get("after");
        asked.push(after);
        const from = after === null ? 0 : Number(after.split("-")[1]);
        return upgrade(request, (socket) => {
          for (const place of places.filter((place) => place > from)) {
            const listed = JSON.stringify(listedAt(place));
            socket.send(listed + " ".repeat(filler));
          }
        });
      });
      const messages = scene.watch();
      const first = await takeCursors(messages, 1);
      // While the first is looked at, all the others arrive.
      const heap = await settled(() => asked.length);
      const rest = await takeCursors(messages, places.length - 1);
      await messages.return(undefined);
      assert.deepEqual(
        [...first, ...rest],
        places.map((place) => cursorAt(place)),
      );
      assert.equal(heap, 1);
      assert.ok(asked.length > 1, `${asked.length} sockets`);
    });
  }
});

Deno.test("a socket that is dead and silent is noticed within a minute", async () => {
  let looks = 0;
  const sockets: WebSocket[] = [];
  const opened = Promise.withResolvers<void>();
  await using scene = openScene("socket", (request) => {
    if (isUpgrade(request)) {
      return upgrade(request, (socket) => {
        sockets.push(socket);
        if (sockets.length === 1) opened.resolve();
        else sendTo(socket, 1);
      });
    }
    // At the first look there is nothing, at the second there is.
    return ++looks === 1
      ? pageOf([], cursorAt(0))
      : pageOf([listedAt(1)], cursorAt(1));
  });
  const messages = scene.watch({ after: cursorAt(0), reader: "phone" });
  const coming = takeCursors(messages, 1);
  await opened.promise;
  await scene.clock.waitedFor(1);
  const look = `GET ${MAILBOX}/messages?after=${
    cursorAt(0)
  }&reader=phone&limit=1`;
  const lookings = () => scene.home.asked.filter((asked) => asked === look);
  await settled(() => {});
  scene.clock.advance(59_999);
  assert.equal((await settled(lookings)).length, 0);
  scene.clock.advance(1);
  assert.equal((await settled(lookings)).length, 1);
  assert.equal(sockets.length, 1);
  scene.clock.advance(60_000);
  assert.deepEqual(await coming, [cursorAt(1)]);
  assert.equal(lookings().length, 2);
  assert.equal(sockets.length, 2);
  await messages.return(undefined);
});

Deno.test("a silent socket is looked after behind the last of what came at once", async () => {
  let send = (..._: number[]) => {};
  await using scene = openScene("socket", (request) => {
    if (!isUpgrade(request)) return pageOf([], cursorAt(3));
    return upgrade(request, (socket) => {
      send = (...places) => sendTo(socket, ...places);
      send(1);
    });
  });
  const end = new AbortController();
  const messages = scene.watch({ signal: end.signal });
  await takeCursors(messages, 1);
  send(2, 3);
  await settled(() => {}); // both are there when the next is asked for
  await takeCursors(messages, 2);
  const ending = assert.rejects(messages.next(), /enough/);
  await settled(() => {});
  scene.clock.advance(60_000);
  const isLook = (asked: string) => asked.includes("limit=1");
  await until(() => scene.home.asked.some(isLook));
  end.abort(new Error("enough"));
  await ending;
  assert.deepEqual(scene.home.asked.filter(isLook), [
    `GET ${MAILBOX}/messages?after=${cursorAt(3)}&limit=1`,
  ]);
});

Deno.test("a socket may bring any number of messages to a reader that keeps up", async (t) => {
  const streams: Record<string, [count: number, filler: number]> = {
    "many messages": [1_200, 0],
    "long messages": [25, 400_000],
  };
  for (const [what, [count, filler]] of Object.entries(streams)) {
    await t.step(what, async () => {
      let sockets = 0;
      let send = (_: number) => {};
      await using scene = openScene("socket", (request) => {
        if (++sockets > 1) return problem(403, { code: "forbidden" });
        return upgrade(request, (socket) => {
          send = (place) =>
            socket.send(
              JSON.stringify(listedAt(place)) + " ".repeat(filler),
            );
          send(1);
        });
      });
      const messages = scene.watch();
      for (let place = 1; place <= count; place++) {
        assert.deepEqual(await takeCursors(messages, 1), [cursorAt(place)]);
        send(place + 1);
      }
      await messages.return(undefined);
    });
  }
});

Deno.test("a socket that sends what is no message is closed at once, while its reader is busy", async () => {
  let isClosed = false;
  let send = () => {};
  await using scene = openScene(
    "socket",
    (request) =>
      upgrade(request, (socket) => {
        socket.onclose = () => isClosed = true;
        send = () => socket.send("{");
        sendTo(socket, 1);
      }),
  );
  const messages = scene.watch();
  await takeCursors(messages, 1);
  send();
  await until(() => isClosed);
  await assertClientError(messages.next(), "relay-nonsense");
});

Deno.test("a silent socket of a store that was restored is left", async () => {
  let isRestored = false;
  const opened = Promise.withResolvers<void>();
  await using scene = openScene("socket", (request) => {
    if (!isUpgrade(request)) {
      return pageOf([], cursorAt(1, "b"), { reset: true });
    }
    return upgrade(request, (socket) => {
      if (isRestored) socket.send(JSON.stringify(listedAt(1, "b")));
      isRestored = true;
      opened.resolve();
    });
  });
  const messages = scene.watch({ after: cursorAt(0) });
  const coming = takeCursors(messages, 1);
  await opened.promise;
  await settled(() => {});
  scene.clock.advance(60_000);
  assert.deepEqual(await coming, [cursorAt(1, "b")]);
  await messages.return(undefined);
});

Deno.test("a socket that the relay closes is opened again at once, not at the next look", async () => {
  let sockets = 0;
  await using scene = openScene(
    "socket",
    (request) =>
      upgrade(request, (socket) => {
        sendTo(socket, ++sockets);
        if (sockets === 1) socket.close(1001, "shutdown");
      }),
  );
  const messages = scene.watch();
  const [first] = await takeCursors(messages, 1);
  scene.clock.advance(1_001); // it held for a while
  const [second] = await takeCursors(messages, 1);
  assert.deepEqual([first, second], [cursorAt(1), cursorAt(2)]);
  assert.deepEqual(scene.events.map(({ kind }) => kind), [
    "connected",
    "connected",
  ]);
  await messages.return(undefined);
});

Deno.test("leaving a watch closes its socket, and waits for no one", async () => {
  const closed = Promise.withResolvers<void>();
  await using scene = openScene(
    "socket",
    (request) =>
      upgrade(request, (socket) => {
        socket.onclose = () => closed.resolve();
        sendTo(socket, 1);
      }),
  );
  const messages = scene.watch();
  await takeCursors(messages, 1);
  await messages.return(undefined);
  await closed.promise;
  assert.equal(scene.clock.timers, 0);
});

Deno.test("a socket that does not open within six seconds is blocked, unless the relay is gone", async (t) => {
  await t.step("it is swallowed", async () => {
    const never = Promise.withResolvers<Response>();
    const asked = Promise.withResolvers<void>();
    const home = new FakeHome((request) => {
      if (isUpgrade(request)) {
        asked.resolve();
        return never.promise;
      }
      return pageOf([listedAt(1)], cursorAt(1));
    });
    await using _ = home;
    const clock = new ManualClock(Date.now());
    const relay = new Relay(home.url, { clock, patience: 0 });
    const kinds: string[] = [];
    const messages = watch(new Session(relay, ALICE), {
      transports: ["socket", "poll"],
      onEvent: (event) =>
        kinds.push(`${event.kind} ${"transport" in event && event.transport}`),
    });
    const coming = takeCursors(messages, 1);
    await asked.promise;
    clock.advance(5_999);
    await settled(() => {});
    assert.deepEqual(kinds, []);
    clock.advance(1);
    assert.deepEqual(await coming, [cursorAt(1)]);
    assert.deepEqual(kinds, ["blocked socket", "connected poll"]);
    never.resolve(new Response());
    await messages.return(undefined);
  });
  await t.step("it is refused for good", async () => {
    await using scene = openScene(
      "socket",
      () => problem(403, { code: "forbidden" }),
    );
    await assert.rejects(
      scene.watch({ transports: ["socket", "poll"] }).next(),
      (error) => error instanceof RelayError && error.code === "forbidden",
    );
    assert.deepEqual(scene.events, []);
  });
  await t.step("the relay is gone", async () => {
    await using scene = openScene(
      "socket",
      () => problem(503, { code: "busy" }),
    );
    const end = new AbortController();
    const messages = scene.watch({
      transports: ["socket", "poll"],
      signal: end.signal,
      onEvent: () => {
        end.abort(new Error("enough"));
      },
    });
    await assert.rejects(messages.next(), /enough/);
    assert.deepEqual(scene.events.map(({ kind }) => kind), ["waiting"]);
  });
});

Deno.test("a socket whose token the relay knows no more is opened with another", async () => {
  await using scene = openScene("socket", (request) => {
    const isOld = request.headers.get("Authorization") === "DPoP token-1";
    if (isOld) return problem(401, { code: "unauthorized" });
    return isUpgrade(request)
      ? upgrade(request, (socket) => sendTo(socket, 1))
      : pageOf([], cursorAt(0));
  });
  const messages = scene.watch();
  assert.deepEqual(await takeCursors(messages, 1), [cursorAt(1)]);
  await messages.return(undefined);
  assert.equal(scene.home.claims.length, 2);
});
