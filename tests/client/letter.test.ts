/** Letters that somebody else passes on: what they say of themselves, and how often. */
import assert from "node:assert/strict";
import {
  acknowledge,
  fetchMessage,
  makeIdentity,
  readAll,
  readPage,
  type ReceivedMessage,
  Relay,
  send,
  Session,
  watch,
} from "../../client/mod.ts";
import { Shown } from "../../client/shown.ts";
import { listen } from "../routes/listening_relay.ts";
import { sealedTo, signedLetter } from "./sealed_again.ts";

const [ALICE, MALLORY, BOB] = [
  await makeIdentity(1_024),
  await makeIdentity(1_024),
  await makeIdentity(1_024),
];

async function openScene() {
  const server = await listen();
  const relay = new Relay(server.url);
  const session = new Session(relay, BOB);
  await session.open();
  return {
    relay,
    session,
    post: (letter: Uint8Array<ArrayBuffer>) =>
      sealedTo(BOB, letter).then((envelope) => relay.postMessage(envelope)),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** What is told of a message. */
function told({ letter, failure }: ReceivedMessage): string | null {
  return letter ? new TextDecoder().decode(letter.data) : failure;
}

/** The first messages of a watch. */
async function take(
  messages: AsyncGenerator<ReceivedMessage>,
  count: number,
): Promise<ReceivedMessage[]> {
  const taken: ReceivedMessage[] = [];
  while (taken.length < count) {
    const { value, done } = await messages.next();
    assert.ok(!done);
    taken.push(value);
  }
  await messages.return(undefined);
  return taken;
}

Deno.test("Mallory seals to Bob what Alice signed to Mallory: it is shown as forwarded, by every way of reading", async () => {
  await using scene = await openScene();
  const { relay, session } = scene;
  const mallory = MALLORY.key.publicKey.toHex();
  const letter = await signedLetter(ALICE, MALLORY.key.publicKey, "I quit");
  const stored = await scene.post(letter);
  const withheld: ReceivedMessage = {
    cursor: stored.cursor,
    id: stored.id,
    object: stored.object,
    storedAt: stored.storedAt,
    holdUntil: stored.holdUntil,
    size: stored.size,
    letter: null,
    failure: "withheld",
  };
  const read: Record<string, (aliases?: string[]) => Promise<unknown>> = {
    readPage: async (aliases) =>
      (await readPage(session, null, { aliases })).messages[0]?.letter,
    readAll: async (aliases) =>
      (await Array.fromAsync(readAll(session, null, { aliases })))[0]
        ?.messages[0]?.letter,
    watch: async (aliases) =>
      (await take(watch(session, { aliases }), 1))[0]?.letter,
    fetchMessage: async (aliases) =>
      (await fetchMessage(session, withheld, { aliases })).letter,
  };
  for (const [name, way] of Object.entries(read)) {
    const about = (given: unknown) => {
      const { from, to, isForwarded } = given as Record<string, unknown>;
      return [from, to, isForwarded];
    };
    const alice = ALICE.key.publicKey.toHex();
    assert.deepEqual(about(await way()), [alice, mallory, true], name);
    const other = [ALICE.key.publicKey.toHex()];
    assert.deepEqual(about(await way(other)), [alice, mallory, true], name);
    // Who is also known by that key was written to.
    const own = [...other, mallory.toUpperCase()];
    assert.deepEqual(about(await way(own)), [alice, mallory, false], name);
  }
  await send({
    relay,
    from: ALICE,
    to: BOB.key.publicKey,
    application: "test",
    data: new Uint8Array(),
    hold: 3_600,
  });
  const { messages: [, direct] } = await readPage(session, null);
  assert.equal(direct?.letter?.to, BOB.key.publicKey.toHex());
  assert.equal(direct?.letter?.isForwarded, false);
});

Deno.test("a letter that is sealed again and again is shown once, and its place is told", async (t) => {
  await using scene = await openScene();
  const letter = await signedLetter(ALICE, BOB.key.publicKey, "once");
  for (let n = 0; n < 3; n++) await scene.post(letter);
  await scene.post(await signedLetter(ALICE, BOB.key.publicKey, "other"));
  const expected = ["once", "duplicate", "duplicate", "other"];
  const fresh = () => new Session(scene.relay, BOB);
  await t.step("readPage", async () => {
    const { messages, next } = await readPage(fresh(), null);
    assert.deepEqual(messages.map(told), expected);
    assert.equal(new Set(messages.map(({ cursor }) => cursor)).size, 4);
    assert.equal(messages.at(-1)?.cursor, next);
  });
  await t.step("readPage, page by page", async () => {
    const session = fresh();
    const first = await readPage(session, null);
    const behind = await readPage(session, first.messages[0]?.cursor ?? null);
    assert.deepEqual(behind.messages.map(told), expected.slice(1));
    // Read again, each is what it was.
    const again = await readPage(session, null);
    assert.deepEqual(again.messages.map(told), expected);
  });
  await t.step("readPage, and a copy that is fetched", async () => {
    const session = fresh();
    const { messages } = await readPage(session, null);
    const [first, copy] = messages;
    assert.ok(first && copy);
    const withheld = { letter: null, failure: "withheld" } as const;
    for (const message of [first, copy]) {
      const fetched = await fetchMessage(session, { ...message, ...withheld });
      assert.equal(told(fetched), told(message));
    }
  });
  await t.step("readAll, and then watch", async () => {
    const session = fresh();
    const pages = await Array.fromAsync(readAll(session, null));
    const read = pages.flatMap(({ messages }) => messages);
    assert.deepEqual(read.map(told), expected);
    const cursor = read[0]?.cursor ?? null;
    const watched = await take(watch(session, { after: cursor }), 3);
    assert.deepEqual(watched.map(told), expected.slice(1));
  });
  await t.step("watch, and the copies can be acknowledged", async () => {
    const session = fresh();
    const watched = await take(watch(session), 4);
    assert.deepEqual(watched.map(told), expected);
    await acknowledge(session, watched[2]?.cursor ?? "", "phone");
    assert.equal((await readPage(session, null)).messages.length, 1);
  });
});

Deno.test("Shown remembers so many letters, and tells copies from what is read again", () => {
  const at = (n: number, epoch = "a") =>
    `${epoch.repeat(12)}-${String(n).padStart(20, "0")}`;
  const shown = new Shown(2);
  const table: [letter: string, id: string, cursor: string, is: boolean][] = [
    ["x", "1", at(1), false],
    ["x", "1", at(1), false], // read again
    ["x", "2", at(2), true], // sealed again
    ["x", "1", at(3), true], // listed again
    ["x", "1", at(9, "b"), false], // restored
    ["x", "1", at(1), false], // and back
    ["x", "2", at(9, "b"), true],
    ["y", "3", at(4), false],
    ["x", "2", at(5), true], // two are remembered
    ["x", "1", at(1), false], // which makes it the newest
    ["z", "4", at(6), false],
    ["x", "2", at(7), true],
    ["y", "5", at(8), false], // forgotten
  ];
  for (const [i, [letter, id, cursor, is]] of table.entries()) {
    assert.equal(shown.isRepeated(letter, { id, cursor }), is, `line ${i}`);
  }
});

Deno.test("Shown remembers the last 10,000 letters", () => {
  const shown = new Shown();
  const place = (n: number) => ({
    id: `${n}`,
    cursor: `${"a".repeat(12)}-${String(n).padStart(20, "0")}`,
  });
  for (let n = 0; n < 10_000; n++) shown.isRepeated(`${n}`, place(n));
  assert.equal(shown.isRepeated("0", place(20_000)), true);
  shown.isRepeated("10000", place(10_000));
  assert.equal(shown.isRepeated("1", place(20_001)), true);
  assert.equal(shown.isRepeated("0", place(20_002)), false);
});
