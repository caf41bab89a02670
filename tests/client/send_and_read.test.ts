/** Mail from one to another over a real relay. */
import assert from "node:assert/strict";
import {
  acknowledge,
  makeIdentity,
  readAll,
  readPage,
  type ReceivedMessage,
  Relay,
  RelayError,
  send,
  type SendOptions,
  Session,
  type StoredMessage,
  verifyReceipt,
} from "../../client/mod.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { encode } from "../../lib/minima/codec.ts";
import { maxTxPow } from "../../lib/minima/maxima.ts";
import { seal } from "../../lib/seal/maxima.ts";
import { makeEnvelope, randomBytes } from "../routes/envelopes.ts";
import { listen } from "../routes/listening_relay.ts";

/** A relay, Bob who writes, and Alice whose mailbox is open. */
async function openScene() {
  const server = await listen();
  const relay = new Relay(server.url);
  const alice = await makeIdentity(1_024);
  const session = new Session(relay, alice);
  assert.deepEqual(await session.open(), { id: alice.mailbox, created: true });
  return {
    relay,
    alice,
    session,
    bob: await makeIdentity(1_024),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

type Scene = Awaited<ReturnType<typeof openScene>>;

function write(
  { relay, alice, bob }: Scene,
  data: Bytes,
  options: Partial<SendOptions> = {},
) {
  return send({
    relay,
    from: bob,
    to: alice.key.publicKey,
    application: "test",
    data,
    hold: 3_600,
    ...options,
  });
}

/** Everything that a session can read. */
async function readEverything(session: Session): Promise<ReceivedMessage[]> {
  const all: ReceivedMessage[] = [];
  for await (const { messages } of readAll(session, null)) {
    all.push(...messages);
  }
  return all;
}

const LETTERS: readonly Bytes[] = [
  new Uint8Array(),
  new TextEncoder().encode("hello, wörld ✉"),
  new Uint8Array([0, 255, 128, 0]),
  randomBytes(5_000),
  randomBytes(150_000),
];

Deno.test("what one sends, another reads: byte for byte, in order, and from whom", async () => {
  await using scene = await openScene();
  const { relay, bob, session } = scene;
  const key = await relay.verifyingKey();
  const started = Date.now();
  const sent: StoredMessage[] = [];
  for (const data of LETTERS) {
    const stored = await write(scene, data);
    const receipt = await verifyReceipt(stored.receipt, key);
    assert.equal(receipt.jti, stored.id);
    assert.ok(stored.holdUntil - stored.storedAt >= 3_600_000);
    sent.push(stored);
  }
  const read = await readEverything(session);
  assert.equal(read.length, LETTERS.length);
  for (const [i, { letter, failure, ...facts }] of read.entries()) {
    const stored = sent[i];
    assert.ok(stored && letter);
    assert.equal(failure, null);
    const { id, object, cursor, size, storedAt, holdUntil } = stored;
    assert.deepEqual(facts, { id, object, cursor, size, storedAt, holdUntil });
    assert.deepEqual(letter.data, LETTERS[i]);
    assert.equal(letter.from, bob.key.publicKey.toHex());
    assert.equal(letter.application, "test");
    assert.ok(letter.time >= started && letter.time <= Date.now());
    assert.match(letter.maximaId, /^[0-9a-f]{64}$/);
  }
});

Deno.test("send() tells of the price, of the mining and of the upload", async () => {
  await using scene = await openScene();
  const quotes: number[] = [];
  const uploads: [number, number][] = [];
  const data = randomBytes(60_000);
  const stored = await write(scene, data, {
    hold: 86_400,
    onQuote: ({ hashes }) => quotes.push(hashes),
    onUpload: (sent, total) => uploads.push([sent, total]),
  });
  assert.equal(quotes.length, 1);
  assert.equal(stored.paid.hashes, quotes[0]);
  // Slightly more than what is sent was priced, so it is held for longer.
  assert.ok(stored.holdUntil - stored.storedAt >= 86_400_000);
  assert.ok(uploads.length >= 4);
  for (const [i, [sent, total]] of uploads.entries()) {
    assert.equal(total, stored.size);
    assert.ok(sent >= (uploads[i - 1]?.[0] ?? 0) && sent <= total);
  }
  assert.equal(uploads.at(-1)?.[0], stored.size);
});

Deno.test("send() ends when it is told to, and posts nothing", async () => {
  await using scene = await openScene();
  const why = new Error("enough");
  const stop = new AbortController();
  const { signal } = stop;
  const onQuote = () => stop.abort(why);
  await assert.rejects(
    write(scene, new Uint8Array(), { signal, onQuote }),
    why,
  );
  await assert.rejects(write(scene, new Uint8Array(), { signal }), why);
  assert.deepEqual(await readEverything(scene.session), []);
});

Deno.test("send() to a mailbox that nobody opened is refused by the relay", async () => {
  await using scene = await openScene();
  const { key: { publicKey: to } } = await makeIdentity(1_024);
  await assert.rejects(
    write(scene, new Uint8Array(), { to }),
    (error) => error instanceof RelayError && error.code === "mailbox-unknown",
  );
});

Deno.test("readAll() goes through all pages, from any cursor", async () => {
  await using scene = await openScene();
  const { session, relay, alice, bob } = scene;
  // A page ends at a mebibyte: of 250,000 bytes four make one.
  const { key: { publicKey: to } } = alice;
  for (let i = 0; i < 6; i++) {
    const sealed = await seal({
      to,
      from: bob.key,
      application: "test",
      data: randomBytes(250_000),
      time: Date.now(),
    });
    const unit = makeEnvelope({
      package: sealed,
      time: Date.now(),
      hashes: 30_000,
    });
    await relay.postMessage(encode(maxTxPow, unit));
  }
  const pages = await Array.fromAsync(readAll(session, null));
  assert.deepEqual(
    pages.map(({ messages, more }) => [messages.length, more]),
    [[4, true], [2, false]],
  );
  const all = pages.flatMap(({ messages }) => messages);
  for (const [i, { cursor }] of all.entries()) {
    const rest = await readPage(session, cursor);
    assert.deepEqual(
      rest.messages.map(({ id }) => id),
      all.slice(i + 1, i + 5).map(({ id }) => id),
    );
    assert.equal(rest.reset, false);
  }
});

Deno.test("acknowledge() has the relay forget what every device has", async () => {
  await using scene = await openScene();
  const { session } = scene;
  const { next: start } = await readPage(session, null);
  await acknowledge(session, start, "tablet");
  for (const data of LETTERS.slice(0, 3)) await write(scene, data);
  const [, second] = await readEverything(session);
  assert.ok(second);
  await acknowledge(session, second.cursor, "phone");
  assert.equal((await readEverything(session)).length, 3);
  await acknowledge(session, second.cursor, "tablet");
  assert.equal((await readEverything(session)).length, 1);
});
