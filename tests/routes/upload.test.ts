/** Uploads over a real connection: too long, and broken off. */
import assert from "node:assert/strict";
import { completeHandshake } from "../../kv/mail/mailboxes.ts";
import { openStore } from "../../kv/store/store.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { envelopeBytes, NETWORK_LIMITS } from "../../lib/minima/maxtxpow.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { envelopeBytes as makeEnvelope } from "./envelopes.ts";
import { freshKey } from "./owner.ts";
import { listen, type ListeningRelay } from "./listening_relay.ts";
import { dump } from "./relay_fixture.ts";

const LIMIT = envelopeBytes(NETWORK_LIMITS);
/** What sockets on the way may hold besides what the relay has read. */
const BUFFERED = 16 * 2 ** 20;
const PART = 65_536;
const MAXTXPOW = "application/vnd.minima.maxtxpow";

/** A connection that has sent the head of an upload. */
function startUpload(
  relay: ListeningRelay,
  ...headers: readonly string[]
): Promise<Deno.TcpConn> {
  const type = `Content-Type: ${MAXTXPOW}`;
  return sendHead(relay, "/v1/messages", type, ...headers);
}

/** A connection that has sent the head of a post, and nothing of its body. */
async function sendHead(
  { listening }: ListeningRelay,
  path: string,
  ...headers: readonly string[]
): Promise<Deno.TcpConn> {
  const { hostname, port } = new URL(listening);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const head = [
    `POST ${path} HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    ...headers,
    "",
    "",
  ];
  await writeAll(connection, new TextEncoder().encode(head.join("\r\n")));
  return connection;
}

async function writeAll(
  connection: Deno.TcpConn,
  bytes: Uint8Array,
): Promise<void> {
  for (let sent = 0; sent < bytes.length;) {
    sent += await connection.write(bytes.subarray(sent));
  }
}

/** The status of the answer; null if the connection ends without one. */
async function readStatus(connection: Deno.TcpConn): Promise<number | null> {
  const bytes = new Uint8Array(1_024);
  const length = await connection.read(bytes).catch(() => null);
  const text = new TextDecoder().decode(bytes.subarray(0, length ?? 0));
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
  return status === undefined ? null : Number(status);
}

/** One part of a body of unknown length, as HTTP/1.1 frames it. */
function chunkOf(bytes: Uint8Array): Uint8Array {
  const utf8 = new TextEncoder();
  const head = utf8.encode(`${bytes.length.toString(16)}\r\n`);
  return new Uint8Array([...head, ...bytes, ...utf8.encode("\r\n")]);
}

Deno.test("POST /v1/messages cuts off an upload without end", async () => {
  await using relay = await listen();
  using connection = await startUpload(relay, "Transfer-Encoding: chunked");
  let status: number | null | undefined;
  const answered = readStatus(connection).then((read) => {
    status = read;
  });
  const part = chunkOf(new Uint8Array(PART));
  let sent = 0;
  for (; status === undefined && sent < LIMIT + BUFFERED; sent += PART) {
    const written = writeAll(connection, part).then(() => true, () => false);
    if (!await Promise.race([written, answered.then(() => false)])) break;
  }
  await answered;
  assert.ok(sent < LIMIT + BUFFERED, `${sent} bytes could be sent`);
  // The relay may close before the answer is read, which a reset then loses.
  assert.ok(status === 413 || status === null, `the answer is ${status}`);
  const health = await fetch(`${relay.url}/health`);
  assert.equal((await health.json()).status, "ok");
});

Deno.test("POST /v1/messages refuses an upload by its length before any of it is sent", async () => {
  await using relay = await listen();
  using connection = await startUpload(relay, `Content-Length: ${LIMIT + 1}`);
  assert.equal(await readStatus(connection), 413);
});

/** What is wrong by the head alone, and how it is answered. */
const BAD_HEADS: Readonly<
  Record<string, readonly [path: string, type: string, status: number]>
> = {
  "another media type": ["/v1/messages", "text/plain", 415],
  "a hold out of its range": ["/v1/messages?hold=1", MAXTXPOW, 400],
  "a parameter that is none": ["/v1/messages?priority=now", MAXTXPOW, 400],
  "a path that is none": ["/v1/message", MAXTXPOW, 404],
  "a method that is none": ["/health", MAXTXPOW, 405],
  "another media type of an answer": ["/v1/handshakes/a", "text/plain", 415],
  "no token": [`/v1/mailboxes/${"0".repeat(64)}/ack`, "application/json", 401],
};

Deno.test("what a head alone is refused for is answered before any of the body is sent", async (t) => {
  await using relay = await listen();
  for (const [what, [path, type, status]] of Object.entries(BAD_HEADS)) {
    for (const query of path.includes("?") ? ["", "&_=%41"] : ["", "?_=%41"]) {
      await t.step(`${what}, ${query === "" ? "plainly" : "not"}`, async () => {
        const headers = [`Content-Type: ${type}`, "Content-Length: 1000"];
        using connection = await sendHead(relay, path + query, ...headers);
        assert.equal(await readStatus(connection), status);
      });
    }
  }
});

Deno.test("POST /v1/messages reads an upload that says just the limit", async () => {
  await using relay = await listen();
  using connection = await startUpload(relay, `Content-Length: ${LIMIT}`);
  await writeAll(connection, new Uint8Array(LIMIT).fill(0xff));
  assert.equal(await readStatus(connection), 400, "read, and found to be none");
});

/** Everything in a store file but when it was written. */
async function dumpOf(file: string) {
  using store = await openStore(file);
  return (await dump(store)).map(({ key, value }) => ({ key, value }));
}

/** A store file with one mailbox in it. */
async function storeWithMailbox(file: string, publicKey: Bytes) {
  using store = await openStore(file);
  const now = Date.now();
  const handshake = { id: "0", expires: now + 60_000, publicKey };
  await completeHandshake(store, handshake, now);
  return await dump(store);
}

Deno.test("POST /v1/messages stores nothing of an upload that breaks off", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  const to = freshKey();
  const envelope = makeEnvelope({ to, time: Date.now() });
  await storeWithMailbox(file, to);
  { // what a relay notes when it starts is noted
    await using _relay = await listen(file);
  }
  const before = await dumpOf(file);
  {
    await using relay = await listen(file);
    const length = `Content-Length: ${envelope.length}`;
    for (const sent of [0, 1, envelope.length >> 1, envelope.length - 1]) {
      using connection = await startUpload(relay, length);
      await writeAll(connection, envelope.subarray(0, sent));
    }
    const chunked = "Transfer-Encoding: chunked";
    using connection = await startUpload(relay, chunked);
    await writeAll(connection, chunkOf(envelope)); // and no last chunk
  }
  assert.deepEqual(await dumpOf(file), before);
});

Deno.test("POST /v1/messages takes an upload in whatever parts it comes", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  const to = freshKey();
  const envelope = makeEnvelope({ to, time: Date.now() });
  await storeWithMailbox(file, to);
  await using relay = await listen(file);
  const length = `Content-Length: ${envelope.length}`;
  using whole = await startUpload(relay, length);
  for (let start = 0; start < envelope.length; start += 100) {
    await writeAll(whole, envelope.subarray(start, start + 100));
  }
  assert.equal(await readStatus(whole), 201);

  using chunked = await startUpload(relay, "Transfer-Encoding: chunked");
  for (let start = 0; start < envelope.length; start += 100) {
    await writeAll(chunked, chunkOf(envelope.subarray(start, start + 100)));
  }
  await writeAll(chunked, new TextEncoder().encode("0\r\n\r\n"));
  assert.equal(await readStatus(chunked), 200);
});
