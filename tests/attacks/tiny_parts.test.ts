/** Bodies that come a byte at a time take no more memory than others. */
import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { readBody } from "../../client/body.ts";
import { TestRelay } from "../routes/relay_fixture.ts";

/** Parts of a body: nearly as many as an envelope may have bytes. */
const PARTS = 200_000;
/** Bytes of memory that one part may leave behind until the body has come. */
const LEFT = 50;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** A body of parts of one byte, and what each of them leaves behind. */
function trickle() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const held = () => {
    collectGarbage();
    return Deno.memoryUsage().heapUsed;
  };
  const writeAll = async () => {
    await writer.write(new Uint8Array(1));
    const before = held();
    for (let n = 1; n < PARTS; n++) await writer.write(new Uint8Array(1));
    const each = (held() - before) / PARTS;
    await writer.close();
    return each;
  };
  return { readable, writeAll };
}

Deno.test("an upload of one-byte parts leaves nothing behind for each of them", async () => {
  using relay = await TestRelay.open();
  const { readable, writeAll } = trickle();
  const answer = relay.fetch("/v1/messages", {
    method: "POST",
    headers: { "Content-Type": "application/octet-stream" },
    body: readable,
  });
  const each = await writeAll();
  assert.ok(each < LEFT, `${each} bytes each`);
  assert.equal((await answer).status, 413); // it was read to its end
});

Deno.test("an answer of one-byte parts leaves nothing behind for each of them", async () => {
  const { readable, writeAll } = trickle();
  const options = { most: PARTS, url: "http://relay.example" };
  const body = readBody(new Response(readable), options);
  const each = await writeAll();
  assert.ok(each < LEFT, `${each} bytes each`);
  assert.equal((await body).length, PARTS);
});
