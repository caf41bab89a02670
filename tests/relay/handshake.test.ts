/** The handshake's price, order and silence, without HTTP. */
import assert from "node:assert/strict";
import type { Identity } from "../../client/identity.ts";
import { makeIdentity } from "../../client/identity.ts";
import { findMailbox } from "../../kv/mail/mailboxes.ts";
import type { Bytes } from "../../lib/bytes.ts";
import type { MailboxId } from "../../lib/ids.ts";
import { Problem } from "../../lib/problem.ts";
import type { Unwrapper } from "../../lib/seal/maxima.ts";
import { importRsaKey } from "../../lib/seal/rsa.ts";
import { EMPTY_FILLS } from "../../lib/work/price.ts";
import {
  FAILURE_TICK,
  type HandshakeOptions,
  Handshakes,
  MAX_SIGNER_BITS,
} from "../../relay/handshake.ts";
import { HANDSHAKE_HASHES } from "../../relay/handshake_price.ts";
import { assertRejected } from "../lib/problems.ts";
import { signed, spki } from "../lib/seal/der.ts";
import { newRsaKey } from "../lib/seal/keys.ts";
import { ManualClock } from "../manual_clock.ts";
import {
  type AnswerParts,
  type Challenge,
  makeAnswer,
} from "../routes/handshake_answer.ts";
import { TestRelay, type TestRelayOptions } from "../routes/relay_fixture.ts";
import { sharedKeys } from "../routes/shared_keys.ts";

const OPENING = 75_000;

/** A relay's private key, which counts what it is used for. */
async function countedKey() {
  const { maxima } = await sharedKeys();
  const counted = {
    uses: 0,
    unwrap(wrapped: Bytes) {
      counted.uses++;
      return maxima.unwrap(wrapped);
    },
  };
  return counted;
}

/** Fails at once, without waiting for the tick. */
const AT_ONCE = { monotonic: () => 0, sleep: () => Promise.resolve() };

/** A relay, its handshakes, and somebody who knows how they are answered. */
class Scene implements Disposable {
  readonly relay: TestRelay;
  readonly handshakes: Handshakes;
  readonly key: { uses: number };
  readonly alice: Identity;

  private constructor(
    relay: TestRelay,
    handshakes: Handshakes,
    key: { uses: number },
    alice: Identity,
  ) {
    this.relay = relay;
    this.handshakes = handshakes;
    this.key = key;
    this.alice = alice;
  }

  static async open(
    options: TestRelayOptions = {},
    handshakeOptions: HandshakeOptions = { clock: AT_ONCE },
  ): Promise<Scene> {
    const key = await countedKey();
    const relay = await TestRelay.open({ unwrapper: key, ...options });
    const handshakes = await Handshakes.open(relay.relay, handshakeOptions);
    return new Scene(relay, handshakes, key, await makeIdentity(1024));
  }

  /** A challenge, in the form that answers are made from. */
  async ask(publicKey: Bytes = this.alice.key.publicKey): Promise<Challenge> {
    const { id, challenge, expires, hashes } = await this.handshakes.ask(
      publicKey,
    );
    return {
      handshake: id,
      relayKey: this.relay.relay.keys.maxima.publicKey.toHex(),
      address: "",
      challenge: challenge.toHex(),
      work: { target: "", hashes },
      expires,
    };
  }

  /** The bytes of an answer of Alice's. */
  make(challenge: Challenge, parts: Partial<AnswerParts> = {}): Promise<Bytes> {
    const { relay: { clock: { time } }, alice: { key: signer } } = this;
    return makeAnswer({ challenge, signer, time, ...parts });
  }

  /** The whole handshake, with some parts of the answer wrong. */
  async shake(parts: Partial<AnswerParts> = {}) {
    const challenge = await this.ask();
    const body = await this.make(challenge, parts);
    return await this.handshakes.answer(challenge.handshake, body);
  }

  [Symbol.dispose](): void {
    this.relay[Symbol.dispose]();
  }
}

function assertFailed(answer: Promise<unknown>): Promise<void> {
  return assertRejected(answer, "handshake-failed");
}

Deno.test("Handshakes ask more of who opens a mailbox than of who has one", async () => {
  using scene = await Scene.open();
  assert.equal((await scene.ask()).work.hashes, OPENING);
  assert.equal((await scene.shake()).mailbox.created, true);
  assert.equal((await scene.ask()).work.hashes, HANDSHAKE_HASHES);
  assert.equal((await scene.shake()).mailbox.created, false);
});

Deno.test("Handshakes ask a newcomer by the relay's fill, which nobody else waits for", async () => {
  let looks = 0;
  using scene = await Scene.open({}, {
    clock: AT_ONCE,
    fills() {
      looks++;
      const relay = { used: 35, quota: 100 };
      return Promise.resolve({ ...EMPTY_FILLS, relay });
    },
  });
  assert.equal((await scene.ask()).work.hashes, 4 * OPENING);
  assert.equal(looks, 1);
  await scene.shake();
  await scene.ask();
  assert.equal(looks, 2);
});

Deno.test("an answer with less work than its challenge asked is not opened", async () => {
  using scene = await Scene.open();
  const challenge = await scene.ask();
  const short = { envelope: { hashes: OPENING - 1 } };
  const body = await scene.make(challenge, short);
  await assertFailed(scene.handshakes.answer(challenge.handshake, body));
  assert.equal(scene.key.uses, 0);
  const right = await scene.make(challenge);
  await scene.handshakes.answer(challenge.handshake, right);
  assert.equal(scene.key.uses, 1);
});

Deno.test("a mailbox that was closed meanwhile is not opened at the price of one that is there", async () => {
  using scene = await Scene.open();
  const { store } = scene.relay.relay;
  const { mailbox: { id } } = await scene.shake();
  const mailbox = id as MailboxId;
  const challenge = await scene.ask();
  const [cheap, enough] = [
    await scene.make(challenge),
    await scene.make(challenge, { envelope: { hashes: OPENING } }),
  ];
  await store.commit((operation) => operation.delete(["mailbox", mailbox]));
  await assertFailed(scene.handshakes.answer(challenge.handshake, cheap));
  assert.equal(await findMailbox(store, mailbox), null);
  const granted = await scene.handshakes.answer(challenge.handshake, enough);
  assert.equal(granted.mailbox.created, true);
});

Deno.test("a flood of answers makes handshakes dear, and a pause makes them cheap again", async () => {
  using scene = await Scene.open({ handshakeRate: 1 });
  await scene.shake();
  const challenge = await scene.ask();
  for (let n = 0; n < 20; n++) {
    const body = await scene.make(challenge, { scopes: [] });
    await assertFailed(scene.handshakes.answer(challenge.handshake, body));
  }
  assert.equal((await scene.ask()).work.hashes, 4 * HANDSHAKE_HASHES);
  scene.relay.clock.advance(60_000);
  assert.equal((await scene.ask()).work.hashes, HANDSHAKE_HASHES);
});

Deno.test("challenges hoarded before a flood are not taken in it", async () => {
  using scene = await Scene.open({ handshakeRate: 1 });
  await scene.shake();
  const hoarded = await scene.ask();
  // Each opens to nothing: the scopes are none.
  const bad = await Promise.all(
    Array.from({ length: 82 }, () => scene.make(hoarded, { scopes: [] })),
  );
  for (const body of bad) {
    await assertFailed(scene.handshakes.answer(hoarded.handshake, body));
  }
  // 16 times the price by now: twice what the challenge asked for.
  const uses = scene.key.uses;
  const body = await scene.make(hoarded);
  await assertFailed(scene.handshakes.answer(hoarded.handshake, body));
  assert.equal(scene.key.uses, uses);
  const paid = await scene.make(hoarded, {
    envelope: { hashes: 2 * HANDSHAKE_HASHES },
  });
  await scene.handshakes.answer(hoarded.handshake, paid);
});

/** What fails before the private key is used. */
const UNOPENED: Readonly<
  Record<string, (scene: Scene) => Promise<[id: string, body: Bytes]>>
> = {
  "a handshake that is none": async (scene) => {
    const challenge = await scene.ask();
    return ["0".repeat(68), await scene.make(challenge)];
  },
  "a handshake that is over": async (scene) => {
    const challenge = await scene.ask();
    const body = await scene.make(challenge);
    scene.relay.clock.advance(300_000);
    return [challenge.handshake, body];
  },
  "an answer over its size": async (scene) => {
    const challenge = await scene.ask();
    const sealed = new Uint8Array(16_384);
    return [challenge.handshake, await scene.make(challenge, { sealed })];
  },
  "an answer that is noise": async (scene) => {
    const challenge = await scene.ask();
    const sealed = new Uint8Array(100).fill(7);
    return [challenge.handshake, await scene.make(challenge, { sealed })];
  },
  "an answer to another recipient": async (scene) => {
    const challenge = await scene.ask();
    const to = scene.alice.key.publicKey;
    return [challenge.handshake, await scene.make(challenge, { to })];
  },
  "an answer with no work": async (scene) => {
    const challenge = await scene.ask();
    const envelope = { accepts: (id: Bytes) => id[0] === 255 };
    return [challenge.handshake, await scene.make(challenge, { envelope })];
  },
  "an answer of an hour ago": async (scene) => {
    const challenge = await scene.ask();
    const time = scene.relay.clock.time - 600_001;
    return [challenge.handshake, await scene.make(challenge, { time })];
  },
  "an answer of an hour ahead": async (scene) => {
    const challenge = await scene.ask();
    const time = scene.relay.clock.time + 600_001;
    return [challenge.handshake, await scene.make(challenge, { time })];
  },
};

for (const [what, make] of Object.entries(UNOPENED)) {
  Deno.test(`the private key is not used for ${what}`, async () => {
    using scene = await Scene.open();
    const [id, body] = await make(scene);
    await assertFailed(scene.handshakes.answer(id, body));
    assert.equal(scene.key.uses, 0);
    assert.deepEqual(scene.handshakes.counts, {
      asked: 1,
      answered: 0,
      failed: 1,
      opened: 0,
    });
  });
}

Deno.test("an answer that comes again is opened once, right or wrong", async (t) => {
  for (const parts of [{}, { scopes: [] }, { application: "chat" }]) {
    await t.step(JSON.stringify(parts), async () => {
      using scene = await Scene.open();
      const challenge = await scene.ask();
      const body = await scene.make(challenge, parts);
      const send = () => scene.handshakes.answer(challenge.handshake, body);
      await send().catch(() => {});
      assert.equal(scene.key.uses, 1);
      for (let n = 0; n < 3; n++) await assertFailed(send());
      // Nor under another handshake.
      const other = await scene.ask();
      await assertFailed(scene.handshakes.answer(other.handshake, body));
      assert.equal(scene.key.uses, 1);
    });
  }
});

Deno.test("work that was opened once is not opened again for as long as its time is taken", async () => {
  using scene = await Scene.open();
  const { clock } = scene.relay;
  const first = await scene.ask();
  const ahead = clock.time + 600_000;
  const body = await scene.make(first, { scopes: [], time: ahead });
  await assertFailed(scene.handshakes.answer(first.handshake, body));
  assert.equal(scene.key.uses, 1);
  for (let minutes = 1; minutes <= 20; minutes++) {
    clock.advance(60_000);
    const { handshake } = await scene.ask();
    await assertFailed(scene.handshakes.answer(handshake, body));
    assert.equal(scene.key.uses, 1, `${minutes} minutes later`);
  }
});

Deno.test("a signature is not looked at before the challenge is right", async () => {
  using scene = await Scene.open();
  const looked: string[] = [];
  const { digest } = crypto.subtle;
  // SHA-256 of a message is taken for its signature alone.
  crypto.subtle.digest = function (name, data) {
    looked.push(String(name));
    return digest.call(crypto.subtle, name, data);
  };
  try {
    const cases: [Partial<AnswerParts>, number][] = [
      [{ challenge: undefined as never }, 0],
      [{ application: "chat" }, 0],
      [{ url: "https://mallory.test" }, 0],
      [{ innerTo: scene.alice.key.publicKey }, 0],
      [{ scopes: [] }, 0],
      [{}, 1],
    ];
    for (const [parts, looks] of cases) {
      const challenge = await scene.ask();
      const wrong = { ...challenge, challenge: "0".repeat(64) };
      const body = await scene.make(
        challenge,
        "challenge" in parts ? { challenge: wrong } : parts,
      );
      looked.length = 0;
      await scene.handshakes.answer(challenge.handshake, body).catch(() => {});
      assert.equal(looked.length, looks, JSON.stringify(parts));
    }
    assert.equal(scene.key.uses, cases.length);
  } finally {
    crypto.subtle.digest = digest;
  }
});

Deno.test("a right challenge with another's signature is no handshake", async () => {
  using scene = await Scene.open();
  const mallory = await makeIdentity(1024);
  const from = scene.alice.key.publicKey;
  await assertFailed(scene.shake({ from, signer: mallory.key }));
  assert.equal(scene.key.uses, 1);
});

Deno.test("a key over 4,096 bits gets no challenge", async () => {
  using scene = await Scene.open();
  assert.equal(MAX_SIGNER_BITS, 4_096);
  const keyOf = (bits: number) =>
    spki({ modulus: signed(2n ** BigInt(bits - 1) + 1n) });
  assert.equal((await scene.handshakes.ask(keyOf(4_096))).hashes, OPENING);
  for (const bits of [4_097, 8_192, 16_384]) {
    await assertRejected(scene.handshakes.ask(keyOf(bits)), "malformed");
  }
  assert.equal(scene.handshakes.counts.asked, 1);
});

Deno.test("a signer of 4,096 bits is as good as any", async () => {
  using scene = await Scene.open();
  const signer = await importRsaKey(newRsaKey(4_096));
  const challenge = await scene.ask(signer.publicKey);
  const body = await scene.make(challenge, { signer });
  const granted = await scene.handshakes.answer(challenge.handshake, body);
  assert.equal(granted.mailbox.created, true);
});

Deno.test("every failure is answered at the next tick after the answer came", async (t) => {
  const takes = [0, 1, 30, 99, 100, 101, 250];
  for (const took of takes) {
    await t.step(`when it took ${took} ms`, async () => {
      const clock = new ManualClock();
      const { maxima } = await sharedKeys();
      const slow: Unwrapper = {
        unwrap(wrapped) {
          clock.advance(took);
          return maxima.unwrap(wrapped);
        },
      };
      using scene = await Scene.open({ unwrapper: slow }, { clock });
      const challenge = await scene.ask();
      const body = await scene.make(challenge, { scopes: [] });
      const start = clock.monotonic();
      const answer = scene.handshakes.answer(challenge.handshake, body);
      let isAnswered = false;
      answer.catch(() => isAnswered = true);
      await clock.waitedFor();
      const tick = (Math.floor(took / 100) + 1) * FAILURE_TICK;
      const left = start + tick - clock.monotonic();
      clock.advance(left - 1);
      await new Promise((resolve) => setTimeout(resolve));
      assert.equal(isAnswered, false, "a millisecond before the tick");
      clock.advance(1);
      await assertFailed(answer);
      assert.equal(clock.timers, 0);
    });
  }
});

Deno.test("a right answer waits for no tick", async () => {
  const clock = new ManualClock();
  using scene = await Scene.open({}, { clock });
  assert.ok((await scene.shake()).token);
  assert.equal(clock.timers, 0);
});

Deno.test("an answer that the relay had no time for may come again", async () => {
  const { maxima } = await sharedKeys();
  let isBusy = true;
  const unwrapper: Unwrapper = {
    unwrap(wrapped) {
      if (isBusy) return Promise.reject(new Problem("busy", "too many"));
      return maxima.unwrap(wrapped);
    },
  };
  using scene = await Scene.open({ unwrapper });
  const challenge = await scene.ask();
  const body = await scene.make(challenge);
  const send = () => scene.handshakes.answer(challenge.handshake, body);
  await assertRejected(send(), "busy");
  isBusy = false;
  assert.equal((await send()).mailbox.created, true);
  await assertFailed(send());
});

Deno.test("what went wrong in the relay itself is not called the caller's fault", async () => {
  const unwrapper: Unwrapper = {
    unwrap: () => Promise.reject(new TypeError("a bug")),
  };
  using scene = await Scene.open({ unwrapper });
  await assert.rejects(scene.shake(), TypeError);
});

Deno.test("Handshakes count what came of them", async () => {
  using scene = await Scene.open();
  await scene.shake();
  await assertFailed(scene.shake({ scopes: [] }));
  await assertFailed(scene.shake({ application: "chat" }));
  await scene.ask();
  assert.deepEqual(scene.handshakes.counts, {
    asked: 4,
    answered: 1,
    failed: 2,
    opened: 3,
  });
});
