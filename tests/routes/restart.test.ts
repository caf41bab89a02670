/** What a relay knew, it knows again: everything is in its store. */
import assert from "node:assert/strict";
import { makeIdentity } from "../../client/identity.ts";
import { loadRelayKeys } from "../../kv/relay_keys.ts";
import { openStore } from "../../kv/store/store.ts";
import type { Bytes } from "../../lib/bytes.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { Clock } from "./clock.ts";
import {
  askChallenge,
  makeAnswer,
  sendAnswer,
  shakeHands,
} from "./handshake_answer.ts";
import { bodyOf, Owner, postEnvelope } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

/** A relay on a file, with the keys that are kept in it. */
async function openOn(file: string, clock: Clock): Promise<TestRelay> {
  using store = await openStore(file, clock.now);
  const keys = await loadRelayKeys(store);
  return await TestRelay.open({ kv: file, keys, clock });
}

/** Asks again as long as the store is busy with another worker. */
async function patiently(ask: () => Promise<Response>): Promise<Response> {
  for (let tries = 0;; tries++) {
    const response = await ask();
    if (response.status !== 503 || tries === 10_000) return response;
    await response.body?.cancel();
  }
}

async function textOf(relay: TestRelay, path: string): Promise<string> {
  return await (await relay.fetch(path)).text();
}

Deno.test("a relay that is started again on its file is the same relay with the same mail", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  const clock = new Clock();
  const { key, mailbox } = await makeIdentity(1024);
  const envelopes: Bytes[] = [];
  const posted: string[] = [];
  let before;
  {
    using relay = await openOn(file, clock);
    const { token } = await shakeHands(relay, key);
    const owner = await Owner.open(relay, key.publicKey);
    for (const size of [1_000, 4_096, 4_097, 70_000]) {
      const envelope = owner.envelope({ size, hashes: 20_000 });
      envelopes.push(envelope);
      const response = await postEnvelope(relay, envelope);
      posted.push(await response.text());
    }
    await owner.acknowledge(JSON.parse(posted[0] ?? "").cursor, "phone");
    before = {
      token,
      page: await owner.read(),
      descriptor: await textOf(relay, "/.well-known/restante"),
      mailbox: await textOf(relay, `/v1/mailboxes/${mailbox}`),
      store: await relay.dump(),
    };
  }
  using relay = await openOn(file, clock);
  const owner = await Owner.open(relay, key.publicKey);
  assert.equal(
    await textOf(relay, "/.well-known/restante"),
    before.descriptor,
  );
  assert.equal(
    await textOf(relay, `/v1/mailboxes/${mailbox}`),
    before.mailbox,
  );
  const page = await owner.read();
  assert.deepEqual(page, before.page);
  assert.deepEqual(page.messages.map(bodyOf), envelopes.slice(1));
  for (const [i, envelope] of envelopes.entries()) {
    const again = await postEnvelope(relay, envelope);
    assert.equal(again.status, 200);
    assert.equal(await again.text(), posted[i]);
  }
  // A cursor and a token from before are as good as ever.
  const [first] = page.messages;
  const behind = await owner.read(`?after=${first?.cursor}`);
  assert.deepEqual(behind.messages, page.messages.slice(1));
  assert.equal(behind.reset, false);
  const old = await relay.fetch(`/v1/mailboxes/${mailbox}/messages`, {
    headers: { Authorization: `Bearer ${before.token}` },
  });
  assert.equal(old.status, 200);
  const kept = (await relay.dump()).filter(({ key: [kind] }) =>
    kind !== "handshake"
  );
  assert.deepEqual(
    kept,
    before.store.filter(({ key: [kind] }) => kind !== "handshake"),
  );
});

Deno.test("two workers on one file are one relay", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  const clock = new Clock();
  using one = await openOn(file, clock);
  using two = await openOn(file, clock);
  const { key } = await makeIdentity(1024);
  assert.equal((await shakeHands(one, key)).mailbox.created, true);
  assert.equal((await shakeHands(two, key)).mailbox.created, false);

  const here = await Owner.open(one, key.publicKey);
  const there = await Owner.open(two, key.publicKey);
  const envelopes = Array.from({ length: 6 }, () => here.envelope());
  const answers = await Promise.all(
    envelopes.flatMap((envelope) =>
      [one, two].map((relay) => patiently(() => postEnvelope(relay, envelope)))
    ),
  );
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [
    ...new Array<number>(6).fill(200),
    ...new Array<number>(6).fill(201),
  ]);
  const texts = await Promise.all(answers.map((answer) => answer.text()));
  assert.equal(new Set(texts).size, 6, "one receipt a message");
  const page = await here.read();
  assert.equal(page.messages.length, 6);
  assert.deepEqual(await there.read(), page);
  await here.acknowledge(page.next);
  assert.deepEqual((await there.read()).messages, []);
});

Deno.test("of two workers that are asked at once, one takes an answer to a challenge", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  const clock = new Clock();
  using one = await openOn(file, clock);
  using two = await openOn(file, clock);
  const { key: signer } = await makeIdentity(1024);
  const challenge = await askChallenge(one, signer.publicKey);
  const body = await makeAnswer({ challenge, signer, time: clock.time });
  const answers = await Promise.all(
    [one, two, one, two].map((relay) =>
      patiently(() => sendAnswer(relay, challenge.handshake, body))
    ),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [
    200,
    401,
    401,
    401,
  ]);
  await Promise.all(answers.map((answer) => answer.text()));
});
