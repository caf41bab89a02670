/** Objects: whole, in part, or not again (RFC 9110, sections 13 and 14). */
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/bytes.ts";
import { openDatabase } from "../../kv/store/deno_kv.ts";
import { assertProblem } from "./assert_problem.ts";
import { HeldDatabase } from "./held_database.ts";
import { Owner } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

/** A small object, in the log, and one in two segments. */
const SIZES = [1_000, 70_000];

/** A mailbox with an object of each size. */
async function openObjects(relay: TestRelay) {
  const owner = await Owner.open(relay);
  const objects: { bytes: Bytes; object: string }[] = [];
  for (const size of SIZES) {
    const bytes = owner.envelope({ size, hashes: 20_000 });
    const { object } = await owner.receive(bytes);
    objects.push({ bytes, object });
  }
  return { owner, objects };
}

/** A range, and what comes of it: from, to (not with), or null for the whole. */
type RangeCase = [range: string, part: readonly [number, number] | null];

/** Ranges of an object of a size. */
function rangesOf(size: number): RangeCase[] {
  const last = size - 1;
  return [
    ["bytes=0-0", [0, 1]],
    ["bytes=0-", [0, size]],
    ["bytes=10-19", [10, 20]],
    ["bytes=1-", [1, size]],
    [`bytes=${last}-`, [last, size]],
    [`bytes=${last}-${last}`, [last, size]],
    [`bytes=0-${last}`, [0, size]],
    [`bytes=5-${size}`, [5, size]],
    ["bytes=5-99999999999999999999", [5, size]],
    ["bytes=-1", [last, size]],
    ["bytes=-100", [size - 100, size]],
    [`bytes=-${size}`, [0, size]],
    [`bytes=-${size + 1}`, [0, size]],
    // What names no single range of bytes is not looked at.
    ["bytes=0-1,3-4", null],
    ["bytes=0-0, 5-", null],
    ["bytes=-", null],
    ["bytes=", null],
    ["bytes=a-b", null],
    ["bytes=1-0", null],
    ["bytes 0-1", null],
    ["items=0-1", null],
    ["", null],
  ];
}

Deno.test("GET of an object honours one range of bytes", async (t) => {
  using relay = await TestRelay.open();
  const { owner, objects } = await openObjects(relay);
  for (const { bytes, object } of objects) {
    const across = 61_440;
    const ranges: RangeCase[] = bytes.length < across ? [] : [
      [`bytes=${across - 1}-${across}`, [across - 1, across + 1]],
      [`bytes=${across}-${across}`, [across, across + 1]],
      [`bytes=0-${across - 1}`, [0, across]],
    ];
    for (const [range, part] of [...rangesOf(bytes.length), ...ranges]) {
      await t.step(`${bytes.length} bytes, ${range}`, async () => {
        const response = await owner.fetch(`/v1/objects/${object}`, {
          headers: { Range: range },
        });
        const [start, end] = part ?? [0, bytes.length];
        assert.equal(response.status, part === null ? 200 : 206);
        assert.equal(
          response.headers.get("Content-Range"),
          part === null ? null : `bytes ${start}-${end - 1}/${bytes.length}`,
        );
        assert.equal(
          response.headers.get("Content-Length"),
          String(end - start),
        );
        assert.equal(response.headers.get("ETag"), `"${object}"`);
        assert.deepEqual(await response.bytes(), bytes.slice(start, end));
      });
    }
  }
});

Deno.test("GET of an object refuses a range that has no byte of it", async (t) => {
  using relay = await TestRelay.open();
  const { owner, objects } = await openObjects(relay);
  for (const { bytes: { length }, object } of objects) {
    for (const range of [`${length}-`, `${length}-${length + 9}`, "-0"]) {
      await t.step(`${length} bytes, ${range}`, async () => {
        const response = await owner.fetch(`/v1/objects/${object}`, {
          headers: { Range: `bytes=${range}` },
        });
        assert.equal(
          response.headers.get("Content-Range"),
          `bytes */${length}`,
        );
        await assertProblem(relay, response, "range-not-satisfiable");
      });
    }
  }
});

Deno.test("GET of an object gives the part only if it is still of the same object", async (t) => {
  using relay = await TestRelay.open();
  const { owner, objects: [held] } = await openObjects(relay);
  assert.ok(held);
  const { object, bytes } = held;
  const table: [condition: string, status: number][] = [
    [`"${object}"`, 206],
    [`W/"${object}"`, 200],
    ['"another"', 200],
    [object, 200],
    ["Wed, 21 Oct 2015 07:28:00 GMT", 200],
  ];
  for (const [condition, status] of table) {
    await t.step(condition, async () => {
      const response = await owner.fetch(`/v1/objects/${object}`, {
        headers: { "Range": "bytes=0-9", "If-Range": condition },
      });
      assert.equal(response.status, status);
      assert.equal(
        (await response.bytes()).length,
        status === 206 ? 10 : bytes.length,
      );
    });
  }
});

/** If-None-Match of an object, and whether it says that the caller has it. */
const CONDITIONS: readonly [
  what: string,
  condition: (object: string) => string,
  has: boolean,
][] = [
  ["the tag", (object) => `"${object}"`, true],
  ["another tag", () => `"${"0".repeat(64)}"`, false],
  ["the hash without its quotes", (object) => object, false],
  // RFC 9110, 13.1.2: weak comparison, a list, or a star.
  ["the tag as a weak one", (object) => `W/"${object}"`, true],
  ["the tag in a list", (object) => `"x", "${object}"`, true],
  ["a star", () => "*", true],
];

Deno.test("GET of an object that the caller has gives no bytes", async (t) => {
  using relay = await TestRelay.open();
  const { owner, objects: [held] } = await openObjects(relay);
  assert.ok(held);
  const { object } = held;
  for (const [what, condition, has] of CONDITIONS) {
    await t.step(what, async () => {
      for (const range of [{}, { Range: "bytes=0-0" }]) {
        const response = await owner.fetch(`/v1/objects/${object}`, {
          headers: { ...range, "If-None-Match": condition(object) },
        });
        const status = has ? 304 : "Range" in range ? 206 : 200;
        assert.equal(response.status, status);
        assert.equal(response.headers.get("ETag"), `"${object}"`);
        const { length } = await response.bytes();
        assert.equal(length === 0, has);
      }
    });
  }
});

Deno.test("HEAD of an object gives the headers of GET", async () => {
  using relay = await TestRelay.open();
  const { owner, objects } = await openObjects(relay);
  for (const { object } of objects) {
    const path = `/v1/objects/${object}`;
    const got = await owner.fetch(path);
    const head = await owner.fetch(path, { method: "HEAD" });
    assert.equal(head.status, 200);
    // Each request has an id of its own.
    for (const { headers } of [head, got]) headers.delete("X-Request-Id");
    assert.deepEqual([...head.headers], [...got.headers]);
    assert.equal((await head.bytes()).length, 0);
    await got.body?.cancel();
  }
});

Deno.test("HEAD of an object does not look at Range (RFC 9110, 14.2)", async () => {
  using relay = await TestRelay.open();
  const { owner, objects: [held] } = await openObjects(relay);
  assert.ok(held);
  for (const range of ["bytes=0-9", `bytes=${held.bytes.length}-`]) {
    const head = await owner.fetch(`/v1/objects/${held.object}`, {
      method: "HEAD",
      headers: { Range: range },
    });
    assert.equal(head.status, 200, range);
    assert.equal(
      head.headers.get("Content-Length"),
      String(held.bytes.length),
    );
  }
});

Deno.test("an object of another mailbox is as unknown as one that never was", async () => {
  using relay = await TestRelay.open();
  const { objects } = await openObjects(relay);
  const stranger = await Owner.open(relay);
  const said: string[] = [];
  for (
    const object of [...objects.map((held) => held.object), "0".repeat(64)]
  ) {
    const response = await stranger.fetch(`/v1/objects/${object}`);
    const { detail } = await assertProblem(relay, response, "object-unknown");
    said.push(detail.replace(object, ""));
  }
  assert.equal(new Set(said).size, 1, "it is said in the same words");
});

Deno.test("GET of an object that is deleted while it is looked for is not found", async () => {
  const databases: HeldDatabase[] = [];
  using relay = await TestRelay.open({
    async openDatabase(location) {
      const database = new HeldDatabase(await openDatabase(location));
      databases.push(database);
      return database;
    },
  });
  const [database] = databases;
  assert.ok(database);
  const owner = await Owner.open(relay);
  const envelope = owner.envelope({ size: 70_000, hashes: 20_000 });
  const { object, cursor } = await owner.receive(envelope);
  database.isHolding = true;
  const asked = owner.fetch(`/v1/objects/${object}`);
  while (database.held.length === 0) {
    await (await relay.fetch(`/v1/mailboxes/${owner.mailbox}`)).text();
  }
  database.isHolding = false;
  assert.equal((await owner.delete(cursor)).status, 204);
  for (const letGo of database.held) letGo();
  await assertProblem(relay, await asked, "object-unknown");
});
