/** What a relay says it stored is believed if it signed what was sent. */
import assert from "node:assert/strict";
import {
  makeIdentity,
  Relay,
  RelayError,
  send,
  Session,
  type StoredMessage,
  verifyReceipt,
} from "../../client/mod.ts";
import { mailboxIdOf } from "../../lib/ids.ts";
import { type Receipt, signReceipt } from "../../lib/receipt.ts";
import { importSigningKey, type SigningKey } from "../../lib/signing_key.ts";
import { ManualClock } from "../manual_clock.ts";
import { listen } from "../routes/listening_relay.ts";
import { makeRelayKeys, sharedPkcs8 } from "../routes/shared_keys.ts";
import { assertClientError } from "./assert_client_error.ts";
import { problem } from "./fake_relay.ts";

const HOLD = 3_600;
const DAY = 86_400;
const KEY = await importSigningKey((await sharedPkcs8()).signing);
const [ALICE, BOB] = [await makeIdentity(1_024), await makeIdentity(1_024)];
const OTHER_HASH = "0".repeat(64);

/** What is changed of an answer: its members, and what is signed. */
interface Lie {
  readonly stored?: (stored: StoredMessage) => Partial<StoredMessage>;
  readonly receipt?: (receipt: Receipt) => Partial<Receipt>;
  /** Who signs. */
  readonly key?: SigningKey;
  /** Whose key is published. */
  readonly published?: SigningKey;
}

/** A relay that stores what it gets, and then lies about it. */
class LyingRelay extends Relay {
  lie: Lie = {};
  /** What was asked, in order. */
  readonly asked: string[] = [];
  /** How often to refuse for want of work. */
  rises = 0;

  override async fetch(path: string, request?: RequestInit): Promise<Response> {
    this.asked.push(path);
    const isPost = path.startsWith("/v1/messages");
    if (isPost && this.rises-- > 0) {
      throw new RelayError("work-insufficient", 428, {});
    }
    const response = await super.fetch(path, request);
    if (path.startsWith("/.well-known") && this.lie.published) {
      const { relayId: id, jwk: signing } = this.lie.published;
      const descriptor = await response.json();
      const keys = { ...descriptor.keys, signing };
      return Response.json({ ...descriptor, id, keys });
    }
    if (!isPost) return response;
    const stored: StoredMessage = await response.json();
    const { receipt, key = KEY } = this.lie;
    const honest = await verifyReceipt(stored.receipt, KEY);
    const signed = receipt === undefined && this.lie.key === undefined
      ? stored.receipt
      : await signReceipt(key, { ...honest, ...receipt?.(honest) });
    const changes = this.lie.stored?.(stored);
    return Response.json({ ...stored, receipt: signed, ...changes });
  }
}

async function openScene() {
  const server = await listen();
  const relay = new LyingRelay(server.url, {
    clock: new ManualClock(Date.now()),
  });
  await new Session(relay, BOB).open();
  relay.asked.length = 0;
  const write = (hold = HOLD) =>
    send({
      relay,
      from: ALICE,
      to: BOB.key.publicKey,
      application: "test",
      data: new Uint8Array(5_000),
      hold,
    });
  return { relay, write, [Symbol.asyncDispose]: () => server.stop() };
}

/** The hold of an answer and its receipt, moved by so many seconds. */
function holdMoved(seconds: number): Lie {
  return {
    stored: ({ holdUntil }) => ({ holdUntil: holdUntil + 1_000 * seconds }),
    receipt: ({ exp }) => ({ exp: exp + seconds }),
  };
}

/** All times of an answer and its receipt, moved by so many seconds. */
function timeMoved(seconds: number): Lie {
  return {
    stored: ({ storedAt, holdUntil }) => ({
      storedAt: storedAt + 1_000 * seconds,
      holdUntil: holdUntil + 1_000 * seconds,
    }),
    receipt: ({ iat, exp }) => ({ iat: iat + seconds, exp: exp + seconds }),
  };
}

const HONEST: Readonly<Record<string, Lie>> = {
  "as it is": {},
  "a hold shorter by what seconds round off": holdMoved(-1),
  "a longer hold": holdMoved(DAY),
  "a clock that is an hour ahead": timeMoved(3_600),
  "a clock that is an hour behind": timeMoved(-3_600),
};

const other = (await makeRelayKeys()).signing;
const same = { receipt: () => ({}) };

const LIES: Readonly<Record<string, Lie>> = {
  "a receipt of another relay": { ...same, key: other },
  "a receipt that nobody signed": {
    stored: ({ receipt }) => ({
      receipt: receipt.replace(/.$/, (last) => last === "A" ? "Q" : "A"),
    }),
  },
  "a receipt that is none": { stored: () => ({ receipt: "a.b.c" }) },
  "another message": { receipt: () => ({ jti: OTHER_HASH as Receipt["jti"] }) },
  "another message, in the answer": { stored: () => ({ id: OTHER_HASH }) },
  "another mailbox": {
    receipt: () => ({ sub: mailboxIdOf(ALICE.key.publicKey) }),
  },
  "another mailbox, in the answer": {
    stored: () => ({ mailbox: mailboxIdOf(ALICE.key.publicKey) }),
  },
  "other bytes": {
    receipt: () => ({ object: OTHER_HASH as Receipt["object"] }),
  },
  "other bytes, in the answer": { stored: () => ({ object: OTHER_HASH }) },
  "another message, in both": {
    receipt: () => ({ jti: OTHER_HASH as Receipt["jti"] }),
    stored: () => ({ id: OTHER_HASH }),
  },
  "another mailbox, in both": {
    receipt: () => ({ sub: mailboxIdOf(ALICE.key.publicKey) }),
    stored: () => ({ mailbox: mailboxIdOf(ALICE.key.publicKey) }),
  },
  "other bytes, in both": {
    receipt: () => ({ object: OTHER_HASH as Receipt["object"] }),
    stored: () => ({ object: OTHER_HASH }),
  },
  "fewer bytes, in both": {
    receipt: ({ size }) => ({ size: size - 1 }),
    stored: ({ size }) => ({ size: size - 1 }),
  },
  "another root": { receipt: () => ({ root: OTHER_HASH }) },
  "no root": { receipt: () => ({ root: undefined }) },
  "fewer bytes": { receipt: ({ size }) => ({ size: size - 1 }) },
  "fewer bytes, in the answer": { stored: ({ size }) => ({ size: size - 1 }) },
  "another place": {
    stored: () => ({ cursor: `${"a".repeat(12)}-${"0".repeat(20)}` }),
  },
  "another time of storing": { receipt: ({ iat }) => ({ iat: iat + 1 }) },
  "a hold that is too short": holdMoved(-2),
  "a hold that is longer than what is signed": {
    stored: ({ holdUntil }) => ({ holdUntil: holdUntil + 1_000 }),
  },
  "a hold that has ended": timeMoved(-2 * DAY),
  "a hold in days to come": timeMoved(2 * DAY),
  "another payment": {
    receipt: ({ paid }) => ({ paid: { ...paid, hashes: paid.hashes + 1 } }),
  },
  "another payment, in the answer": {
    stored: ({ paid }) => ({ paid: { ...paid, by: "fee" } }),
  },
};

Deno.test("send() says nothing of a receipt that the relay did not sign for what was sent", async (t) => {
  await using scene = await openScene();
  for (const [what, lie] of Object.entries(LIES)) {
    await t.step(what, async () => {
      scene.relay.lie = lie;
      await assertClientError(scene.write(), "relay-nonsense");
    });
  }
});

Deno.test("send() believes an honest relay, whose clock may be wrong by hours", async (t) => {
  await using scene = await openScene();
  for (const [what, lie] of Object.entries(HONEST)) {
    await t.step(what, async () => {
      scene.relay.lie = lie;
      const stored = await scene.write();
      const receipt = await verifyReceipt(stored.receipt, KEY);
      assert.equal(receipt.jti, stored.id);
    });
  }
});

Deno.test("send() asks for the relay's key before it mines, once a minute", async () => {
  await using scene = await openScene();
  const { relay, write } = scene;
  const clock = relay.clock as ManualClock;
  const asked = (step: string) =>
    relay.asked.splice(0).filter((path) => path.includes(step)).length;
  await write();
  assert.deepEqual(relay.asked.splice(0), [
    "/v1/quotes",
    "/.well-known/restante",
    `/v1/messages?hold=${HOLD}`,
  ]);
  clock.advance(59_999);
  await write();
  assert.equal(asked("well-known"), 0);
  clock.advance(1);
  await write();
  assert.equal(asked("well-known"), 1);
});

Deno.test("send() asks for the key again where the relay signs with a new one", async () => {
  await using scene = await openScene();
  const { relay, write } = scene;
  await write();
  relay.asked.length = 0;
  relay.lie = { ...same, key: other };
  await assertClientError(write(), "relay-nonsense");
  assert.equal(relay.asked.at(-1), "/.well-known/restante");
  // It was started again with another key, within the minute.
  relay.lie = { ...same, key: other, published: other };
  const stored = await write();
  assert.equal((await verifyReceipt(stored.receipt, other)).jti, stored.id);
});

Deno.test("send() mines again where the price rises meanwhile, but not for ever", async () => {
  await using scene = await openScene();
  const { relay, write } = scene;
  relay.rises = 3;
  const stored = await write();
  assert.ok(stored.receipt);
  const quotes = () =>
    relay.asked.splice(0).filter((path) => path === "/v1/quotes").length;
  assert.equal(quotes(), 4);
  relay.rises = 4;
  await assert.rejects(
    write(),
    (error) =>
      error instanceof RelayError && error.code === "work-insufficient",
  );
  assert.equal(quotes(), 4);
});

Deno.test("postMessage() tells of a hold that was extended", async () => {
  await using scene = await openScene();
  for (const extended of [true, false, undefined]) {
    scene.relay.lie = { stored: () => ({ extended }) };
    const stored = await scene.write();
    assert.equal(stored.extended, extended);
  }
  scene.relay.lie = { stored: () => ({ extended: 1 as unknown as boolean }) };
  await assertClientError(scene.write(), "relay-nonsense");
});

Deno.test("send() to a relay that cannot show its key does no work", async () => {
  await using scene = await openScene();
  class KeylessRelay extends Relay {
    override fetch(path: string, request?: RequestInit): Promise<Response> {
      return path.startsWith("/.well-known")
        ? Promise.resolve(problem(404, {}))
        : super.fetch(path, request);
    }
  }
  const sent = send({
    relay: new KeylessRelay(scene.relay.url),
    from: ALICE,
    to: BOB.key.publicKey,
    application: "test",
    data: new Uint8Array(),
    hold: HOLD,
    onMining: () => assert.fail("it mines"),
  });
  await assertClientError(sent, "relay-nonsense");
});
