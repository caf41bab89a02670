/** The same message again: stored once, paid for once, one receipt. */
import assert from "node:assert/strict";
import { type Bytes, sameBytes } from "../../lib/bytes.ts";
import { blake3_256 } from "../../lib/hash.ts";
import { encode } from "../../lib/minima/codec.ts";
import { maxTxPow } from "../../lib/minima/maxima.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { assertProblem } from "./assert_problem.ts";
import { DAY } from "./clock.ts";
import { makeEnvelope, makePackage } from "./envelopes.ts";
import { Owner, postEnvelope } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";
import { assertUnchanged } from "./unchanged.ts";

/** Answers that came of asking all at once: their statuses and texts. */
async function postAll(
  relay: TestRelay,
  envelopes: readonly Bytes[],
): Promise<{ statuses: number[]; texts: string[] }> {
  const answers = await Promise.all(
    envelopes.map((envelope) => postEnvelope(relay, envelope)),
  );
  return {
    statuses: answers.map(({ status }) => status).sort(),
    texts: await Promise.all(answers.map((answer) => answer.text())),
  };
}

const ONCE = [...new Array<number>(19).fill(200), 201];

Deno.test("a message posted again is answered the same, and changes nothing", async (t) => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const envelope = owner.envelope();
  const first = await postEnvelope(relay, envelope);
  assert.equal(first.status, 201);
  const text = await first.text();
  const later = {
    "at once": () => {},
    "after a second": () => relay.clock.advance(1_000),
    "when its work is stale": () => relay.clock.advance(2 * DAY),
    "when its hold has ended": () => relay.clock.advance(30 * DAY),
  };
  for (const [when, wait] of Object.entries(later)) {
    await t.step(when, () =>
      assertUnchanged(relay, async () => {
        wait();
        const again = await postEnvelope(relay, envelope);
        assert.equal(again.status, 200);
        assert.equal(await again.text(), text);
        for (const header of ["Location", "ETag"]) {
          assert.equal(again.headers.get(header), first.headers.get(header));
        }
      }));
  }
});

Deno.test("a message posted again with parameters that are no better is answered the same", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const envelope = owner.envelope();
  const first = await owner.receive(envelope, "?hold=7200");
  await assertUnchanged(relay, async () => {
    const query = "?hold=3600&minBandwidth=1&priority=lazy";
    const again = await postEnvelope(relay, envelope, query);
    assert.equal(again.status, 200);
    assert.deepEqual(await again.json(), first);
  });
});

Deno.test("a message with less work, or other work for as much, is the same message", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const { time } = relay.clock;
  const sealed = makePackage(owner.publicKey, 900);
  const [one, ...others] = [20_000, 10_000, 20_000].map((hashes) =>
    encode(maxTxPow, makeEnvelope({ package: sealed, time, hashes }))
  );
  assert.ok(one);
  const first = await owner.receive(one);
  await assertUnchanged(relay, async () => {
    for (const other of others) {
      const again = await postEnvelope(relay, other);
      assert.equal(again.status, 200);
      assert.deepEqual(await again.json(), first);
    }
  });
});

Deno.test("twenty posts of one message at once store it once, in memory and in a file", async (t) => {
  await using directory = await TempDirectory.make();
  for (const kv of [":memory:", directory.file("store.kv")]) {
    await t.step(kv === ":memory:" ? "in memory" : "in a file", async () => {
      using relay = await TestRelay.open({ kv });
      const owner = await Owner.open(relay);
      const same = new Array<Bytes>(20).fill(owner.envelope());
      const { statuses, texts } = await postAll(relay, same);
      assert.deepEqual(statuses, ONCE);
      assert.equal(new Set(texts).size, 1, "one answer");
      assert.equal((await owner.read()).messages.length, 1);
      const entries = (await relay.dump()).map(({ key: [kind] }) => kind);
      for (const kind of ["message", "object", "seen"]) {
        assert.equal(entries.filter((found) => found === kind).length, 1);
      }
    });
  }
});

Deno.test("twenty posts of one message at once, each with work of its own, store it once", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const { time } = relay.clock;
  const sealed = makePackage(owner.publicKey, 900);
  const envelopes = Array.from(
    { length: 20 },
    () => encode(maxTxPow, makeEnvelope({ package: sealed, time })),
  );
  const { statuses, texts } = await postAll(relay, envelopes);
  assert.deepEqual(statuses, ONCE);
  assert.equal(new Set(texts).size, 1, "one answer");
  const { messages: [message, ...others] } = await owner.read();
  assert.ok(message);
  assert.deepEqual(others, []);
  // What is held is the envelope that the receipt is for.
  const held = await owner.fetch(`/v1/objects/${message.object}`);
  const bytes = await held.bytes();
  assert.ok(envelopes.some((envelope) => sameBytes(envelope, bytes)));
  assert.equal(blake3_256(bytes).toHex(), message.object);
  assert.equal(JSON.parse(String(texts[0])).object, message.object);
});

Deno.test("of posts of one message at once the most work counts, whichever is stored first", async () => {
  for (
    const order of [[10_000, 40_000], [40_000, 10_000], [
      20_000,
      10_000,
      40_000,
    ]]
  ) {
    using relay = await TestRelay.open();
    const owner = await Owner.open(relay);
    const { time } = relay.clock;
    const sealed = makePackage(owner.publicKey, 900);
    const envelopes = order.map((hashes) =>
      encode(maxTxPow, makeEnvelope({ package: sealed, time, hashes }))
    );
    const { texts } = await postAll(relay, envelopes);
    const most = texts[order.indexOf(40_000)];
    const { paid, holdUntil } = JSON.parse(String(most));
    assert.equal(paid.hashes, 40_000, String(order));
    const { messages } = await owner.read();
    assert.deepEqual(messages.map((one) => one.holdUntil), [holdUntil]);
  }
});

Deno.test("more work that is too old buys nothing more for a message that is stored", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const { clock } = relay;
  const sealed = makePackage(owner.publicKey, 900);
  const made = (hashes: number, time: number) =>
    encode(maxTxPow, makeEnvelope({ package: sealed, time, hashes }));
  const { holdUntil } = await owner.receive(made(10_000, clock.time));
  const { back } = relay.relay.window;
  const late = await postEnvelope(relay, made(40_000, clock.time - back - 1));
  await assertProblem(relay, late, "work-stale");
  const { messages: [stored] } = await owner.read();
  assert.equal(stored?.holdUntil, holdUntil);
  const fresh = await postEnvelope(relay, made(40_000, clock.time - back));
  assert.ok((await fresh.json()).holdUntil > holdUntil);
});

Deno.test("posts of many messages at once are all stored, each with its own place", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const envelopes = Array.from({ length: 30 }, () => owner.envelope());
  const { statuses, texts } = await postAll(relay, envelopes);
  assert.deepEqual(statuses, new Array(30).fill(201));
  const cursors = texts.map((text) => String(JSON.parse(text).cursor));
  const { messages } = await owner.read();
  assert.deepEqual(messages.map(({ cursor }) => cursor), cursors.sort());
});

Deno.test("a message posted again after it was deleted has the same receipt, and is not back", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const envelope = owner.envelope();
  const first = await owner.receive(envelope);
  assert.equal((await owner.delete(first.cursor)).status, 204);
  await assertUnchanged(relay, async () => {
    const again = await postEnvelope(relay, envelope);
    assert.equal(again.status, 200);
    assert.deepEqual(await again.json(), first);
  });
  assert.deepEqual((await owner.read()).messages, []);
});
