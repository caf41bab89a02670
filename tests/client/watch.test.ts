/** Watching: every message once and in order, whatever happens on the way. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  fetchMessage,
  type Identity,
  makeIdentity,
  Relay,
  RelayError,
  send,
  Session,
  type Transport,
  watch,
  type WatchEvent,
  type WatchOptions,
} from "../../client/mod.ts";
import { TempDirectory } from "../kv/temp_directory.ts";
import { listen } from "../routes/listening_relay.ts";
import { listenBehind, TcpProxy } from "./tcp_proxy.ts";

const TRANSPORTS: readonly Transport[] = ["socket", "events", "poll"];

/** Who writes to whom, by which relay. */
interface Scene {
  readonly relay: Relay;
  readonly from: Identity;
  readonly session: Session;
}

async function sceneAt(url: string): Promise<Scene> {
  const relay = new Relay(url);
  const [from, to] = [await makeIdentity(1_024), await makeIdentity(1_024)];
  const session = new Session(relay, to);
  await session.open();
  return { relay, from, session };
}

async function write({ relay, from, session }: Scene, ...texts: string[]) {
  const to = session.identity.key.publicKey;
  for (const text of texts) {
    const data = new TextEncoder().encode(text);
    const options = { relay, from, to, application: "test", hold: 3_600 };
    await send({ ...options, data });
  }
}

/** The next texts of a watch. */
async function take(
  messages: ReturnType<typeof watch>,
  count: number,
): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    const { value, done } = await messages.next();
    assert.ok(!done);
    texts.push(new TextDecoder().decode(value.letter?.data));
  }
  return texts;
}

for (const transport of TRANSPORTS) {
  Deno.test(`watch() by ${transport}: what is held and what comes, until it is left`, async () => {
    await using server = await listen();
    const scene = await sceneAt(server.url);
    await write(scene, "a", "b");
    const messages = watch(scene.session, { transports: [transport] });
    assert.deepEqual(await take(messages, 2), ["a", "b"]);
    const coming = take(messages, 2);
    await write(scene, "c", "d");
    assert.deepEqual(await coming, ["c", "d"]);
    await messages.return(undefined);
  });

  Deno.test(`watch() by ${transport} goes on after the relay was started again`, async () => {
    await using directory = await TempDirectory.make();
    const file = directory.file("store.kv");
    const before = await listen(file);
    const port = Number(new URL(before.url).port);
    const scene = await sceneAt(before.url);
    await write(scene, "a");
    const messages = watch(scene.session, { transports: [transport] });
    assert.deepEqual(await take(messages, 1), ["a"]);
    const coming = take(messages, 3);
    await write(scene, "b");
    await before.stop();
    const posting = write(scene, "c"); // and is tried again
    await using _after = await listen(file, undefined, { port });
    await posting;
    await write(scene, "d");
    assert.deepEqual(await coming, ["b", "c", "d"]);
    await messages.return(undefined);
  });

  Deno.test(`watch() by ${transport} ends at once when its signal does, with its reason`, async () => {
    await using server = await listen();
    const scene = await sceneAt(server.url);
    const end = new AbortController();
    const reason = new Error("enough");
    const messages = watch(scene.session, {
      transports: [transport],
      signal: end.signal,
      onEvent: ({ kind }) =>
        kind === "connected" && queueMicrotask(() => end.abort(reason)),
    });
    await assert.rejects(messages.next(), reason);
    await assert.rejects(watch(scene.session, { signal: end.signal }).next());
  });

  Deno.test(`watch() by ${transport} gives everything once, wherever connections are cut`, async () => {
    let cuts: number[] = [];
    await using proxy = new TcpProxy({
      cutAfter: () => cuts.shift() ?? Infinity,
    });
    await using server = await listenBehind(proxy);
    const scene = await sceneAt(server.url);
    const texts = Array.from({ length: 12 }, (_, i) => `letter ${i}`);
    await write(scene, ...texts);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 25_000 }), { maxLength: 4 }),
        async (lengths) => {
          cuts = [...lengths];
          proxy.cutAll(); // what is kept open from the run before
          const session = new Session(
            new Relay(proxy.url),
            scene.session.identity,
          );
          const messages = watch(session, { transports: [transport] });
          assert.deepEqual(await take(messages, texts.length), texts);
          await messages.return(undefined);
        },
      ),
      { numRuns: 6 },
    );
  });
}

/** The events of a watch through something that spoils what it passes on. */
async function watchThrough(
  judge: (text: string) => "pass" | "refuse" | "swallow",
): Promise<WatchEvent[]> {
  await using proxy = new TcpProxy({ judge });
  await using server = await listenBehind(proxy);
  const scene = await sceneAt(server.url);
  await write(scene, "a");
  const session = new Session(new Relay(proxy.url), scene.session.identity);
  const events: WatchEvent[] = [];
  const messages = watch(session, { onEvent: (event) => events.push(event) });
  assert.deepEqual(await take(messages, 1), ["a"]);
  await messages.return(undefined);
  return events;
}

const isUpgrade = (text: string) => /^upgrade: websocket/im.test(text);
const isEvents = (text: string) => /^accept: text\/event-stream/im.test(text);

Deno.test("watch() takes events where WebSockets are refused", async () => {
  const events = await watchThrough((text) =>
    isUpgrade(text) ? "refuse" : "pass"
  );
  assert.deepEqual(events, [
    { kind: "blocked", transport: "socket" },
    { kind: "connected", transport: "events" },
  ]);
});

Deno.test("watch() takes long polls where events do not get through, either", async () => {
  const events = await watchThrough((text) =>
    isUpgrade(text) ? "refuse" : isEvents(text) ? "swallow" : "pass"
  );
  assert.deepEqual(events, [
    { kind: "blocked", transport: "socket" },
    { kind: "blocked", transport: "events" },
    { kind: "connected", transport: "poll" },
  ]);
});

Deno.test("watch() goes on by itself where the relay knows its tokens no more", async () => {
  await using directory = await TempDirectory.make();
  const file = directory.file("store.kv");
  // The keys in the store, and then those of the environment.
  const before = await listen(file, undefined, { signingKey: null });
  const port = Number(new URL(before.url).port);
  const scene = await sceneAt(before.url);
  const messages = watch(scene.session);
  const coming = take(messages, 2);
  await write(scene, "a");
  await before.stop();
  await using _after = await listen(file, undefined, { port });
  await write(scene, "b");
  assert.deepEqual(await coming, ["a", "b"]);
  await messages.return(undefined);
});

Deno.test("watch() begins behind its cursor; one of another store gives all that is held, and says so", async (t) => {
  await using server = await listen();
  const scene = await sceneAt(server.url);
  await write(scene, "a", "b");
  const first = watch(scene.session);
  const { value: message } = await first.next();
  await first.return(undefined);
  const behind = watch(scene.session, { after: message?.cursor ?? "" });
  assert.deepEqual(await take(behind, 1), ["b"]);
  await behind.return(undefined);
  for (const transport of ["events", "poll"] as const) {
    await t.step(transport, async () => {
      const kinds: string[] = [];
      const options: WatchOptions = {
        transports: [transport],
        after: `${"0".repeat(12)}-${"f".repeat(20)}`,
        onEvent: ({ kind }) => kinds.push(kind),
      };
      const messages = watch(scene.session, options);
      assert.deepEqual(await take(messages, 2), ["a", "b"]);
      await write(scene, "c");
      assert.deepEqual(await take(messages, 1), ["c"]);
      assert.ok(kinds.includes("reset"), kinds.join());
      await messages.return(undefined);
      const again = watch(scene.session, { after: message?.cursor ?? "" });
      assert.deepEqual(await take(again, 1), ["b"]);
      await again.return(undefined);
    });
  }
});

Deno.test("what a slow link is spared can be fetched", async () => {
  await using server = await listen();
  const scene = await sceneAt(server.url);
  await write(scene, "a");
  const messages = watch(scene.session, { bandwidth: 0 });
  const { value: message } = await messages.next();
  await messages.return(undefined);
  assert.ok(message);
  const fetched = await fetchMessage(scene.session, message);
  assert.equal(new TextDecoder().decode(fetched.letter?.data), "a");
});

Deno.test("watch() throws what the relay refuses for good", async (t) => {
  await using server = await listen();
  const { relay, session } = await sceneAt(server.url);
  for (const transport of ["events", "poll"] as const) {
    await t.step(transport, async () => {
      const mute = new Session(relay, session.identity, ["ack"]);
      await assert.rejects(
        watch(mute, { transports: [transport] }).next(),
        (error) => error instanceof RelayError && error.code === "forbidden",
      );
    });
  }
});
