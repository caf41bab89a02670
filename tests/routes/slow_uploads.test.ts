/** Bodies that stand still, trickle, or come in crowds. */
import assert from "node:assert/strict";
import { openDatabase } from "../../kv/store/deno_kv.ts";
import { SpiedDatabase } from "../kv/spied_database.ts";
import { assertProblem } from "./assert_problem.ts";
import { Owner, postEnvelope } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

/** A body that comes when it is told to. */
function slowBody() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  return { readable, writer: writable.getWriter() };
}

function post(relay: TestRelay, path: string, type: string, body: BodyInit) {
  const headers = { "Content-Type": type };
  return relay.fetch(path, { method: "POST", headers, body });
}

const PATHS: readonly [path: string, type: string][] = [
  ["/v1/messages", "application/octet-stream"],
  [`/v1/handshakes/${"0".repeat(68)}`, "application/octet-stream"],
  ["/v1/quotes", "application/json"],
  ["/v1/handshakes", "application/json"],
];

for (const [path, type] of PATHS) {
  Deno.test(`POST ${path} gives up a body of a byte a second, and says why`, async () => {
    using relay = await TestRelay.open();
    const { readable, writer } = slowBody();
    const answer = post(relay, path, type, readable);
    await relay.clock.waitedFor();
    const { uploads } = relay.app.use;
    const given = writer.closed.catch((error) => error);
    for (let second = 0; second < 6; second++) {
      await writer.write(new Uint8Array([0x20]));
      relay.clock.advance(1_000);
    }
    const problem = await assertProblem(relay, await answer, "malformed");
    assert.match(String(problem["detail"]), /comes too slowly/);
    await given; // nobody reads it any more
    assert.deepEqual([uploads.bytes, uploads.size, uploads.dropped], [0, 0, 1]);
    assert.equal(relay.clock.timers, 0);
  });
}

Deno.test("a body that has come whole is not given up, however long the store takes", async () => {
  const letGo = Promise.withResolvers<void>();
  const databases: SpiedDatabase[] = [];
  using relay = await TestRelay.open({
    async openDatabase(location) {
      const database = new SpiedDatabase(await openDatabase(location));
      databases.push(database);
      return database;
    },
  });
  const owner = await Owner.open(relay);
  let isAsked = false;
  for (const database of databases) {
    database.onRead = () => {
      isAsked = true;
      return letGo.promise;
    };
  }
  const answer = postEnvelope(relay, owner.envelope());
  const { uploads } = relay.app.use;
  while (!isAsked) {
    await (await relay.fetch("/docs/start.js")).body?.cancel();
    await new Promise((resolve) => setTimeout(resolve));
  }
  relay.clock.advance(1_000_000);
  assert.equal(relay.clock.timers, 0, "nobody looks at it any more");
  assert.deepEqual([uploads.size, uploads.dropped], [1, 0]);
  assert.ok(uploads.bytes > 1_000, "until it is answered it is in memory");
  letGo.resolve();
  const response = await answer;
  assert.equal((await response.json()).code, undefined);
  assert.deepEqual([uploads.size, uploads.bytes], [0, 0]);
});

Deno.test("bodies that find no room are told to come again, and the others go on", async () => {
  using relay = await TestRelay.open({ caps: { uploadBytes: 10_000 } });
  const { uploads } = relay.app.use;
  const [path, type] = ["/v1/quotes", "application/json"];
  const slow = slowBody();
  const waiting = post(relay, path, type, slow.readable);
  await slow.writer.write(new Uint8Array(9_000).fill(0x20));
  await relay.clock.waitedFor();
  while (uploads.bytes < 9_000) await relay.fetch("/health");
  const quote = '{"bytes":1500,"seconds":3600}';
  const refused = await post(relay, path, type, quote.padEnd(1_001));
  assert.equal(refused.headers.get("Retry-After"), "2");
  await assertProblem(relay, refused, "busy");
  const fits = await post(relay, path, type, quote.padEnd(1_000));
  assert.equal(fits.status, 200);
  await slow.writer.write(new TextEncoder().encode(quote));
  await slow.writer.close();
  assert.equal((await waiting).status, 200);
  assert.deepEqual([uploads.bytes, uploads.size, uploads.refused], [0, 0, 1]);
});
