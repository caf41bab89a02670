/** Watching what a test scripts: what is given, asked and waited for. */
import assert from "node:assert/strict";
import type { Transport } from "../../client/mod.ts";
import { assertClientError } from "./assert_client_error.ts";
import { problem } from "./fake_relay.ts";
import {
  cursorAt,
  listedAt,
  openScene,
  pageOf,
  play,
  settled,
  takeCursors,
} from "./scripted.ts";

const TRANSPORTS: readonly Transport[] = ["socket", "events", "poll"];

for (const transport of TRANSPORTS) {
  Deno.test(`watch() by ${transport} gives the mail of another store, though its name sorts lower`, async () => {
    const parts = [[listedAt(7, "b")], [listedAt(3, "a"), listedAt(4, "a")]];
    let asked = 0;
    await using scene = openScene(
      transport,
      (request) => play(request, parts[asked++] ?? [], { reset: asked === 2 }),
    );
    const messages = scene.watch();
    assert.deepEqual(await takeCursors(messages, 3), [
      cursorAt(7, "b"),
      cursorAt(3, "a"),
      cursorAt(4, "a"),
    ]);
    await messages.return(undefined);
  });

  Deno.test(`watch() by ${transport} believes three stores after the first, within an hour, and no fourth`, async () => {
    let asked = 0;
    await using scene = openScene(transport, (request) => {
      const epoch = "abcdef"[asked++];
      return epoch === undefined
        ? problem(403, { code: "forbidden" })
        : play(request, [listedAt(1, epoch)], { reset: asked > 1 });
    });
    const messages = scene.watch();
    assert.deepEqual(
      await takeCursors(messages, 4),
      [..."abcd"].map((epoch) => cursorAt(1, epoch)),
    );
    await assertClientError(messages.next(), "relay-nonsense");
    assert.equal(asked, 5);
  });

  Deno.test(`watch() by ${transport} says which device reads, over which link`, async () => {
    await using scene = openScene(
      transport,
      (request) => play(request, [listedAt(1)]),
    );
    const messages = scene.watch({ reader: "my-phone", bandwidth: 7 });
    await takeCursors(messages, 1);
    await messages.return(undefined);
    const { searchParams } = new URL(
      scene.home.asked.at(-1)?.split(" ")[1] ?? "",
      scene.home.url,
    );
    assert.deepEqual(Object.fromEntries(searchParams), {
      reader: "my-phone",
      bandwidth: "7",
    });
  });
}

for (const transport of ["socket", "events"] as const) {
  Deno.test(`watch() by ${transport} does not give again what it has given`, async () => {
    const parts = [[1, 2, 3], [2, 3, 4]];
    let asked = 0;
    await using scene = openScene(transport, (request) => {
      const places = parts[asked++] ?? [];
      return play(request, places.map((place) => listedAt(place)));
    });
    const messages = scene.watch();
    assert.deepEqual(
      await takeCursors(messages, 4),
      [1, 2, 3, 4].map((place) => cursorAt(place)),
    );
    await messages.return(undefined);
  });
}

Deno.test("watch() waits longer each time a relay breaks off, and begins anew once it holds", async () => {
  let isHolding = false;
  await using scene = openScene(
    "poll",
    () =>
      isHolding
        ? pageOf([listedAt(1)], cursorAt(1))
        : problem(503, { code: "busy" }),
  );
  const pauses: number[] = [];
  const end = new AbortController();
  const messages = scene.watch({
    signal: end.signal,
    onEvent: (event) => {
      if (event.kind === "waiting") pauses.push(event.milliseconds);
      if (pauses.length === 7) isHolding = true;
      if (pauses.length === 8) end.abort(new Error("enough"));
    },
  });
  assert.deepEqual(await takeCursors(messages, 1), [cursorAt(1)]);
  scene.clock.advance(1_001);
  isHolding = false;
  await assert.rejects(messages.next(), /enough/);
  for (const [i, pause] of pauses.entries()) {
    const most = i === 7 ? 200 : Math.min(400 * 2 ** i, 5_000);
    assert.ok(pause >= most / 2 && pause <= most, `${i}: ${pause} ms`);
  }
});

Deno.test("watch() heeds what a relay asks for that is asked too often", async () => {
  let asked = 0;
  await using scene = openScene(
    "poll",
    () =>
      asked++ === 0
        ? problem(429, { code: "rate-limited", retryAfter: 33 })
        : pageOf([listedAt(1)], cursorAt(1)),
    { skipsPauses: false },
  );
  const told = Promise.withResolvers<void>();
  const messages = scene.watch({ onEvent: () => told.resolve() });
  const coming = takeCursors(messages, 1);
  await told.promise;
  scene.clock.advance(32_999);
  assert.equal(await settled(() => asked), 1);
  scene.clock.advance(1);
  assert.deepEqual(await coming, [cursorAt(1)]);
  await messages.return(undefined);
});

Deno.test("watch() goes on where an empty page ended, though the connection breaks", async () => {
  const answers = [
    () => pageOf([], cursorAt(5)),
    () => problem(503, { code: "busy" }),
    () => pageOf([listedAt(6)], cursorAt(6)),
  ];
  let asked = 0;
  await using scene = openScene(
    "poll",
    () => answers[asked++]?.() ?? pageOf([], cursorAt(6)),
  );
  const messages = scene.watch();
  assert.deepEqual(await takeCursors(messages, 1), [cursorAt(6)]);
  assert.match(
    scene.home.asked.at(-1) ?? "",
    new RegExp(`after=${cursorAt(5)}`),
  );
  await messages.return(undefined);
});

Deno.test("watch() gives what is held where the same store begins anew", async () => {
  let asked = 0;
  await using scene = openScene(
    "poll",
    () =>
      asked++ === 0
        ? pageOf([listedAt(5)], cursorAt(5))
        : pageOf([listedAt(2)], cursorAt(2), { reset: true }),
  );
  const messages = scene.watch();
  assert.deepEqual(await takeCursors(messages, 2), [cursorAt(5), cursorAt(2)]);
  await messages.return(undefined);
});
