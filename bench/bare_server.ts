/**
 * What the platform takes for the same traffic: a server of the relay's paths
 * that does nothing which it need not.
 */
import type { Bytes } from "../lib/bytes.ts";
import { SUBPROTOCOLS } from "../lib/elements.ts";
import { answerPage } from "./bare_pages.ts";

const OPEN = "event: open\ndata: {}\n\n";

/**
 * Serves on a free port and gives its URL. There is one mailbox, of which every
 * reader is, but for those whose query says `idle`: they never hear anything.
 */
export function serveBare(kv: Deno.Kv): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen: ({ port }) => resolve(`http://127.0.0.1:${port}`),
  }, async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/v1/quotes") return await answerQuote(kv, request);
    if (searchParams.has("refuse")) return await refuseBody(request);
    if (searchParams.has("page")) return await answerPage(kv, request);
    if (request.method === "POST") return await storeBody(kv, request);
    if (searchParams.has("crowd")) return answerCrowd(kv, request);
    const isIdle = searchParams.has("idle");
    const messages = isIdle ? SILENCE : watch(kv);
    if (!isIdle) await messages.next();
    return request.headers.has("Upgrade")
      ? answerSocket(request, messages)
      : answerEvents(messages);
  });
  return promise;
}

async function storeBody(kv: Deno.Kv, request: Request): Promise<Response> {
  const body = await request.bytes();
  const id = crypto.randomUUID();
  await kv.atomic().set(["message", id], body).set(["head"], id).commit();
  return new Response(id, { status: 201 });
}

/** Reads a question and one entry. */
async function answerQuote(kv: Deno.Kv, request: Request): Promise<Response> {
  const { bytes } = await request.json();
  await kv.get(["head"]);
  return Response.json({ bytes });
}

/** Reads a body and does nothing with it. */
async function refuseBody(request: Request): Promise<Response> {
  const { length } = await request.bytes();
  return Response.json({ length }, { status: 428 });
}

/** Each message that comes; nothing at first, once the watch is on. */
async function* watch(kv: Deno.Kv): AsyncGenerator<string> {
  let isOn = false;
  for await (const [{ value }] of kv.watch<[string]>([["head"]])) {
    const { value: body } = await kv.get<Bytes>(["message", value ?? ""]);
    yield isOn ? body?.toBase64() ?? "" : "";
    isOn = true;
  }
}

/** No message, ever, and nothing to remember for it. */
const SILENCE: AsyncIterator<string> = { next: () => new Promise(() => {}) };

function answerEvents(messages: AsyncIterator<string>): Response {
  const utf8 = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(utf8.encode(OPEN)),
    async pull(controller) {
      const { value } = await messages.next();
      controller.enqueue(utf8.encode(`event: message\ndata: ${value}\n\n`));
    },
    cancel: async () => {
      await messages.return?.();
    },
  });
  return new Response(body, {
    headers: { "Content-Type": "text/event-stream" },
  });
}

type Take = (message: string) => void;
/** Those who all hear the same, by one watch and from one text. */
let crowd: Set<Take> | null = null;

function crowdOf(kv: Deno.Kv): Set<Take> {
  if (crowd !== null) return crowd;
  const takers = crowd = new Set<Take>();
  (async () => {
    for await (const message of watch(kv)) {
      for (const take of takers) take(message);
    }
  })();
  return takers;
}

function answerCrowd(kv: Deno.Kv, request: Request): Response {
  const takers = crowdOf(kv);
  if (request.headers.has("Upgrade")) {
    const { socket, response } = Deno.upgradeWebSocket(request, {
      protocol: SUBPROTOCOLS.text,
    });
    socket.onopen = () => takers.add((message) => socket.send(message));
    return response;
  }
  const utf8 = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(utf8.encode(OPEN));
      takers.add((message) =>
        controller.enqueue(utf8.encode(`event: message\ndata: ${message}\n\n`))
      );
    },
  });
  return new Response(body, {
    headers: { "Content-Type": "text/event-stream" },
  });
}

function answerSocket(
  request: Request,
  messages: AsyncIterator<string>,
): Response {
  const { socket, response } = Deno.upgradeWebSocket(request, {
    protocol: SUBPROTOCOLS.text,
  });
  socket.onclose = () => messages.return?.();
  socket.onopen = async () => {
    for (;;) {
      const { value, done } = await messages.next();
      if (done) return;
      socket.send(value);
    }
  };
  return response;
}
