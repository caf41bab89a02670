import assert from "node:assert/strict";
import type { MailboxId } from "../../lib/ids.ts";
import { type Caps, DEFAULT_CAPS } from "../../relay/caps.ts";
import { RateLimited } from "../../relay/rate_limited.ts";
import { Streams, type Transport } from "../../relay/streams.ts";
import { ManualClock } from "../manual_clock.ts";

function streamsWith(caps: Partial<Caps>, clock = new ManualClock()): Streams {
  return new Streams(clock, { ...DEFAULT_CAPS, ...caps });
}

const visitor = (
  token: string,
  mailbox = "m",
  transport: Transport = "socket",
) => ({ token, mailbox: mailbox as MailboxId, transport });

Deno.test("Streams.enter() has so many places for a token, a mailbox and the relay", async (t) => {
  const table = [
    ["token", { tokenStreams: 2 }, () => visitor("t")],
    ["mailbox", { mailboxStreams: 2 }, (i: number) => visitor(`t${i}`)],
    ["relay", { streams: 2 }, (i: number) => visitor(`t${i}`, `m${i}`)],
  ] as const;
  for (const [scope, caps, who] of table) {
    await t.step(scope, () => {
      const streams = streamsWith(caps);
      const first = streams.enter(who(0));
      streams.enter(who(1));
      const enter = () => streams.enter(who(2));
      assert.throws(enter, (error) => {
        assert.ok(error instanceof RateLimited);
        assert.equal(error.code, "rate-limited");
        assert.equal(error.members["retryAfter"], 10);
        assert.deepEqual(error.headers, {
          "RateLimit": `"${scope}-streams";r=0;t=10`,
          "RateLimit-Policy": `"${scope}-streams";q=2`,
        });
        return true;
      });
      assert.deepEqual(streams.refused, {
        token: 0,
        mailbox: 0,
        relay: 0,
        [scope]: 1,
      });
      assert.equal(streams.size, 2);
      first.leave();
      first.leave(); // and no other's place
      enter();
      assert.throws(enter, RateLimited);
    });
  }
});

Deno.test("Streams counts all ways to stay together, and tells them apart", () => {
  const streams = streamsWith({ tokenStreams: 3 });
  const places = (["events", "socket", "poll"] as const)
    .map((transport) => streams.enter(visitor("t", "m", transport)));
  assert.deepEqual(streams.counts, { events: 1, socket: 1, poll: 1 });
  assert.throws(() => streams.enter(visitor("t")), RateLimited);
  for (const place of places) place.leave();
  assert.deepEqual(streams.counts, { events: 0, socket: 0, poll: 0 });
});

Deno.test("Place.hasRoomFor() bounds what waits for one reader, and for all", () => {
  const streams = streamsWith({ streamBytes: 100, bufferedBytes: 250 });
  const [a, b, c] = ["a", "b", "c"].map((name) => streams.enter(visitor(name)));
  assert.ok(a && b && c);
  assert.ok(a.hasRoomFor(100_000), "one message goes alone");
  a.buffered = 60;
  assert.ok(a.hasRoomFor(40));
  assert.ok(!a.hasRoomFor(41));
  b.buffered = 150;
  assert.equal(streams.buffered, 210);
  assert.ok(c.hasRoomFor(40));
  assert.ok(!c.hasRoomFor(41));
  b.buffered = 0;
  assert.ok(c.hasRoomFor(41));
  a.leave();
  assert.equal(streams.buffered, 0);
  a.buffered = 10; // it has left
  assert.equal(streams.buffered, 0);
});

Deno.test("Streams.onBeat() beats each 15 s for all, by one timer, until it is ended", () => {
  const clock = new ManualClock();
  const streams = streamsWith({}, clock);
  const beats = [0, 0];
  const endings = [0, 1].map((i) =>
    streams.onBeat(() => beats[i] = (beats[i] ?? 0) + 1)
  );
  assert.equal(clock.timers, 1);
  clock.advance(14_999);
  assert.deepEqual(beats, [0, 0]);
  clock.advance(1);
  assert.deepEqual(beats, [1, 1]);
  endings[0]?.();
  clock.advance(15_000);
  assert.deepEqual(beats, [1, 2]);
  streams.close();
  assert.deepEqual(beats, [1, 3]);
  assert.ok(streams.closing.aborted);
  endings[1]?.();
  assert.equal(clock.timers, 0);
  // Who comes when all have gone has a timer again.
  const end = streams.onBeat(() => beats[0] = 9);
  assert.equal(clock.timers, 1);
  clock.advance(15_000);
  assert.deepEqual(beats, [9, 3]);
  end();
  assert.equal(clock.timers, 0);
});
