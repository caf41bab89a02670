/** The ways to read, in each of their forms, as something that gives one message at a time. */
import { elementPage, ELEMENTS, frameMessage } from "./elements.ts";
import { EventSourceParserStream } from "./event_source.ts";
import type { Listed, Owner, Page } from "./owner.ts";

/** A reader of a mailbox. */
export interface Reader {
  /** The next message; never ends by itself. */
  next(): Promise<Listed>;
  close(): Promise<void>;
}

/** Starts to read behind a cursor, or from the oldest held. */
export type Transport = (
  owner: Owner,
  after: string | null,
  socketUrl: string,
) => Promise<Reader>;

function query(after: string | null): string {
  return after === null ? "" : `?after=${after}`;
}

/** Takes messages from pages. */
function paged(
  read: (after: string | null) => Promise<Page>,
  start: string | null,
): Reader {
  let after = start;
  let held: Listed[] = [];
  return {
    async next() {
      while (held.length === 0) {
        const page = await read(after);
        after = page.next;
        held = [...page.messages];
      }
      return held.shift() as Listed;
    },
    close: () => Promise.resolve(),
  };
}

/** Asks again and again. */
const poll: Transport = (owner, after) =>
  Promise.resolve(paged((cursor) => owner.read(query(cursor)), after));

/** Asks, and waits for the answer. */
const longPoll: Transport = (owner, after) =>
  Promise.resolve(paged(async (cursor) => {
    const path = `/v1/mailboxes/${owner.mailbox}/messages${query(cursor)}`;
    const response = await owner.fetch(path, { headers: { Prefer: "wait=5" } });
    return await response.json();
  }, after));

/** Asks for elements. */
const elementPoll: Transport = (owner, after) =>
  Promise.resolve(
    paged((cursor) => askForElements(owner, cursor, ELEMENTS), after),
  );

/** Asks for elements, and waits for the answer. */
const elementLongPoll: Transport = (owner, after) => {
  const headers = { ...ELEMENTS, Prefer: "wait=5" };
  return Promise.resolve(
    paged((cursor) => askForElements(owner, cursor, headers), after),
  );
};

async function askForElements(
  owner: Owner,
  after: string | null,
  headers: Record<string, string>,
): Promise<Page> {
  const path = `/v1/mailboxes/${owner.mailbox}/messages${query(after)}`;
  return await elementPage(await owner.fetch(path, { headers }));
}

/** An open stream of events. */
const events: Transport = async (owner, after) => {
  const response = await owner.fetch(
    `/v1/mailboxes/${owner.mailbox}/messages`,
    {
      headers: {
        Accept: "text/event-stream",
        ...(after && { "Last-Event-ID": after }),
      },
    },
  );
  const stream = response.body!.pipeThrough(new EventSourceParserStream())
    .getReader();
  return {
    async next() {
      for (;;) {
        const { value, done } = await stream.read();
        if (done) throw new Error("the stream has ended");
        if (value.event === "message") return JSON.parse(value.data);
      }
    },
    close: () => stream.cancel(),
  };
};

/** A WebSocket of JSON. */
const socket: Transport = (...place) => openSocket("restante.v1", ...place);

/** A WebSocket of elements. */
const elementSocket: Transport = (...place) =>
  openSocket("restante.v1.binary", ...place);

/** A WebSocket, with its token as a browser brings it. */
async function openSocket(
  subprotocol: string,
  owner: Owner,
  after: string | null,
  socketUrl: string,
): Promise<Reader> {
  const url = `${socketUrl}/v1/mailboxes/${owner.mailbox}/socket${
    query(after)
  }`;
  const socket = new WebSocket(url, [
    subprotocol,
    `bearer.${await owner.token()}`,
  ]);
  socket.binaryType = "arraybuffer";
  const frames = new ReadableStream<string | ArrayBuffer>({
    start(controller) {
      socket.onmessage = ({ data }) => controller.enqueue(data);
      socket.onclose = () => controller.close();
    },
  }).getReader();
  // One that is given up while it connects keeps its server from shutting down.
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  return {
    async next() {
      const { value, done } = await frames.read();
      if (done) throw new Error("the socket was closed");
      return frameMessage(value);
    },
    async close() {
      if (socket.readyState === WebSocket.CLOSED) return;
      const closed = new Promise((resolve) =>
        socket.addEventListener("close", resolve)
      );
      socket.close();
      await closed;
    },
  };
}

/** Every transport by its name. */
export const TRANSPORTS: Readonly<Record<string, Transport>> = {
  poll,
  longPoll,
  elementPoll,
  elementLongPoll,
  events,
  socket,
  elementSocket,
};
