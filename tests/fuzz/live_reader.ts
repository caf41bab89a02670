/** Readers that stay: a stream of events, and a WebSocket. */
import assert from "node:assert/strict";
import { frameMessage } from "../routes/elements.ts";
import type { Listed, Owner } from "../routes/owner.ts";
import { LINKS } from "./mail.ts";

/** What comes to a reader that stays. */
export type Item =
  | { readonly kind: "message"; readonly message: Listed }
  | { readonly kind: "end"; readonly reason: string }
  | { readonly kind: "broken" };

/** A reader that stays. */
export interface LiveReader {
  /** The next item; after an end there is none. */
  next(): Promise<Item>;
  /** Drops the connection. */
  drop(): Promise<void>;
}

/** A link as fast as any; it is not told to the relay. */
export const ANY_LINK = Infinity;
/** Links that a reader may have. */
export const READER_LINKS: readonly number[] = [ANY_LINK, ANY_LINK, ...LINKS];

/** What a reader asks for, as a query. */
export function queryOf(
  { bandwidth, ...others }: Record<string, string | number | null> & {
    bandwidth: number;
  },
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(others)) {
    if (value !== null) query.set(name, String(value));
  }
  if (bandwidth !== ANY_LINK) query.set("bandwidth", String(bandwidth));
  return `?${query}`;
}

const ENDED = { done: true, value: undefined } as const;

/**
 * Opens a stream of events, by a connection or, without a URL, in this process,
 * and waits until the relay says that it is open.
 */
export async function openEvents(
  owner: Owner,
  after: string | null,
  bandwidth: number,
  url: string | null,
): Promise<LiveReader> {
  const path = `/v1/mailboxes/${owner.mailbox}/messages${
    queryOf({ bandwidth })
  }`;
  const headers = {
    Accept: "text/event-stream",
    ...(after && { "Last-Event-ID": after }),
  };
  const response = url === null
    ? await owner.fetch(path, { headers })
    : await fetch(url + path, {
      headers: { ...headers, Authorization: `Bearer ${await owner.token()}` },
    });
  assert.equal(response.status, 200, "a stream is opened");
  // By hand: what a pipe reads ahead, it does not give up when it is dropped.
  const stream = (response.body as ReadableStream<Uint8Array>).getReader();
  const utf8 = new TextDecoder();
  let held = "";
  const block = async () => {
    for (;;) {
      const end = held.indexOf("\n\n");
      if (end !== -1) {
        const text = held.slice(0, end);
        held = held.slice(end + 2);
        return text;
      }
      const { value, done } = await stream.read().catch(() => ENDED);
      if (done) return null;
      held += utf8.decode(value, { stream: true });
    }
  };
  const event = async () => {
    for (;;) {
      const text = await block();
      if (text === null) return null;
      const [, name, , id, data] =
        /^event: (\w+)\n(id: (.*)\n)?data: (.*)$/.exec(text) ?? [];
      if (name !== undefined) return { name, id, data: JSON.parse(data ?? "") };
      assert.equal(text, ":", "a beat");
    }
  };
  const opened = await event();
  assert.ok(opened, "a stream begins");
  assert.deepEqual([opened.name, opened.data], ["open", { reset: false }]);
  return {
    async next() {
      const got = await event();
      if (got === null) return { kind: "broken" };
      const { name, id, data } = got;
      if (name === "message") {
        assert.equal(id, data.cursor, "an event's id is the cursor");
        return { kind: "message", message: data };
      }
      assert.equal(name, "end");
      return { kind: "end", reason: data.reason };
    },
    drop: () => stream.cancel().catch(() => {}), // it may be broken
  };
}

/** Connects a WebSocket, with its token as a browser brings it. */
export async function openSocket(
  owner: Owner,
  after: string | null,
  bandwidth: number,
  url: string,
  isBinary: boolean,
): Promise<LiveReader> {
  const path = `/v1/mailboxes/${owner.mailbox}/socket`;
  const socket = new WebSocket(
    url.replace("http", "ws") + path + queryOf({ after, bandwidth }),
    [
      isBinary ? "restante.v1.binary" : "restante.v1",
      `bearer.${await owner.token()}`,
    ],
  );
  socket.binaryType = "arraybuffer";
  const items = new ReadableStream<Item>({
    start(controller) {
      socket.onmessage = ({ data }) => {
        assert.equal(typeof data !== "string", isBinary, "as agreed on");
        controller.enqueue({ kind: "message", message: frameMessage(data) });
      };
      socket.onclose = ({ reason }) => {
        const isSaid = reason !== "" && reason !== "internal";
        controller.enqueue(
          isSaid ? { kind: "end", reason } : { kind: "broken" },
        );
        controller.close();
      };
    },
  }).getReader();
  // One that is given up while it connects keeps its server from shutting down.
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  return {
    async next() {
      const { value, done } = await items.read();
      assert.ok(!done, "a socket says why it closes");
      return value;
    },
    async drop() {
      if (socket.readyState === WebSocket.CLOSED) return;
      const closed = new Promise((resolve) =>
        socket.addEventListener("close", resolve)
      );
      socket.close();
      await closed;
    },
  };
}
