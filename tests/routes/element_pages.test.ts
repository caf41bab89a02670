/** Pages and frames of elements: what JSON lists, with the bodies as they are. */
import assert from "node:assert/strict";
import { streamParts } from "../../routes/page_forms.ts";
import { readPage } from "../../relay/reading.ts";
import { HOUR } from "./clock.ts";
import { elementPage, ELEMENTS, frameMessage } from "./elements.ts";
import { fill } from "./filled_mailbox.ts";
import { Owner, type Page } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

const TYPE = ELEMENTS.Accept;
const JSON_TYPE = "application/json";

/**
 * A mailbox of all kinds: expired, in the log and in segments, small and large,
 * for any link and for fast ones.
 */
async function variedMailbox(relay: TestRelay) {
  const owner = await Owner.open(relay);
  await fill(owner, 2, 3_600);
  await fill(owner, 1, 3_600, 70_000);
  relay.clock.advance(HOUR);
  await fill(owner, 3, 86_400);
  await fill(owner, 1, 86_400, 4_097);
  await owner.receive(owner.envelope(), "?minBandwidth=50000&priority=lazy");
  await fill(owner, 1, 86_400, 200_000);
  await fill(owner, 1, 86_400, 1);
  return owner;
}

const pathOf = ({ mailbox }: Owner, query = "") =>
  `/v1/mailboxes/${mailbox}/messages${query}`;

async function readBoth(
  owner: Owner,
  query: string,
  headers: Record<string, string> = {},
): Promise<{ json: Page; elements: Page }> {
  const ask = (more: Record<string, string>) =>
    owner.fetch(pathOf(owner, query), { headers: { ...headers, ...more } });
  const json = await ask({});
  assert.equal(json.headers.get("Content-Type"), JSON_TYPE);
  const elements = await ask(ELEMENTS);
  assert.equal(elements.headers.get("Content-Type"), TYPE);
  return { json: await json.json(), elements: await elementPage(elements) };
}

Deno.test("a page of elements is the page of JSON, message by message", async (t) => {
  using relay = await TestRelay.open();
  const owner = await variedMailbox(relay);
  const { messages } = await owner.read();
  assert.equal(messages.length, 10);
  const [, second] = messages;
  const foreign = `${"0".repeat(12)}-${"0".repeat(20)}`;
  const queries = [
    "",
    "?limit=1",
    "?limit=4",
    "?bandwidth=10000",
    "?bandwidth=50000",
    "?delivery=link&bandwidth=2000000",
    `?after=${second?.cursor}`,
    `?after=${second?.cursor}&limit=3`,
    `?after=${messages.at(-1)?.cursor}`,
    `?after=${foreign}`,
    `?after=${foreign}&limit=2`,
  ];
  for (const query of queries) {
    await t.step(query, async () => {
      const { json, elements } = await readBoth(owner, query);
      assert.deepEqual(elements, json);
    });
  }
  await t.step("in answer to a long poll", async () => {
    const headers = { Prefer: "wait=5" };
    const { json, elements } = await readBoth(owner, "", headers);
    assert.deepEqual(elements, json);
  });
  const empty = await Owner.open(relay);
  const { json, elements } = await readBoth(empty, "");
  assert.deepEqual(elements, json);
  assert.deepEqual(json.messages, []);
});

Deno.test("the members of an element are those of JSON, in their order, but the body", async () => {
  using relay = await TestRelay.open();
  const owner = await variedMailbox(relay);
  const { json, elements } = await readBoth(owner, "");
  for (const [i, { body: _, ...facts }] of json.messages.entries()) {
    const { body: __, ...own } = elements.messages[i] ?? json.messages[0]!;
    assert.equal(JSON.stringify(own), JSON.stringify(facts));
  }
});

Deno.test("a page of JSON has as many bytes as it says", async () => {
  using relay = await TestRelay.open();
  const owner = await variedMailbox(relay);
  const answer = await owner.fetch(pathOf(owner));
  const { length } = await answer.bytes();
  assert.equal(length, Number(answer.headers.get("Content-Length")));
  assert.ok(length > 200_000);
});

Deno.test("an Accept header gets elements if it names them, and JSON no sooner", async (t) => {
  using relay = await TestRelay.open();
  const { fetch, mailbox } = await Owner.open(relay).then((owner) => ({
    fetch: owner.fetch.bind(owner),
    mailbox: owner.mailbox,
  }));
  const table: readonly [accept: string, type: string][] = [
    [TYPE, TYPE],
    [TYPE.toUpperCase(), TYPE],
    [`${TYPE};version=1`, TYPE],
    [`text/html, ${TYPE}`, TYPE],
    [`${TYPE}${", text/html".repeat(80)}`, TYPE],
    // Nobody has so many to say; it is not looked at.
    [`${TYPE}${", text/html".repeat(100)}`, JSON_TYPE],
    [`${TYPE}, application/json;q=0.9`, TYPE],
    [`application/json;q=0.9,${TYPE}`, TYPE],
    [`${TYPE}, */*;q=0.1`, TYPE],
    [`${TYPE}, application/json`, TYPE],
    [`${TYPE};q=0.5, application/*;q=0.4`, TYPE],
    [`${TYPE};q=0.001`, TYPE],
    [`${TYPE};q=0.5, application/json`, JSON_TYPE],
    [`${TYPE};q=0.5, */*`, JSON_TYPE],
    [`${TYPE};q=0.5, application/*;q=0.6`, JSON_TYPE],
    [`${TYPE};q=0.5, */*, application/json;q=0.4`, TYPE],
    [`${TYPE};q=0`, JSON_TYPE],
    [`${TYPE};q=0, */*`, JSON_TYPE],
    ["*/*", JSON_TYPE],
    ["application/*", JSON_TYPE],
    ["", JSON_TYPE],
    ["application/json", JSON_TYPE],
    [`${TYPE}x`, JSON_TYPE],
    [`x${TYPE}`, JSON_TYPE],
    [`text/html;a="${TYPE}"`, JSON_TYPE],
    [`text/html;a=", ${TYPE}, "`, JSON_TYPE],
    [`text/event-stream, ${TYPE}`, "text/event-stream"],
    [`${TYPE}, text/event-stream;q=0.1`, "text/event-stream"],
  ];
  for (const [accept, type] of table) {
    await t.step(accept, async () => {
      const answer = await fetch(`/v1/mailboxes/${mailbox}/messages`, {
        headers: { Accept: accept },
      });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("Content-Type"), type);
      await answer.body?.cancel();
    });
  }
});

Deno.test("whoever says nothing of what it takes gets JSON", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const answer = await owner.fetch(pathOf(owner));
  assert.equal(answer.headers.get("Content-Type"), JSON_TYPE);
});

Deno.test("a page of elements has the header fields of its form, and those of every page", async (t) => {
  using relay = await TestRelay.open();
  const owner = await variedMailbox(relay);
  const { next } = await owner.read("?limit=2");
  for (const method of ["GET", "HEAD"]) {
    await t.step(method, async () => {
      const answer = await owner.fetch(pathOf(owner, "?limit=2"), {
        method,
        headers: { ...ELEMENTS, Prefer: "wait=5" },
      });
      const fields = Object.fromEntries(
        [
          "Cache-Control",
          "Content-Type",
          "ETag",
          "Preference-Applied",
          "Restante-Next",
          "Restante-More",
          "Restante-Reset",
        ].map((name) => [name, answer.headers.get(name)]),
      );
      assert.deepEqual(fields, {
        "Cache-Control": "no-store",
        "Content-Type": TYPE,
        "ETag": null,
        "Preference-Applied": "wait=5",
        "Restante-Next": next,
        "Restante-More": "true",
        "Restante-Reset": "false",
      });
      const { length } = await answer.bytes();
      const said = Number(answer.headers.get("Content-Length"));
      assert.ok(said > 0);
      assert.equal(length, method === "HEAD" ? 0 : said);
    });
  }
});

Deno.test("a long page of elements waits as any other long answer, all of its bytes", async () => {
  using relay = await TestRelay.open();
  const owner = await variedMailbox(relay);
  const { backlog } = relay.app.use;
  const answer = await owner.fetch(pathOf(owner), { headers: ELEMENTS });
  const length = Number(answer.headers.get("Content-Length"));
  assert.ok(length > 200_000);
  assert.equal(backlog.bytes, length);
  assert.equal((await answer.bytes()).length, length);
  relay.clock.advance(1_000); // bodies are looked at no longer
  assert.deepEqual([backlog.bytes, relay.clock.timers], [0, 0]);
});

Deno.test("a long poll for elements is answered as soon as there is one", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const waiting = owner.fetch(pathOf(owner), {
    headers: { ...ELEMENTS, Prefer: "wait=20" },
  });
  await relay.clock.waitedFor();
  const [sent] = await fill(owner, 1);
  const { messages } = await elementPage(await waiting);
  assert.deepEqual(messages.map(({ id }) => id), [sent?.id]);
});

Deno.test("slow links get digests and hints, whatever form they take", async () => {
  using relay = await TestRelay.open();
  const owner = await variedMailbox(relay);
  const table = [[50_000, "digest"], [1, "hint"]] as const;
  for (const [bandwidth, form] of table) {
    const query = `?delivery=link&bandwidth=${bandwidth}`;
    const [plain, asked] = await Promise.all(
      [{}, ELEMENTS].map((headers) =>
        owner.fetch(pathOf(owner, query), { headers })
      ),
    );
    assert.ok(plain && asked);
    assert.equal(
      asked.headers.get("Content-Type"),
      `application/vnd.restante.${form}`,
    );
    assert.deepEqual(await asked.bytes(), await plain.bytes());
  }
});

Deno.test("all who read a page as a stream are given one and the same element", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  await fill(owner, 2);
  const page = await readPage(relay.relay, {
    mailbox: owner.mailbox,
    after: null,
    limit: 10,
    bandwidth: Infinity,
    reader: null,
  });
  const [one, other] = [streamParts(page, "full"), streamParts(page, "full")];
  assert.equal(one.length, 2);
  for (const [i, part] of one.entries()) {
    assert.ok(part.element);
    assert.equal(part.element, other[i]?.element);
    assert.deepEqual(
      frameMessage(part.element.buffer),
      JSON.parse(part.text),
    );
  }
  const [digest] = streamParts(page, "digest");
  assert.equal(digest?.element, null);
});

/** A relay that answers WebSockets, which need a real connection. */
async function serve() {
  const relay = await TestRelay.open();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => relay.app.fetch(request),
  );
  return {
    relay,
    url: `ws://127.0.0.1:${server.addr.port}`,
    async [Symbol.asyncDispose]() {
      await relay.app.drain();
      await server.shutdown();
      relay[Symbol.dispose]();
    },
  };
}

/** The first frames of a socket, and what was agreed on. */
async function firstFrames(
  url: string,
  owner: Owner,
  { protocols, query = "", count }: {
    readonly protocols: readonly string[];
    readonly query?: string;
    readonly count: number;
  },
) {
  const socket = new WebSocket(
    `${url}/v1/mailboxes/${owner.mailbox}/socket${query}`,
    [...protocols],
  );
  socket.binaryType = "arraybuffer";
  const frames: (string | ArrayBuffer)[] = [];
  const closed = new Promise((resolve) => socket.onclose = resolve);
  await new Promise<void>((resolve, reject) => {
    socket.onerror = reject;
    socket.onmessage = ({ data }) => {
      frames.push(data);
      if (frames.length === count) resolve();
    };
  });
  const { protocol } = socket;
  socket.close();
  await closed;
  return { protocol, frames };
}

Deno.test("a socket speaks the first subprotocol that it knows of those that are offered", async (t) => {
  await using server = await serve();
  const owner = await variedMailbox(server.relay);
  const { messages } = await owner.read();
  const bearer = `bearer.${await owner.token()}`;
  const ticketed = async () => {
    const answer = await owner.fetch(
      `/v1/mailboxes/${owner.mailbox}/socket-tickets`,
      { method: "POST" },
    );
    return `ticket.${(await answer.json()).ticket}`;
  };
  const [text, binary] = ["restante.v1", "restante.v1.binary"];
  const table: readonly [offered: string[], agreed: string][] = [
    [[text, bearer], text],
    [[binary, bearer], binary],
    [[binary, text, bearer], binary],
    [[text, binary, bearer], text],
    [[bearer, binary, text], binary],
    [["restante.v2", "restante.v1.binar", binary, bearer], binary],
    [[binary, text, await ticketed()], binary],
    [[await ticketed(), text], text],
  ];
  for (const [protocols, agreed] of table) {
    const names = protocols.map((name) => name.replace(/\..{30,}/, ".…"));
    await t.step(names.join(", "), async () => {
      const count = messages.length;
      const asked = { protocols, count };
      const { protocol, frames } = await firstFrames(server.url, owner, asked);
      assert.equal(protocol, agreed);
      assert.deepEqual(
        frames.map((frame) => typeof frame === "string"),
        Array(count).fill(agreed === text),
      );
      assert.deepEqual(frames.map(frameMessage), messages);
    });
  }
});

Deno.test("a socket of elements brings digests as text", async () => {
  await using server = await serve();
  const owner = await variedMailbox(server.relay);
  const { protocol, frames: [frame] } = await firstFrames(server.url, owner, {
    protocols: ["restante.v1.binary", `bearer.${await owner.token()}`],
    query: "?delivery=link&bandwidth=50000",
    count: 1,
  });
  assert.equal(protocol, "restante.v1.binary");
  assert.equal(typeof frame, "string");
  assert.deepEqual(Object.keys(JSON.parse(String(frame))), [
    "cursor",
    "digest",
  ]);
});
