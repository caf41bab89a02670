/** What a client believes of a price, and what it tells to get one. */
import assert from "node:assert/strict";
import {
  type Identity,
  makeIdentity,
  type Quote,
  Relay,
  RelayError,
  send,
  type SendOptions,
  Session,
} from "../../client/mod.ts";
import { hexTarget, targetOf } from "../../lib/work/target.ts";
import { listen } from "../routes/listening_relay.ts";
import { freshKey } from "../routes/owner.ts";
import { assertClientError } from "./assert_client_error.ts";
import { FakeRelay, problem } from "./fake_relay.ts";

/** Sends a short message, to its own sender if nobody else is named. */
function write(
  relay: Relay,
  from: Identity,
  options: Partial<SendOptions> = {},
) {
  return send({
    relay,
    from,
    to: from.key.publicKey,
    application: "test",
    data: new Uint8Array(),
    hold: 3_600,
    ...options,
  });
}

const BAD_QUOTES: readonly unknown[] = [
  { work: { target: "", hashes: 1 } },
  { work: { target: "0", hashes: 1 } },
  { work: { target: "-1", hashes: 1 } },
  { work: { target: "0x00", hashes: 1 } },
  { work: { target: 1, hashes: 1 } },
  { work: { target: "00" } },
  { target: "00", hashes: 1 },
];

Deno.test("quote() refuses a target that is none", async (t) => {
  for (const quote of BAD_QUOTES) {
    await t.step(JSON.stringify(quote), async () => {
      await using fake = new FakeRelay(() => Response.json(quote));
      const relay = new Relay(fake.url);
      await assertClientError(relay.quote(1, 3_600), "relay-nonsense");
    });
  }
});

/** Targets that nobody can mine for. */
const ABSURD: readonly string[] = [
  "00",
  "01",
  "00".repeat(16) + "ff".repeat(16),
];

Deno.test("send() refuses an absurd price before it mines, whatever the relay calls it", async (t) => {
  const from = await makeIdentity(1_024);
  for (const target of ABSURD) {
    await t.step(`target ${target.slice(0, 40)}`, async () => {
      const answer = { work: { target, hashes: 10_000 } };
      await using fake = new FakeRelay(() => Response.json(answer));
      const stop = new AbortController();
      const sent = write(new Relay(fake.url), from, {
        signal: stop.signal,
        onMining: () => stop.abort(new Error("it mines")),
      });
      await assertClientError(sent, "price-too-high");
      assert.deepEqual(fake.asked, ["POST /v1/quotes"]);
    });
  }
});

Deno.test("send() mines no more than it is told to", async () => {
  await using server = await listen();
  const relay = new Relay(server.url);
  const from = await makeIdentity(1_024);
  await new Session(relay, from).open();
  const little = write(relay, from, { maxHashes: 9_999 });
  await assertClientError(little, "price-too-high");
  const { paid } = await write(relay, from, { maxHashes: 10_000 });
  assert.equal(paid.hashes, 10_000);
});

Deno.test("a session refuses an absurd price before it mines", async (t) => {
  const identity = await makeIdentity(1_024);
  for (const target of ABSURD) {
    await t.step(`target ${target.slice(0, 40)}`, async () => {
      await using fake = new FakeRelay(() =>
        Response.json({
          handshake: "x",
          relayKey: identity.key.publicKey.toHex(),
          challenge: "00",
          work: { target, hashes: 10_000 },
        })
      );
      const session = new Session(new Relay(fake.url), identity);
      await assertClientError(session.open(), "price-too-high");
      assert.deepEqual(fake.asked, ["POST /v1/handshakes"]);
    });
  }
});

Deno.test("send() asks for the price first, and does not say who sends", async () => {
  const from = await makeIdentity(1_024);
  const bodies: string[] = [];
  await using fake = new FakeRelay(async (request) => {
    bodies.push(await request.text());
    return problem(404, { code: "mailbox-unknown", detail: "none" });
  });
  const { key: { publicKey: to } } = await makeIdentity(1_024);
  const sent = write(new Relay(fake.url), from, { to });
  await assert.rejects(sent, RelayError);
  assert.deepEqual(fake.asked, ["POST /v1/quotes"]);
  assert.ok(!bodies.join().includes(from.key.publicKey.toHex()));
  assert.ok(!bodies.join().includes(from.mailbox));
});

Deno.test("send() refuses a recipient whose key nothing can be sealed to", async () => {
  const from = await makeIdentity(1_024);
  await using fake = new FakeRelay(() => new Response());
  // Ed25519: suite maxima seals to RSA alone.
  const sent = write(new Relay(fake.url), from, { to: freshKey() });
  await assert.rejects(sent, /RSA/);
  assert.deepEqual(fake.asked, []);
});

Deno.test("send() comes again as a refusal tells it, each time with twice the work, fifteen times", async () => {
  await using server = await listen();
  const from = await makeIdentity(1_024);
  let mined: number[] = [];
  /** Tells a price by what was asked for last, as often as it is to. */
  class RisingRelay extends Relay {
    left = 0;
    next = (hashes: number) => 2 * hashes;

    override async fetch(
      path: string,
      request?: RequestInit,
    ): Promise<Response> {
      if (path === "/v1/quotes") {
        const work = { target: hexTarget(targetOf(16)), hashes: 16 };
        return Response.json({ work });
      }
      if (!path.startsWith("/v1/messages")) {
        return await super.fetch(path, request);
      }
      if (this.left-- <= 0) throw new RelayError("mailbox-full", 507, {});
      const hashes = this.next(mined.at(-1) ?? 0);
      const target = hexTarget(targetOf(hashes));
      throw new RelayError("work-insufficient", 428, { target, hashes });
    }
  }
  const relay = new RisingRelay(server.url);
  const post = async (left: number, options: Partial<SendOptions> = {}) => {
    relay.left = left;
    mined = [];
    const onQuote = ({ hashes }: Quote) => void mined.push(hashes);
    const sent = write(relay, from, { onQuote, ...options });
    return await sent.then(() => "", ({ code }) => code);
  };
  const doublings = Array.from({ length: 16 }, (_, i) => 16 * 2 ** i);
  assert.equal(await post(15), "mailbox-full");
  assert.deepEqual(mined, doublings);
  assert.equal(await post(16), "work-insufficient");
  assert.deepEqual(mined, doublings);
  assert.equal(await post(16, { maxHashes: 64 }), "price-too-high");
  assert.deepEqual(mined, [16, 32, 64, 128]);
  relay.next = (hashes) => hashes + 1;
  assert.equal(await post(3), "mailbox-full");
  assert.deepEqual(mined, [16, 17, 34, 68]);
  for (const less of [0, 1]) {
    relay.next = (hashes) => hashes - less;
    assert.equal(await post(3), "relay-nonsense");
    assert.deepEqual(mined, [16]);
  }
});

Deno.test("send() asks for the price anew where a refusal does not tell it, three times", async (t) => {
  await using server = await listen();
  const from = await makeIdentity(1_024);
  const untold: readonly Record<string, unknown>[] = [
    {},
    { target: 5 },
    { target: "" },
    { target: "0x10" },
    { target: "F".repeat(64) },
    { target: "f".repeat(65) },
  ];
  /** Refuses so many messages, and then says that there is no room. */
  class SilentRelay extends Relay {
    quotes = 0;

    constructor(
      private readonly members: Record<string, unknown>,
      private left: number,
    ) {
      super(server.url);
    }

    override async fetch(
      path: string,
      request?: RequestInit,
    ): Promise<Response> {
      if (path === "/v1/quotes") {
        this.quotes++;
        const work = { target: hexTarget(targetOf(16)), hashes: 16 };
        return Response.json({ work });
      }
      if (!path.startsWith("/v1/messages")) {
        return await super.fetch(path, request);
      }
      if (this.left-- <= 0) throw new RelayError("mailbox-full", 507, {});
      throw new RelayError("work-insufficient", 428, this.members);
    }
  }
  for (const members of untold) {
    await t.step(JSON.stringify(members).slice(0, 40), async () => {
      for (
        const [refusals, code] of [
          [3, "mailbox-full"],
          [4, "work-insufficient"],
        ] as const
      ) {
        const relay = new SilentRelay(members, refusals);
        await assert.rejects(
          write(relay, from),
          (error) => error instanceof RelayError && error.code === code,
        );
        assert.equal(relay.quotes, 4);
      }
    });
  }
});
