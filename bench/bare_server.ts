/**
 * What the platform takes for the same traffic: a server of the relay's paths
 * that does nothing which it need not.
 */
import type { Bytes } from "../lib/bytes.ts";
import { SUBPROTOCOL } from "../routes/socket.ts";

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
    if (request.method === "POST") return await storeBody(kv, request);
    const isIdle = new URL(request.url).searchParams.has("idle");
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

function answerSocket(
  request: Request,
  messages: AsyncIterator<string>,
): Response {
  const { socket, response } = Deno.upgradeWebSocket(request, {
    protocol: SUBPROTOCOL,
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
