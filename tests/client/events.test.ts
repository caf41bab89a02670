/** Following by server-sent events: what may come, and what silence means. */
import assert from "node:assert/strict";
import { assertClientError } from "./assert_client_error.ts";
import { EndlessBody } from "./lying_answers.ts";
import {
  cursorAt,
  listedAt,
  MAILBOX,
  openScene,
  pageOf,
  settled,
  takeCursors,
} from "./scripted.ts";

const utf8 = new TextEncoder();
const OPEN = `event: open\nid: ${cursorAt(0)}\ndata: {"reset":false}\n\n`;
const message = (place: number) =>
  `event: message\nid: ${cursorAt(place)}\ndata: ${
    JSON.stringify(listedAt(place))
  }\n\n`;

/** A stream of events that a test sends, and whether its reader has left. */
class Stream {
  readonly left = Promise.withResolvers<void>();
  #controller: ReadableStreamDefaultController | null = null;

  response(...texts: string[]): Response {
    const body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
        this.send(...texts);
      },
      cancel: () => this.left.resolve(),
    });
    return new Response(body, {
      headers: { "Content-Type": "text/event-stream" },
    });
  }

  send(...texts: string[]): void {
    for (const text of texts) this.#controller?.enqueue(utf8.encode(text));
  }

  close(): void {
    this.#controller?.close();
  }
}

Deno.test("one endless event is given up when it is longer than any message", async (t) => {
  const parts: Record<string, string> = {
    "a line without end": "x",
    "data without end": "data: x\n",
    "a comment without end": ":",
  };
  for (const [what, part] of Object.entries(parts)) {
    await t.step(what, async () => {
      const endless = new EndlessBody(part);
      let isOpen = false;
      const body = () =>
        (endless.response().body ?? new ReadableStream<Uint8Array>())
          .pipeThrough(
            new TransformStream<Uint8Array, Uint8Array>({
              transform(chunk, controller) {
                if (!isOpen) controller.enqueue(utf8.encode(`${OPEN}data: `));
                isOpen = true;
                controller.enqueue(chunk);
              },
            }),
          );
      await using scene = openScene("events", () =>
        new Response(body(), {
          headers: { "Content-Type": "text/event-stream" },
        }));
      await assertClientError(scene.watch().next(), "relay-nonsense");
      assert.ok(endless.taken < 16 * 2 ** 20, `${endless.taken} bytes`);
    });
  }
});

Deno.test("a stream that begins as none does is nonsense", async (t) => {
  const openings = [
    "event: open\ndata: {}\n\n",
    "event: open\ndata: {\n\n",
    'event: open\ndata: {"reset":"no"}\n\n',
    'event: open\nid: 7\ndata: {"reset":false}\n\n',
    "event: message\ndata: {}\n\n",
    'event: message\ndata: {"reset":false}\n\n',
  ];
  for (const opening of openings) {
    await t.step(opening, async () => {
      const stream = new Stream();
      await using scene = openScene("events", () => stream.response(opening));
      await assertClientError(scene.watch().next(), "relay-nonsense");
    });
  }
});

Deno.test("a stream that does not open within six seconds is blocked, whatever trickles", async () => {
  const stream = new Stream();
  const asked = Promise.withResolvers<void>();
  await using scene = openScene("events", (request) => {
    if (request.headers.get("Accept") !== "text/event-stream") {
      return pageOf([listedAt(1)], cursorAt(1));
    }
    asked.resolve();
    return stream.response(":\n\n");
  });
  const messages = scene.watch({ transports: ["events", "poll"] });
  const coming = takeCursors(messages, 1);
  await asked.promise;
  scene.clock.advance(5_999);
  stream.send(":\n\n");
  await settled(() => {});
  assert.deepEqual(scene.events, []);
  scene.clock.advance(1);
  assert.deepEqual(await coming, [cursorAt(1)]);
  assert.deepEqual(scene.events, [
    { kind: "blocked", transport: "events" },
    { kind: "connected", transport: "poll" },
  ]);
  await messages.return(undefined);
});

Deno.test("a stream that is silent for three beats is left, and opened again behind what came", async () => {
  const streams = [new Stream(), new Stream()];
  let opened = 0;
  await using scene = openScene("events", () => {
    const stream = streams[opened++];
    return stream?.response(OPEN, message(opened)) ?? new Response();
  });
  const messages = scene.watch({ reader: "phone" });
  assert.deepEqual(await takeCursors(messages, 1), [cursorAt(1)]);
  const coming = takeCursors(messages, 1);
  await settled(() => {});
  scene.clock.advance(44_999);
  streams[0]?.send(":\n\n"); // a beat
  await settled(() => {});
  scene.clock.advance(44_999);
  assert.equal(await settled(() => opened), 1);
  scene.clock.advance(1);
  assert.deepEqual(await coming, [cursorAt(2)]);
  const path = `GET ${MAILBOX}/messages`;
  assert.deepEqual(
    scene.home.asked.filter((asked) => asked.startsWith(path)),
    [`${path}?reader=phone`, `${path}?after=${cursorAt(1)}&reader=phone`],
  );
  await messages.return(undefined);
});

Deno.test("a stream that the relay ends after a while is opened again at once", async () => {
  let opened = 0;
  await using scene = openScene("events", () => {
    const stream = new Stream();
    const response = stream.response(OPEN, message(++opened));
    if (opened === 1) {
      stream.send('event: end\ndata: {"reason":"token-expired"}\n\n');
    }
    return response;
  });
  const messages = scene.watch();
  await takeCursors(messages, 1);
  scene.clock.advance(1_001);
  assert.deepEqual(await takeCursors(messages, 1), [cursorAt(2)]);
  assert.deepEqual(
    scene.events.map(({ kind }) => kind),
    ["connected", "connected"],
  );
  await messages.return(undefined);
});

Deno.test("leaving a watch by events cancels its stream, and leaves no timer", async () => {
  const stream = new Stream();
  await using scene = openScene(
    "events",
    () => stream.response(OPEN, message(1)),
  );
  const messages = scene.watch();
  await takeCursors(messages, 1);
  await messages.return(undefined);
  await stream.left.promise;
  assert.equal(scene.clock.timers, 0);
});

Deno.test("what is no stream of events is blocked", async () => {
  await using scene = openScene(
    "events",
    (request) =>
      request.headers.get("Accept") === "text/event-stream"
        ? Response.json({})
        : pageOf([listedAt(1)], cursorAt(1)),
  );
  const messages = scene.watch({ transports: ["events", "poll"] });
  assert.deepEqual(await takeCursors(messages, 1), [cursorAt(1)]);
  assert.deepEqual(scene.events[0], { kind: "blocked", transport: "events" });
  await messages.return(undefined);
});
