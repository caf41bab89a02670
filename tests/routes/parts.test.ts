/** Long answers go out by parts, count while they wait, and are to be taken. */
import assert from "node:assert/strict";
import type { ServeInfo } from "../../routes/serve_info.ts";
import { assertProblem } from "./assert_problem.ts";
import { fill } from "./filled_mailbox.ts";
import { Owner } from "./owner.ts";
import { TestRelay, type TestRelayOptions } from "./relay_fixture.ts";

const PART = 16_384;
/** Bytes that Deno takes before anybody reads. */
const AHEAD = 5 * PART;

/** A relay, and a mailbox with one message of 200,000 bytes. */
async function openWithMail(options: TestRelayOptions = {}) {
  const relay = await TestRelay.open(options);
  const owner = await Owner.open(relay);
  const [stored] = await fill(owner, 1, 3_600, 200_000);
  assert.ok(stored);
  const authorization = { Authorization: `Bearer ${await owner.token()}` };
  const page = `/v1/mailboxes/${owner.mailbox}/messages`;
  const object = `/v1/objects/${stored.object}`;
  return {
    relay,
    page,
    object,
    ask: (path: string, init: RequestInit = {}, info?: ServeInfo) =>
      relay.fetch(path, {
        ...init,
        headers: { ...authorization, ...init.headers },
      }, info),
    [Symbol.dispose]: () => relay[Symbol.dispose](),
  };
}

/** A connection that notes what is done to it. */
function connectionOf() {
  const answered = Promise.withResolvers<void>();
  const seen = { cuts: 0, stays: 0, moves: 0 };
  const info: ServeInfo = {
    remoteAddr: { hostname: "127.0.0.1" },
    connection: {
      hold: () => () => {},
      keepSocket: () => {},
      cut: () => void seen.cuts++,
    },
    completed: answered.promise,
    stay: () => {
      seen.stays++;
      return () => void seen.stays--;
    },
    moved: () => void seen.moves++,
  };
  return { info, seen, ...answered };
}

function readerOf({ body }: Response) {
  assert.ok(body);
  return body.getReader();
}

Deno.test("every long answer is made of parts that are all of it, and waits until the last is taken", async (t) => {
  using mail = await openWithMail();
  const { relay, page, object, ask } = mail;
  const { backlog } = relay.app.use;
  const range = { headers: { Range: "bytes=1-150000" } };
  const table: [path: string, init: RequestInit, waiting?: number][] = [
    [page, {}],
    [page, { headers: { Prefer: "wait=5" } }],
    [object, {}],
    [object, range],
    ["/docs/swagger-ui-bundle.js", {}, AHEAD],
    ["/docs/swagger-ui.css", {}, AHEAD],
    ["/openapi.json", {}, AHEAD],
  ];
  for (const [path, init, waiting] of table) {
    await t.step(`${path} ${JSON.stringify(init)}`, async () => {
      const response = await ask(path, init);
      assert.ok(response.ok);
      const length = Number(response.headers.get("Content-Length"));
      assert.ok(length > 2 * PART);
      assert.equal(backlog.bytes, waiting ?? length);
      const reader = readerOf(response);
      let taken = 0;
      while (taken < length) {
        assert.equal(backlog.bytes, waiting ?? length);
        const { value } = await reader.read();
        assert.ok(value && value.length <= PART);
        taken += value.length;
      }
      assert.equal((await reader.read()).done, true);
      assert.equal(taken, length);
      assert.deepEqual([backlog.bytes, relay.clock.timers], [0, 0]);
    });
  }
  const { messages: [message] } = await (await ask(page)).json();
  const whole = await (await ask(object)).bytes();
  assert.equal(
    message.body,
    whole.toBase64({ alphabet: "base64url", omitPadding: true }),
  );
  const part = await ask(object, range);
  assert.deepEqual(
    [part.status, part.headers.get("Content-Range")],
    [206, "bytes 1-150000/200000"],
  );
  assert.deepEqual(await part.bytes(), whole.slice(1, 150_001));
});

Deno.test("an answer of 4 KiB goes out at once, and one byte more by parts", async () => {
  using mail = await openWithMail();
  const { relay, object, ask } = mail;
  for (const [last, waiting] of [[4_095, 0], [4_096, 4_097]]) {
    const { body } = await ask(object, {
      headers: { Range: `bytes=0-${last}` },
    });
    assert.equal(relay.app.use.backlog.bytes, waiting);
    await body?.cancel();
  }
});

Deno.test("an answer that is cancelled, or has no body, holds no room", async () => {
  using mail = await openWithMail();
  const { relay, page, object, ask } = mail;
  const { backlog } = relay.app.use;
  for (const path of [page, object, "/docs/swagger-ui-bundle.js"]) {
    const { headers } = await ask(path, { method: "HEAD" });
    assert.equal(backlog.bytes, 0, path);
    const connection = connectionOf();
    const response = await ask(path, {}, connection.info);
    assert.equal(
      headers.get("Content-Length"),
      response.headers.get("Content-Length"),
    );
    const reader = readerOf(response);
    await reader.read();
    assert.ok(backlog.bytes > 0);
    await reader.cancel();
    assert.deepEqual([backlog.bytes, relay.clock.timers], [0, 0]);
    assert.deepEqual(connection.seen, { cuts: 0, stays: 0, moves: 1 });
  }
});

Deno.test("long answers beyond the bytes that may wait are refused as busy, and others give way", async () => {
  using mail = await openWithMail({ caps: { bufferedBytes: 500_000 } });
  const { relay, page, object, ask } = mail;
  const { backlog } = relay.app.use;
  const { info, seen } = connectionOf();
  const first = await ask(object, {}, info);
  const reader = readerOf(first);
  await reader.read();
  const second = await ask(page);
  for (const path of [page, object, "/docs/swagger-ui-bundle.js"]) {
    const refused = await ask(path);
    await assertProblem(relay, refused, "busy");
    assert.equal(refused.headers.get("Retry-After"), "1");
  }
  assert.equal(backlog.refused, 3);
  const small = await ask(object, { headers: { Range: "bytes=0-9" } });
  assert.equal(small.status, 206);
  relay.clock.advance(1_000);
  const third = await ask(object);
  assert.equal(third.status, 200);
  assert.equal(seen.cuts, 1);
  await assert.rejects(reader.read());
  for (const { body } of [second, third]) await body?.cancel();
  assert.equal(backlog.bytes, 0);
});

Deno.test("who takes a part now and then gets all, who takes none for 30 s is cut off", async () => {
  using mail = await openWithMail();
  const { relay, object, ask } = mail;
  const { backlog } = relay.app.use;
  const { info, seen, resolve } = connectionOf();
  const slow = readerOf(await ask(object, {}, info));
  let taken = 0;
  for (let n = 0; n < 13; n++) {
    relay.clock.advance(29_999);
    taken += (await slow.read()).value?.length ?? 0;
  }
  assert.deepEqual([taken, seen.cuts], [200_000, 0]);
  assert.equal((await slow.read()).done, true);
  // What is ahead of the client may take as long as so many parts.
  assert.equal(backlog.bytes, 200_000);
  relay.clock.advance(149_999);
  assert.deepEqual(seen, { cuts: 0, stays: 0, moves: 14 });
  resolve();
  await info.completed;
  assert.deepEqual([backlog.bytes, relay.clock.timers], [0, 0]);

  const other = connectionOf();
  const stuck = readerOf(await ask(object, {}, other.info));
  await stuck.read();
  relay.clock.advance(30_000);
  assert.equal(other.seen.cuts, 1);
  await assert.rejects(stuck.read());
  const tail = connectionOf();
  const left = readerOf(await ask(object, {}, tail.info));
  while (!(await left.read()).done);
  relay.clock.advance(150_000);
  assert.equal(tail.seen.cuts, 1);
  assert.equal(backlog.dropped, 2);
});

Deno.test("an answer nobody waits for any more gives its room back", async () => {
  using mail = await openWithMail();
  const { relay, object, ask } = mail;
  const { info, seen, reject } = connectionOf();
  await ask(object, {}, info);
  assert.equal(relay.app.use.backlog.bytes, 200_000);
  reject(new Error("the client left before it began"));
  await info.completed?.catch(() => {});
  assert.equal(relay.app.use.backlog.bytes, 0);
  assert.equal(seen.cuts, 0);
});

Deno.test("a request that is one too many of its connection is refused, whatever it asks", async () => {
  using mail = await openWithMail();
  const { relay, page, ask } = mail;
  const info = { ...connectionOf().info, isOneTooMany: true };
  for (const path of [page, "/v1", "/docs", "/nowhere"]) {
    const refused = await ask(path, {}, info);
    await assertProblem(relay, refused, "busy");
    assert.equal(refused.headers.get("Retry-After"), "1");
  }
});

Deno.test("a stream of events is worked on until it is left", async () => {
  using mail = await openWithMail();
  const { page, ask } = mail;
  const { info, seen } = connectionOf();
  const headers = { Accept: "text/event-stream" };
  const reader = readerOf(await ask(page, { headers }, info));
  await reader.read();
  assert.equal(seen.stays, 1);
  await reader.cancel();
  assert.equal(seen.stays, 0);
});
