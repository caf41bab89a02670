/** Reading over slow links: messages, digests or hints, as the link bears. */
import assert from "node:assert/strict";
import type { Page } from "../../kv/mail/read.ts";
import { cursorOf } from "../../lib/cursor.ts";
import { streamParts } from "../../routes/page_forms.ts";
import { decodeDigest, decodeHints } from "../../lib/link.ts";
import { EventSourceParserStream } from "./event_source.ts";
import { fill } from "./filled_mailbox.ts";
import { Owner, type Stored } from "./owner.ts";
import { TestRelay } from "./relay_fixture.ts";

/** A mailbox with three messages: for any link, for a fast one, and large. */
async function variedMailbox(relay: TestRelay) {
  const owner = await Owner.open(relay);
  const free = await owner.receive(owner.envelope());
  const bound = await owner.receive(
    owner.envelope(),
    "?minBandwidth=2000000&priority=critical",
  );
  const large = await owner.receive(owner.envelope({ size: 6_000 }));
  return { owner, free, bound, large };
}

function pathOf(owner: Owner, query: string): string {
  return `/v1/mailboxes/${owner.mailbox}/messages?delivery=link&${query}`;
}

function itemOf({ object, size, holdUntil }: Stored) {
  return { object, size, expires: holdUntil };
}

Deno.test("a link above 1 Mbit/s is pushed messages, with bodies of up to 4 KiB that it is fast enough for", async () => {
  using relay = await TestRelay.open();
  const { owner, free, bound, large } = await variedMailbox(relay);
  const bodies = async (bandwidth: number) => {
    const answer = await owner.fetch(pathOf(owner, `bandwidth=${bandwidth}`));
    const { messages } = await answer.json();
    assert.deepEqual(
      messages.map(({ id }: Stored) => id),
      [free.id, bound.id, large.id],
    );
    return messages.map(({ body }: { body: string | null }) => body !== null);
  };
  assert.deepEqual(await bodies(1_000_001), [true, false, false]);
  assert.deepEqual(await bodies(2_000_000), [true, true, false]);
});

Deno.test("a link above 10 kbit/s gets 50 bytes a message", async () => {
  using relay = await TestRelay.open();
  const { owner, free, bound, large } = await variedMailbox(relay);
  const answer = await owner.fetch(pathOf(owner, "bandwidth=1000000&limit=2"));
  assert.equal(
    answer.headers.get("Content-Type"),
    "application/vnd.restante.digest",
  );
  assert.equal(answer.headers.get("Restante-More"), "true");
  assert.equal(answer.headers.get("Restante-Reset"), "false");
  const next = answer.headers.get("Restante-Next");
  assert.equal(next, bound.cursor);
  assert.deepEqual(decodeDigest(await answer.bytes()), [
    { ...itemOf(free), minBandwidth: 0, priority: "normal" },
    { ...itemOf(bound), minBandwidth: 2_000_000, priority: "critical" },
  ]);
  const rest = await owner.fetch(
    pathOf(owner, `bandwidth=10001&after=${next}`),
  );
  assert.equal(rest.headers.get("Restante-More"), "false");
  const [item] = decodeDigest(await rest.bytes());
  assert.equal(item?.object, large.object);
});

Deno.test("a slower link gets 32 bytes a message, and fetches what it asks for", async () => {
  using relay = await TestRelay.open();
  const { owner, free, bound, large } = await variedMailbox(relay);
  const answer = await owner.fetch(pathOf(owner, "bandwidth=10000"));
  assert.equal(
    answer.headers.get("Content-Type"),
    "application/vnd.restante.hint",
  );
  assert.equal(answer.headers.get("Restante-Next"), large.cursor);
  const hints = decodeHints(await answer.bytes());
  assert.deepEqual(hints, [free.object, bound.object, large.object]);
  const fetched = await owner.fetch(`/v1/objects/${bound.object}`);
  assert.equal((await fetched.bytes()).length, bound.size);
});

Deno.test("a slow link's cursor of another store reads anew, and says so", async () => {
  using relay = await TestRelay.open();
  const { owner } = await variedMailbox(relay);
  const foreign = `${"0".repeat(12)}-${"0".repeat(20)}`;
  const answer = await owner.fetch(
    pathOf(owner, `bandwidth=1&after=${foreign}`),
  );
  assert.equal(answer.headers.get("Restante-Reset"), "true");
  assert.equal(decodeHints(await answer.bytes()).length, 3);
});

Deno.test("a long poll over a slow link waits for a hint", async () => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const waiting = owner.fetch(pathOf(owner, "bandwidth=1"), {
    headers: { Prefer: "wait=20" },
  });
  const [sent] = await fill(owner, 1);
  const answer = await waiting;
  assert.deepEqual(decodeHints(await answer.bytes()), [sent?.object]);
});

Deno.test("a stream over a link above 10 kbit/s is a digest at once, then one a round", async () => {
  const digestRound = 60_000;
  using relay = await TestRelay.open({ digestRound });
  const owner = await Owner.open(relay);
  const before = await fill(owner, 2);
  const response = await owner.fetch(pathOf(owner, "bandwidth=50000"), {
    headers: { Accept: "text/event-stream" },
  });
  const events = response.body!.pipeThrough(new EventSourceParserStream())
    .getReader();
  const digest = async () => {
    const { value } = await events.read();
    const { cursor, digest } = JSON.parse(value?.data ?? "{}");
    assert.deepEqual([value?.event, value?.id], ["digest", cursor]);
    const bytes = Uint8Array.fromBase64(digest, { alphabet: "base64url" });
    return { cursor, objects: decodeDigest(bytes).map(({ object }) => object) };
  };
  assert.equal((await events.read()).value?.event, "open");
  assert.deepEqual(await digest(), {
    cursor: before.at(-1)?.cursor,
    objects: before.map(({ object }) => object),
  });
  const [one] = await fill(owner, 1);
  const coming = digest();
  const [other] = await fill(owner, 1);
  relay.clock.advance(digestRound - 1);
  const [third] = await fill(owner, 1); // nothing has been sent before this
  relay.clock.advance(1);
  assert.deepEqual(await coming, {
    cursor: third?.cursor,
    objects: [one?.object, other?.object, third?.object],
  });
  await events.cancel();
});

Deno.test("what is never pushed is not streamed, and other ways to deliver are refused", async (t) => {
  using relay = await TestRelay.open();
  const owner = await Owner.open(relay);
  const path = `/v1/mailboxes/${owner.mailbox}`;
  const stream = { headers: { Accept: "text/event-stream" } };
  const table: [path: string, init?: RequestInit][] = [
    [pathOf(owner, "bandwidth=10000"), stream],
    [`${path}/socket?delivery=link&bandwidth=10000`],
    [`${path}/socket?delivery=none`],
    [`${path}/messages?delivery=none`],
  ];
  for (const [path, init] of table) {
    await t.step(path.slice(path.indexOf("/", 20)), async () => {
      const answer = await owner.fetch(path, init);
      assert.equal(answer.status, 400);
      assert.equal((await answer.json()).code, "malformed");
    });
  }
});

Deno.test("streamParts() of a page without messages is nothing, however it is delivered", () => {
  const epoch = "0".repeat(12);
  const next = cursorOf({ epoch, versionstamp: "0".repeat(20) });
  const page: Page = { messages: [], next, more: false, reset: false };
  for (const delivery of ["full", "push", "digest"] as const) {
    assert.deepEqual(streamParts(page, delivery), [], delivery);
  }
});
