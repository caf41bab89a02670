/** Mail that cannot be read: the reason for each, and the rest all the same. */
import assert from "node:assert/strict";
import {
  type Identity,
  makeIdentity,
  readAll,
  readPage,
  type ReceivedMessage,
  Relay,
  send,
  Session,
} from "../../client/mod.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { encode } from "../../lib/minima/codec.ts";
import {
  cryptoPackage,
  maximaInternal,
  maximaMessage,
  maxTxPow,
} from "../../lib/minima/maxima.ts";
import { integer } from "../../lib/minima/mininumber.ts";
import { encrypt, seal } from "../../lib/seal/maxima.ts";
import { makeEnvelope, makePackage, randomBytes } from "../routes/envelopes.ts";
import { listen } from "../routes/listening_relay.ts";
import type { Page } from "../routes/owner.ts";
import { elementPageOf, pageOf } from "./scripted.ts";

type Failure = ReceivedMessage["failure"];

/** A message to Alice in which the parts are whose they are said to be. */
async function sealed(
  alice: Identity,
  signer: Identity,
  { from = signer, named = from }: { from?: Identity; named?: Identity },
): Promise<Bytes> {
  const message = encode(maximaMessage, {
    random: randomBytes(32),
    from: named.key.publicKey,
    to: alice.key.publicKey,
    time: integer(Date.now()),
    application: "test",
    data: new Uint8Array(),
  });
  const internal = encode(maximaInternal, {
    from: from.key.publicKey,
    data: message,
    signature: await signer.key.sign(message),
  });
  return await encrypt(alice.key.publicKey, internal);
}

/** A message whose signature is right and which is none. */
async function sealedNoise(alice: Identity, signer: Identity): Promise<Bytes> {
  const noise = randomBytes(200);
  const internal = encode(maximaInternal, {
    from: signer.key.publicKey,
    data: noise,
    signature: await signer.key.sign(noise),
  });
  return await encrypt(alice.key.publicKey, internal);
}

/** Sealed bytes that a relay takes, and why they cannot be read. */
async function unreadable(
  alice: Identity,
  bob: Identity,
): Promise<[Failure, Bytes][]> {
  const toBob = await seal({
    to: bob.key.publicKey,
    from: bob.key,
    application: "test",
    data: new Uint8Array(),
    time: Date.now(),
  });
  const parts = { iv: 16, wrappedKey: 128, ciphertext: 700 };
  const shapes = [
    {},
    { iv: 0 },
    { iv: 15 },
    { iv: 17 },
    { wrappedKey: 0 },
    { wrappedKey: 127 },
    { wrappedKey: 129 },
    { ciphertext: 0 },
    { ciphertext: 704 },
  ];
  return [
    ["not-decryptable", new Uint8Array()],
    ["not-decryptable", randomBytes(860)],
    ["not-decryptable", toBob.data],
    ...shapes.map((shape): [Failure, Bytes] => {
      const { iv, wrappedKey, ciphertext } = { ...parts, ...shape };
      return [
        "not-decryptable",
        encode(cryptoPackage, {
          iv: randomBytes(iv),
          wrappedKey: randomBytes(wrappedKey),
          ciphertext: randomBytes(ciphertext),
        }),
      ];
    }),
    [
      "not-decryptable",
      await encrypt(alice.key.publicKey, new Uint8Array()),
    ],
    ["not-decryptable", await encrypt(alice.key.publicKey, randomBytes(300))],
    ["not-decryptable", await sealedNoise(alice, bob)],
    ["bad-signature", await sealed(alice, bob, { from: alice })],
    ["wrong-sender", await sealed(alice, bob, { named: alice })],
  ];
}

Deno.test("mail that cannot be opened is listed with the reason, and does not stop the rest", async () => {
  await using server = await listen();
  const relay = new Relay(server.url);
  const [alice, bob] = [await makeIdentity(1_024), await makeIdentity(1_024)];
  const session = new Session(relay, alice);
  await session.open();
  const table = await unreadable(alice, bob);
  for (const [, data] of table) {
    const unit = makeEnvelope({
      package: makePackage(alice.key.publicKey, data),
      time: Date.now(),
    });
    await relay.postMessage(encode(maxTxPow, unit));
  }
  const data = new TextEncoder().encode("hello");
  await send({
    relay,
    from: bob,
    to: alice.key.publicKey,
    application: "test",
    data,
    hold: 3_600,
  });
  const pages = await Array.fromAsync(readAll(session, null));
  const read = pages.flatMap(({ messages }) => messages);
  assert.deepEqual(
    read.map(({ failure }) => failure),
    [...table.map(([failure]) => failure), null],
  );
  for (const { letter, failure } of read) {
    assert.equal(letter === null, failure !== null);
  }
  assert.deepEqual(read.at(-1)?.letter?.data, data);
});

type Change = readonly [
  what: string,
  change: (body: string) => { body: string | null; expired?: boolean },
  failure: Failure,
];

/** What a relay may do to a listed message, and what it is taken for. */
const CHANGES: readonly Change[] = [
  ["nothing", (body) => ({ body }), null],
  ["no body", () => ({ body: null }), "withheld"],
  ["no body any more", () => ({ body: null, expired: true }), "expired"],
  ["half a body", (body) => ({ body: body.slice(0, 400) }), "damaged"],
  ["a body and more", (body) => ({ body: `${body}AAAA` }), "damaged"],
  [
    "another body",
    (body) => ({
      body: body.slice(0, 800) + (body[800] === "A" ? "B" : "A") +
        body.slice(801),
    }),
    "damaged",
  ],
];

/** The same of texts alone: bytes are always bytes, and none of them no body. */
const CHANGES_OF_TEXT: readonly Change[] = [
  ["a body that is no base64url", () => ({ body: "*" }), "damaged"],
  ["an empty body", () => ({ body: "" }), "damaged"],
];

/** The forms in which a changed page may be given. */
const WIRES = {
  JSON: ({ messages, next, ...flags }: Page) =>
    pageOf(messages.map((message) => ({ ...message })), next, flags),
  elements: ({ messages, next, ...flags }: Page) =>
    elementPageOf(messages.map((message) => ({ ...message })), next, flags),
};

/** A relay that gives its pages in one form, and each of their bodies changed. */
class ChangingRelay extends Relay {
  change = (body: string): object => ({ body });
  readonly #answer: (page: Page) => Response;

  constructor(url: string, answer: (page: Page) => Response) {
    super(url);
    this.#answer = answer;
  }

  override async fetch(path: string, request: RequestInit = {}) {
    const isPage = request.method === undefined &&
      /\/messages(\?|$)/.test(path);
    if (!isPage) return await super.fetch(path, request);
    const headers = new Headers(request.headers);
    headers.delete("Accept");
    const response = await super.fetch(path, { ...request, headers });
    const page: Page = await response.json();
    const messages = page.messages.map((message) => ({
      ...message,
      ...this.change(message.body ?? ""),
    }));
    return this.#answer({ ...page, messages });
  }
}

for (const [wire, answer] of Object.entries(WIRES)) {
  Deno.test(`a body in a page of ${wire} is believed if it is the message's that the relay lists`, async (t) => {
    await using server = await listen();
    const alice = await makeIdentity(1_024);
    const relay = new ChangingRelay(server.url, answer);
    const session = new Session(relay, alice);
    const ofText = wire === "JSON" ? CHANGES_OF_TEXT : [];
    for (const [what, change, failure] of [...CHANGES, ...ofText]) {
      await t.step(what, async () => {
        relay.change = (body) => ({ body });
        const { next } = await readPage(session, null);
        await send({
          relay,
          from: alice,
          to: alice.key.publicKey,
          application: "test",
          data: new TextEncoder().encode("hello"),
          hold: 3_600,
        });
        relay.change = change;
        const { messages: [message] } = await readPage(session, next);
        assert.ok(message);
        assert.equal(message.failure, failure);
        assert.equal(message.letter === null, failure !== null);
      });
    }
  });
}
