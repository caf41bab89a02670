/** Connections that stand and are cut: by which transport a watch goes on. */
import assert from "node:assert/strict";
import type { Transport, WatchEvent } from "../../client/mod.ts";
import { problem } from "./fake_relay.ts";
import {
  cursorAt,
  isUpgrade,
  listedAt,
  openScene,
  pageOf,
  play,
  settled,
  takeCursors,
  until,
  upgrade,
} from "./scripted.ts";

const ALL: readonly Transport[] = ["socket", "events", "poll"];

/** By which transport a request asks. */
function transportOf(request: Request): Transport {
  if (isUpgrade(request)) return "socket";
  return request.headers.get("Accept") === "text/event-stream"
    ? "events"
    : "poll";
}

/** A stream of events that stands, and is cut. */
function cutEvents(): Response {
  const body = new TextEncoder().encode(
    'event: open\ndata: {"reset":false}\n\n',
  );
  return new Response(body, {
    headers: { "Content-Type": "text/event-stream" },
  });
}

/** A connection that stands, brings nothing, and is cut at once. */
function cut(request: Request): Response {
  return isUpgrade(request)
    ? upgrade(request, (socket) => socket.close())
    : cutEvents();
}

function told(events: readonly WatchEvent[]): string[] {
  return events.map((event) =>
    "transport" in event ? `${event.kind} ${event.transport}` : event.kind
  );
}

/** What is told of three connections that stood in vain. */
function inVain(transport: Transport): string[] {
  const stands = `connected ${transport}`;
  return [
    stands,
    "waiting",
    stands,
    "waiting",
    stands,
    `blocked ${transport}`,
  ];
}

const cases: Readonly<Record<string, [Transport[], string[]]>> = {
  "sockets": [["socket"], [...inVain("socket"), "connected events"]],
  "sockets and events": [
    ["socket", "events"],
    [...inVain("socket"), ...inVain("events"), "connected poll"],
  ],
};
for (const [what, [spoilt, expected]] of Object.entries(cases)) {
  Deno.test(`watch() goes on by the next transport where ${what} open and are cut at once, again and again`, async () => {
    await using scene = openScene(
      "socket",
      (request) =>
        spoilt.includes(transportOf(request))
          ? cut(request)
          : play(request, [listedAt(1)]),
    );
    const messages = scene.watch({ transports: ALL });
    assert.deepEqual(await takeCursors(messages, 1), [cursorAt(1)]);
    await messages.return(undefined);
    assert.deepEqual(told(scene.events), expected);
  });
}

Deno.test("watch() keeps to sockets that are cut again and again, as long as they bring mail", async () => {
  let asked = 0;
  await using scene = openScene("socket", (request) => {
    // Two in vain, and one that brings a message.
    const place = ++asked / 3;
    return play(request, Number.isInteger(place) ? [listedAt(place)] : []);
  });
  const messages = scene.watch({ transports: ALL });
  assert.deepEqual(
    await takeCursors(messages, 3),
    [1, 2, 3].map((place) => cursorAt(place)),
  );
  await messages.return(undefined);
  assert.ok(!told(scene.events).includes("blocked socket"));
});

Deno.test("watch() leaves sockets that bring only what was had", async () => {
  await using scene = openScene(
    "socket",
    (request) => play(request, [listedAt(isUpgrade(request) ? 1 : 2)]),
  );
  const messages = scene.watch({ transports: ALL, after: cursorAt(1) });
  assert.deepEqual(await takeCursors(messages, 1), [cursorAt(2)]);
  await messages.return(undefined);
  assert.deepEqual(told(scene.events), [
    ...inVain("socket"),
    "connected events",
  ]);
});

for (const [milliseconds, isBlocked] of [[119_999, true], [120_000, false]]) {
  Deno.test(`a quiet socket that ended after ${milliseconds} ms ${isBlocked ? "stood in vain" : "held"}`, async () => {
    const opened: WebSocket[] = [];
    await using scene = openScene("socket", (request) => {
      if (!isUpgrade(request)) return pageOf([], cursorAt(0));
      return upgrade(request, (socket) => opened.push(socket));
    });
    const end = new AbortController();
    const ending = assert.rejects(
      scene.watch({ transports: ["socket", "poll"], signal: end.signal })
        .next(),
      /enough/,
    );
    for (let sockets = 1; sockets <= 3; sockets++) {
      await until(() => opened.length === sockets);
      scene.clock.advance(Number(milliseconds));
      await settled(() => {});
      opened.at(-1)?.close();
    }
    await until(() => scene.events.length >= 4);
    end.abort(new Error("enough"));
    await ending;
    assert.equal(
      told(scene.events)[3],
      isBlocked ? "blocked socket" : "connected socket",
    );
  });
}

Deno.test("watch() leaves sockets that open, and of which every frame is lost", async () => {
  let pages = 0;
  await using scene = openScene("socket", (request) => {
    if (isUpgrade(request)) return upgrade(request, () => {});
    if (transportOf(request) === "poll") pages++;
    return play(request, [listedAt(1)]);
  });
  const messages = scene.watch({ transports: ALL });
  const first = takeCursors(messages, 1);
  for (let sockets = 1; sockets <= 3; sockets++) {
    await until(() => scene.events.length === sockets);
    scene.clock.advance(6_000); // nothing came at once
    await settled(() => {});
    scene.clock.advance(60_000); // nor later, and a page tells that there is mail
    await until(() => pages === sockets);
    await settled(() => scene.clock.advance(500)); // a socket has that to close
  }
  assert.deepEqual(await first, [cursorAt(1)]);
  await messages.return(undefined);
  assert.deepEqual(told(scene.events), [
    "connected socket",
    "connected socket",
    "connected socket",
    "blocked socket",
    "connected events",
  ]);
});

Deno.test("watch() goes on trying the only transport it has, however often it is cut", async () => {
  let asked = 0;
  await using scene = openScene(
    "socket",
    (request) => play(request, ++asked > 7 ? [listedAt(1)] : []),
  );
  const messages = scene.watch();
  assert.deepEqual(await takeCursors(messages, 1), [cursorAt(1)]);
  await messages.return(undefined);
  assert.equal(asked, 8);
});

/** Events that are cut before they open, or as soon as they are asked for. */
const SHUT: Readonly<Record<string, () => Response>> = {
  "end before they open": () =>
    new Response("", { headers: { "Content-Type": "text/event-stream" } }),
  "are answered by a gateway": () => new Response("Oh", { status: 504 }),
};
/** Sockets that bring nothing, and what is told of them in one round. */
const DULL: Readonly<Record<string, [(request: Request) => Response, string]>> =
  {
    "are refused": [
      () => problem(426, { code: "malformed" }),
      "blocked socket",
    ],
    "are cut": [cut, inVain("socket").join()],
  };
for (const [how, answer] of Object.entries(SHUT)) {
  for (const [what, [refuse, round]] of Object.entries(DULL)) {
    Deno.test(`watch() polls where sockets ${what}, and events ${how}`, async () => {
      await using scene = openScene("socket", (request) => {
        const transport = transportOf(request);
        if (isUpgrade(request)) return refuse(request);
        // A socket that does not open is looked behind by a page.
        return transport === "events" ? answer() : play(request, [listedAt(1)]);
      });
      const messages = scene.watch({ transports: ALL });
      assert.deepEqual(await takeCursors(messages, 1), [cursorAt(1)]);
      await messages.return(undefined);
      const expected = [round, "waiting", round, "blocked events"];
      assert.equal(
        told(scene.events).join(),
        [...expected, "connected poll"].join(),
      );
    });
  }
}

Deno.test("watch() keeps to the best transport while the relay is gone", async () => {
  let asked = 0;
  await using scene = openScene(
    "socket",
    (request) =>
      ++asked > 14
        ? play(request, [listedAt(1)])
        : new Response("Bad Gateway", { status: 502 }),
  );
  const messages = scene.watch({ transports: ALL });
  assert.deepEqual(await takeCursors(messages, 1), [cursorAt(1)]);
  await messages.return(undefined);
  const events = told(scene.events);
  assert.deepEqual([...new Set(events)], ["waiting", "connected socket"]);
});

Deno.test("watch() begins with the best transport again once the relay was gone", async () => {
  let events = 0;
  await using scene = openScene("socket", (request) => {
    const transport = transportOf(request);
    if (transport === "poll") return pageOf([], cursorAt(0));
    if (transport === "socket" && events < 2) {
      return problem(426, { code: "malformed" });
    }
    if (transport === "socket") return play(request, [listedAt(2)]);
    return ++events === 1
      ? play(request, [listedAt(1)])
      : problem(503, { code: "busy" });
  });
  const messages = scene.watch({ transports: ALL });
  assert.deepEqual(
    await takeCursors(messages, 2),
    [cursorAt(1), cursorAt(2)],
  );
  await messages.return(undefined);
  assert.deepEqual(told(scene.events), [
    "blocked socket",
    "connected events",
    "waiting",
    "waiting",
    "connected socket",
  ]);
});
