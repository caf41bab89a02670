/** What the client takes for elements, by polls and by WebSocket. */
import assert from "node:assert/strict";
import { encodeElements } from "../../lib/elements.ts";
import { readPage, Relay, Session } from "../../client/mod.ts";
import { listPage } from "../../client/listing.ts";
import { TRANSPORTS } from "../../client/transports.ts";
import { assertClientError } from "./assert_client_error.ts";
import { FakeHome } from "./fake_home.ts";
import {
  ALICE,
  cursorAt,
  elementOf,
  elementPageOf,
  isUpgrade,
  listedAt,
  openScene,
  pageOf,
  settled,
  takeCursors,
  upgrade,
} from "./scripted.ts";

const TYPE = "application/vnd.restante.messages";
const BINARY = "restante.v1.binary";

const body = Uint8Array.of(0, 255, 62, 63);
const withBody = {
  ...listedAt(2),
  body: body.toBase64({ alphabet: "base64url", omitPadding: true }),
  expired: false,
};

/** An element of facts, some of them changed, and a body of some length. */
function element(change: Record<string, unknown> = {}, length = 0) {
  const facts = { ...elementOf(listedAt(1)).facts, ...change };
  const body = length === 0 ? null : new Uint8Array(length);
  return encodeElements([{ facts, body }]);
}

/** An element with facts of so many bytes. */
function longFacts(length: number) {
  const { facts } = elementOf(listedAt(1));
  const { length: short } = JSON.stringify({ ...facts, x: "" });
  return element({ x: "x".repeat(length - short) });
}

/** The same bytes, so many times. */
function times(bytes: Uint8Array<ArrayBuffer>, count: number) {
  const all = new Uint8Array(bytes.length * count);
  for (let i = 0; i < count; i++) all.set(bytes, i * bytes.length);
  return all;
}

function sessionAt({ url }: FakeHome): Session {
  return new Session(new Relay(url, { patience: 0 }), ALICE);
}

Deno.test("a page is asked for as elements, and read the same in either form", async () => {
  const messages = [listedAt(1), withBody];
  const read = [];
  for (const answer of [pageOf, elementPageOf]) {
    await using home = new FakeHome(() =>
      answer(messages, cursorAt(3), { more: true, reset: true })
    );
    read.push(await listPage(sessionAt(home), null, {}));
    assert.equal(
      home.headers[0]?.get("Accept"),
      "application/vnd.restante.messages, application/json;q=0.9",
    );
  }
  const [json, elements] = read;
  assert.deepEqual(json, elements);
  assert.deepEqual(elements?.messages.map(({ body }) => body), [null, body]);
  assert.deepEqual(
    [elements?.next, elements?.more, elements?.reset],
    [cursorAt(3), true, true],
  );
});

Deno.test("a page is read in the form that its Content-Type names", async (t) => {
  const table: readonly [type: string, isGood: boolean][] = [
    [TYPE, true],
    [TYPE.toUpperCase(), true],
    [`${TYPE} ; version=1`, true],
    ["application/json", false],
    ["", false],
    [`${TYPE}x`, false],
    [`text/html, ${TYPE}`, false],
  ];
  let type = "";
  await using home = new FakeHome(() => {
    const response = elementPageOf([listedAt(1)], cursorAt(1));
    response.headers.set("Content-Type", type);
    return response;
  });
  for (const [given, isGood] of table) {
    await t.step(given, async () => {
      type = given;
      const read = readPage(sessionAt(home), null);
      if (isGood) assert.equal((await read).messages.length, 1);
      else await assertClientError(read, "relay-nonsense");
    });
  }
});

const GOOD_ONE = element();

/** Elements of a relay that lies, whichever way they come. */
const BAD: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  "an element cut short": GOOD_ONE.subarray(0, -1),
  "a byte behind an element": new Uint8Array([...GOOD_ONE, 0]),
  "facts of 4 GiB": new Uint8Array([
    ...[255, 255, 255, 255],
    ...GOOD_ONE.subarray(4),
  ]),
  "JSON": new TextEncoder().encode(JSON.stringify(listedAt(1))),
  "a list of facts": encodeElements([{ facts: [] as never, body: null }]),
  "facts of 20,001 bytes": longFacts(20_001),
  "a body of 360,001 bytes": element({}, 360_001),
  "an absurd size": element({ size: -1 }),
  "a size that is text": element({ size: "1" }),
  "no cursor": element({ cursor: undefined }),
  "a cursor that is none": element({ cursor: "x" }),
  "a time beyond all times": element({ holdUntil: 1e300 }),
};

/** Elements at their bounds. */
const GOOD: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  "facts of 20,000 bytes": longFacts(20_000),
  "a body of 360,000 bytes": element({}, 360_000),
  "a body that the facts speak of too": element({ body: "AAAA" }),
};

const HEADERS = {
  "Content-Type": TYPE,
  "Restante-Next": cursorAt(1),
  "Restante-More": "false",
  "Restante-Reset": "false",
};

Deno.test("a page of elements is believed within its bounds, and nonsense beyond", async (t) => {
  let bytes: Uint8Array<ArrayBuffer> | null = null;
  await using home = new FakeHome(() =>
    new Response(bytes, { headers: HEADERS })
  );
  const bad = {
    ...BAD,
    "800,000 elements of nothing": times(
      encodeElements([{ facts: {}, body: null }]),
      800_000,
    ),
    "more than 8 MiB": times(element({}, 300_000), 28),
  };
  for (const [what, given] of Object.entries(bad)) {
    await t.step(what, async () => {
      bytes = given;
      const read = readPage(sessionAt(home), null);
      await assertClientError(read, "relay-nonsense");
    });
  }
  for (const [what, given] of Object.entries(GOOD)) {
    await t.step(what, async () => {
      bytes = given;
      const { messages } = await readPage(sessionAt(home), null);
      assert.equal(messages.length, 1);
    });
  }
  await t.step("a page of no bytes", async () => {
    bytes = null;
    const { messages } = await readPage(sessionAt(home), null);
    assert.deepEqual(messages, []);
  });
});

Deno.test("a page of elements says where it ends in its headers, each in its one form", async (t) => {
  const changes: Readonly<Record<string, readonly (string | null)[]>> = {
    "Restante-Next": [null, "", "x", `${cursorAt(1)}, ${cursorAt(1)}`],
    "Restante-More": [null, "", "1", "True", "true, true", "toString"],
    "Restante-Reset": [null, "", "no", "false, false", "__proto__"],
  };
  let headers: Record<string, string> = {};
  await using home = new FakeHome(() => new Response(GOOD_ONE, { headers }));
  for (const [name, values] of Object.entries(changes)) {
    for (const value of values) {
      await t.step(`${name}: ${value}`, async () => {
        headers = { ...HEADERS };
        if (value === null) delete headers[name];
        else headers[name] = value;
        const read = readPage(sessionAt(home), null);
        await assertClientError(read, "relay-nonsense");
      });
    }
  }
});

Deno.test("a socket of elements is believed within their bounds, and nonsense beyond", async (t) => {
  const open = (frame: string | Uint8Array<ArrayBuffer>) =>
    openScene(
      "socket",
      (request) => upgrade(request, (socket) => socket.send(frame), BINARY),
    );
  const bad = {
    ...BAD,
    "no bytes": new Uint8Array(),
    "two elements": times(GOOD_ONE, 2),
    "text": JSON.stringify(listedAt(1)),
  };
  for (const [what, frame] of Object.entries(bad)) {
    await t.step(what, async () => {
      await using scene = open(frame);
      await assertClientError(scene.watch().next(), "relay-nonsense");
    });
  }
  for (const [what, frame] of Object.entries(GOOD)) {
    await t.step(what, async () => {
      await using scene = open(frame);
      const messages = scene.watch();
      assert.deepEqual(await takeCursors(messages, 1), [cursorAt(1)]);
      await messages.return(undefined);
    });
  }
});

Deno.test("a socket gives the same messages by either subprotocol", async () => {
  const listed = [listedAt(1), withBody];
  const frames = {
    "restante.v1": listed.map((message) => JSON.stringify(message)),
    [BINARY]: listed.map((message) => encodeElements([elementOf(message)])),
  };
  const read = [];
  for (const [protocol, sent] of Object.entries(frames)) {
    await using scene = openScene(
      "socket",
      (request) =>
        upgrade(request, (socket) => {
          for (const frame of sent) socket.send(frame);
          socket.close();
        }, protocol),
    );
    const arrivals = await Array.fromAsync(TRANSPORTS.socket({
      session: scene.session,
      after: null,
      signal: new AbortController().signal,
    }));
    read.push(arrivals.flatMap(({ messages }) => messages));
  }
  const [text, binary] = read;
  assert.equal(text?.length, 2);
  assert.deepEqual(text, binary);
});

Deno.test("a socket that sends more elements than are read is left, and read again from where it was", async () => {
  const count = 60;
  const asked: (string | null)[] = [];
  await using scene = openScene("socket", (request) => {
    if (!isUpgrade(request)) return pageOf([], cursorAt(0));
    const after = new URL(request.url).searchParams.get("after");
    asked.push(after);
    const from = after === null ? 0 : Number(after.split("-")[1]);
    return upgrade(request, (socket) => {
      for (let place = from + 1; place <= count; place++) {
        socket.send(element({ cursor: cursorAt(place) }, 350_000));
      }
    }, BINARY);
  });
  const messages = scene.watch();
  const first = await takeCursors(messages, 1);
  // While the first is looked at, more arrive than may wait.
  assert.equal(await settled(() => asked.length), 1);
  const rest = await takeCursors(messages, count - 1);
  await messages.return(undefined);
  assert.deepEqual(
    [...first, ...rest],
    Array.from({ length: count }, (_, i) => cursorAt(i + 1)),
  );
  assert.ok(asked.length > 1, `${asked.length} sockets`);
});
