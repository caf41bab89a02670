/** A mailbox as a test scripts it: what is listed, and what comes by a socket. */
import assert from "node:assert/strict";
import {
  makeIdentity,
  type ReceivedMessage,
  Relay,
  Session,
  type Transport,
  watch,
  type WatchEvent,
  type WatchOptions,
} from "../../client/mod.ts";
import { type Element, encodeElements } from "../../lib/elements.ts";
import { ManualClock } from "../manual_clock.ts";
import { FakeHome, type HomeOptions } from "./fake_home.ts";

/** Whose mailbox it is. */
export const ALICE = await makeIdentity(1_024);
/** Where it is. */
export const MAILBOX = `/v1/mailboxes/${ALICE.mailbox}`;

/** The cursor of a place in a store. */
export function cursorAt(place: number, epoch = "a"): string {
  return `${epoch.repeat(12)}-${String(place).padStart(20, "0")}`;
}

/** A message as a relay lists it: one that expired, which needs no key. */
export function listedAt(place: number, epoch = "a"): Record<string, unknown> {
  return {
    cursor: cursorAt(place, epoch),
    id: "0".repeat(64),
    object: "0".repeat(64),
    size: 1,
    storedAt: 1,
    holdUntil: 1,
    body: null,
    expired: true,
  };
}

/** A page of messages, and where it ends. */
export function pageOf(
  messages: readonly Record<string, unknown>[],
  next: string,
  members: Record<string, unknown> = {},
): Response {
  return Response.json({
    messages,
    next,
    more: false,
    reset: false,
    ...members,
  });
}

/** The same page as elements. */
export function elementPageOf(
  messages: readonly Record<string, unknown>[],
  next: string,
  { more = false, reset = false }: Record<string, unknown> = {},
): Response {
  return new Response(encodeElements(messages.map(elementOf)), {
    headers: {
      "Content-Type": "application/vnd.restante.messages",
      "Restante-Next": next,
      "Restante-More": String(more),
      "Restante-Reset": String(reset),
    },
  });
}

/** A message as a relay lists it, in two parts. */
export function elementOf(
  { body, ...facts }: Readonly<Record<string, unknown>>,
): Element {
  const bytes = typeof body === "string"
    ? Uint8Array.fromBase64(body, { alphabet: "base64url" })
    : null;
  return { facts, body: bytes };
}

/**
 * A socket to whoever asks for one, given away as soon as it is open: of JSON, as
 * older relays know it alone, if not told otherwise.
 */
export function upgrade(
  request: Request,
  onOpen: (socket: WebSocket) => void,
  protocol = "restante.v1",
): Response {
  const { socket, response } = Deno.upgradeWebSocket(request, {
    protocol,
    idleTimeout: 0,
  });
  socket.onopen = () => onOpen(socket);
  return response;
}

/** Whether a request is for a socket. */
export function isUpgrade(request: Request): boolean {
  return request.headers.get("Upgrade") === "websocket";
}

/** The cursors of the next messages of a watch. */
export async function takeCursors(
  messages: AsyncGenerator<ReceivedMessage>,
  count: number,
): Promise<string[]> {
  const cursors: string[] = [];
  while (cursors.length < count) {
    const { value, done } = await messages.next();
    assert.ok(!done);
    cursors.push(value.cursor);
  }
  return cursors;
}

/** What something comes to, once the event loop has nothing new for it. */
export async function settled<T>(read: () => T): Promise<T> {
  for (let turns = 0; turns < 100; turns++) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  return read();
}

/** Waits until something holds; not for ever. */
export async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    if (await settled(holds)) return;
  }
  assert.fail(`never: ${holds}`);
}

/** Sends messages of some places. */
export function sendTo(socket: WebSocket, ...places: number[]): void {
  for (const place of places) socket.send(JSON.stringify(listedAt(place)));
}

/** A home, a clock, and a watch by one transport of whose mailbox it is. */
export function openScene(
  transport: Transport,
  answer: (request: Request) => Response | Promise<Response>,
  { skipsPauses = true, ...options }: HomeOptions & {
    /** Whether the clock moves on by itself where a watch waits. */
    readonly skipsPauses?: boolean;
  } = {},
) {
  const home = new FakeHome(answer, options);
  const clock = new ManualClock(Date.now());
  const relay = new Relay(home.url, { clock, patience: 0 });
  const session = new Session(relay, ALICE);
  const events: WatchEvent[] = [];
  return {
    home,
    clock,
    session,
    /** What the watch told. */
    events,
    watch: ({ onEvent, ...more }: WatchOptions = {}) =>
      watch(session, {
        transports: [transport],
        ...more,
        onEvent(event) {
          events.push(event);
          onEvent?.(event);
          if (event.kind !== "waiting" || !skipsPauses) return;
          queueMicrotask(() => clock.advance(event.milliseconds));
        },
      }),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  };
}

/** Messages by the transport that a request asks for, which then ends. */
export function play(
  request: Request,
  messages: readonly Record<string, unknown>[],
  { reset = false } = {},
): Response {
  const texts = messages.map((message) => JSON.stringify(message));
  if (isUpgrade(request)) {
    return upgrade(request, (socket) => {
      for (const text of texts) socket.send(text);
      socket.close();
    });
  }
  if (request.headers.get("Accept") !== "text/event-stream") {
    return pageOf(messages, String(messages.at(-1)?.["cursor"]), { reset });
  }
  const events = [
    `event: open\ndata: ${JSON.stringify({ reset })}\n\n`,
    ...texts.map((text) => `event: message\ndata: ${text}\n\n`),
    "event: end\ndata: {}\n\n",
  ];
  return new Response(events.join(""), {
    headers: { "Content-Type": "text/event-stream" },
  });
}
