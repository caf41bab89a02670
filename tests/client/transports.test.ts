/** Each transport by itself: what it leaves behind, however it ends. */
import assert from "node:assert/strict";
import type { Transport } from "../../client/mod.ts";
import { TRANSPORTS } from "../../client/transports.ts";
import { CountedSignal } from "./counted_signal.ts";
import { problem } from "./fake_relay.ts";
import {
  cursorAt,
  isUpgrade,
  listedAt,
  openScene,
  pageOf,
  play,
  sendTo,
  settled,
  upgrade,
} from "./scripted.ts";

/** Brings a message, and then nothing: it stays, or is asked for no more. */
function stay(request: Request): Response | Promise<Response> {
  if (isUpgrade(request)) {
    return upgrade(request, (socket) => sendTo(socket, 1));
  }
  if (request.headers.get("Accept") !== "text/event-stream") {
    return new URL(request.url).searchParams.has("after")
      ? new Promise((resolve) =>
        request.signal.addEventListener(
          "abort",
          () => resolve(new Response()),
        )
      )
      : pageOf([listedAt(1)], cursorAt(1));
  }
  const text = `event: open\ndata: {"reset":false}\n\nevent: message\ndata: ${
    JSON.stringify(listedAt(1))
  }\n\n`;
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
  });
  return new Response(body, {
    headers: { "Content-Type": "text/event-stream" },
  });
}

/** Brings a message and ends, or refuses to go on. */
function end(request: Request): Response {
  return new URL(request.url).searchParams.has("after")
    ? problem(403, { code: "forbidden" })
    : play(request, [listedAt(1)]);
}

const refuse = () => problem(403, { code: "forbidden" });

for (const transport of Object.keys(TRANSPORTS) as Transport[]) {
  const endings: Readonly<
    Record<string, [
      answer: (request: Request) => Response | Promise<Response>,
      finish: (
        arrivals: AsyncGenerator<unknown>,
        counted: CountedSignal,
      ) => Promise<unknown>,
    ]>
  > = {
    "was left": [stay, async (arrivals) => {
      await arrivals.next();
      await arrivals.return(undefined);
    }],
    "was aborted": [stay, async (arrivals, counted) => {
      const all = Array.fromAsync(arrivals);
      all.catch(() => {});
      await settled(() => {});
      counted.end(new Error("enough"));
      await assert.rejects(all, /enough/);
    }],
    "came to its end": [end, async (arrivals) => {
      await Array.fromAsync(arrivals).catch(() => {});
    }],
    "was refused": [
      refuse,
      (arrivals) => assert.rejects(Array.fromAsync(arrivals)),
    ],
  };
  Deno.test(`following by ${transport} leaves neither listener nor timer`, async (t) => {
    for (const [how, [answer, finish]] of Object.entries(endings)) {
      await t.step(`that ${how}`, async () => {
        await using scene = openScene(transport, answer);
        const counted = new CountedSignal();
        const arrivals = TRANSPORTS[transport]({
          session: scene.session,
          after: null,
          signal: counted.signal,
        });
        await finish(arrivals, counted);
        assert.equal(counted.listeners, 0);
        assert.equal(scene.clock.timers, 0);
      });
    }
  });
}
