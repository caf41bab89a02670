/** Following a mailbox: where it begins, its rounds, and what it leaves behind. */
import assert from "node:assert/strict";
import type { Doorbells, Wake } from "../../../kv/bells/doorbells.ts";
import { follow, type FollowOptions } from "../../../kv/bells/follow.ts";
import { commitMessage } from "../../../kv/mail/accept.ts";
import type { NewMessage } from "../../../kv/mail/entry.ts";
import { SharedReads } from "../../../kv/bells/shared_reads.ts";
import { CountedSignal } from "../../client/counted_signal.ts";
import { ManualClock } from "../../manual_clock.ts";
import { newMessage, openMailbox } from "../message_maker.ts";
import type { Page } from "../../../kv/mail/read.ts";
import { openSpied } from "../spied_database.ts";

/** Followed by hand: the test rings, and moves the clock. */
async function followed(changes: Partial<FollowOptions> = {}) {
  const { store, spy } = await openSpied();
  const clock = new ManualClock();
  const mailbox = await openMailbox(store);
  const rings = new Set<Wake>();
  let rung = 0;
  const doorbells: Pick<Doorbells, "subscribe" | "reads"> = {
    reads: new SharedReads(store),
    subscribe(_, ring) {
      rings.add(ring);
      return () => void rings.delete(ring);
    },
  };
  const gone = new AbortController();
  const open = (others: Partial<FollowOptions> = {}) =>
    follow(store, doorbells as Doorbells, {
      mailbox,
      after: null,
      limit: 10,
      bandwidth: Infinity,
      clock,
      signal: gone.signal,
      ...changes,
      ...others,
    });
  const ring = () => {
    rung++;
    for (const wake of [...rings]) wake(rung);
  };
  const storeOne = (changes: Partial<NewMessage> = {}) =>
    commitMessage(store, newMessage(mailbox, 100, changes), clock.time);
  return {
    store,
    clock,
    gone,
    pages: open(),
    open,
    rings,
    ring,
    spy,
    /** Stores a message, and rings for nobody. */
    storeOne,
    async deliver() {
      await storeOne();
      ring();
    },
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

Deno.test("follow() begins anew behind a cursor that the store never gave out", async () => {
  using one = await followed({ after: `${"0".repeat(12)}-${"f".repeat(20)}` });
  const { value } = await one.pages.next();
  assert.equal(value?.reset, true);
  await one.pages.return(undefined);
});

Deno.test("follow() gives what came amid a round when the round is over, and not before", async () => {
  using one = await followed({ round: 1_000 });
  await one.deliver();
  assert.equal((await one.pages.next()).value?.messages.length, 1);
  let isGiven = false;
  const next = one.pages.next().then((page) => {
    isGiven = true;
    return page;
  });
  await one.clock.waitedFor(1); // the round's end
  await one.deliver();
  await one.deliver();
  one.clock.advance(999);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(isGiven, false);
  one.clock.advance(1);
  assert.equal((await next).value?.messages.length, 2, "both in one page");
  await one.pages.return(undefined);
});

Deno.test("follow() gives the first page even to one who has gone, and no other", async () => {
  using one = await followed();
  await one.deliver();
  one.gone.abort();
  assert.equal((await one.pages.next()).value?.messages.length, 1);
  await one.deliver();
  assert.equal((await one.pages.next()).done, true);
});

Deno.test("follow() gives what rings while a page is read, without another ring", async () => {
  using one = await followed();
  const { store } = one;
  const list = store.list.bind(store);
  let hasRung = false;
  store.list = async (range, limit) => {
    const found = await list(range, limit);
    if (!hasRung) {
      hasRung = true;
      await one.deliver(); // behind what was just listed
    }
    return found;
  };
  assert.equal((await one.pages.next()).value?.messages.length, 0);
  assert.equal((await one.pages.next()).value?.messages.length, 1);
  await one.pages.return(undefined);
});

Deno.test("follow() leaves no timer, no reader, no beat and no listener behind, also amid a round", async () => {
  const counted = new CountedSignal();
  let beats = 0;
  const onBeat = () => {
    beats += 1;
    return () => void (beats -= 1);
  };
  const { signal } = counted;
  using one = await followed({ round: 1_000, signal, onBeat });
  await one.deliver();
  await one.pages.next();
  const next = one.pages.next();
  await one.clock.waitedFor(1);
  assert.deepEqual([one.rings.size, beats, counted.listeners], [1, 1, 1]);
  counted.end(new Error("gone"));
  assert.equal((await next).done, true);
  assert.deepEqual([one.clock.timers, one.rings.size], [0, 0]);
  assert.deepEqual([beats, counted.listeners], [0, 0]);
});

/** Followers of one mailbox who have their first page, and wait for the next. */
async function waiting(
  one: Awaited<ReturnType<typeof followed>>,
  wishes: readonly Partial<FollowOptions>[],
) {
  const all = wishes.map((options) => one.open(options));
  for (const pages of all) await pages.next();
  const next = all.map((pages) => pages.next());
  return {
    next,
    wakes: [...one.rings],
    async end() {
      one.gone.abort();
      for (const pages of all) await pages.return(undefined);
    },
  };
}

Deno.test("followers whom one ring wakes read the log once, and each gets the message", async () => {
  using one = await followed();
  const { next, end } = await waiting(one, Array(50).fill({}));
  await one.storeOne();
  one.spy.takeCounts();
  one.ring();
  for (const { value } of await Promise.all(next)) {
    assert.equal(value?.messages.length, 1);
  }
  assert.equal(one.spy.takeCounts().reads, 1);
  await end();
});

Deno.test("a follower does not wait for what another began to read before the ring that woke it", async () => {
  using one = await followed();
  const { next: [early, late], wakes, end } = await waiting(one, [{}, {}]);
  const [wakeEarly, wakeLate] = wakes;
  await one.storeOne();
  const held = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  let reads = 0;
  one.spy.onRead = () => {
    begun.resolve();
    return ++reads === 1 ? held.promise : Promise.resolve();
  };
  wakeEarly?.(1);
  await begun.promise;
  wakeLate?.(2);
  assert.equal((await late)?.value?.messages.length, 1);
  held.resolve();
  assert.equal((await early)?.value?.messages.length, 1);
  assert.equal(reads, 2);
  await end();
});

Deno.test("followers who want otherwise are not given what others want", async () => {
  using one = await followed();
  const wishes: [Partial<FollowOptions>, boolean[]][] = [
    [{}, [true, true]],
    [{ limit: 1 }, [true]],
    [{ bandwidth: 4 }, [false, false]],
    [{ maxBody: 99 }, [false, false]],
    [{ pageBytes: 100 }, [true]],
    [{ pageBytes: 200 }, [true, true]],
  ];
  const { next, end } = await waiting(one, wishes.map(([options]) => options));
  for (let n = 0; n < 2; n++) await one.storeOne({ minBandwidth: 5 });
  one.ring();
  for (const [i, { value }] of (await Promise.all(next)).entries()) {
    const page: Page | null = value;
    const bodies = page?.messages.map(({ body }) => body !== null);
    assert.deepEqual(bodies, wishes[i]?.[1], JSON.stringify(wishes[i]?.[0]));
  }
  await end();
});

Deno.test("followers of different mailboxes and places are given their own", async () => {
  using one = await followed();
  const { message } = await one.storeOne();
  const { mailbox } = message;
  const other = await openMailbox(one.store);
  const { next, end } = await waiting(one, [
    { after: message.cursor },
    { mailbox: other },
  ]);
  assert.notEqual(other, mailbox);
  await one.storeOne();
  await commitMessage(one.store, newMessage(other), one.clock.time);
  one.ring();
  const [behind, elsewhere] = await Promise.all(next);
  assert.equal(behind?.value?.messages.length, 1);
  assert.equal(elsewhere?.value?.messages.length, 1);
  const ids = [behind, elsewhere].map((page) => page?.value?.messages[0]?.id);
  assert.notEqual(ids[0], ids[1]);
  await end();
});

Deno.test("a read that failed is not shared with those who come after", async () => {
  using one = await followed();
  const { next: [failing, other], wakes, end } = await waiting(one, [{}, {}]);
  const [wakeFailing, wakeOther] = wakes;
  await one.storeOne();
  one.spy.onRead = () => Promise.reject(new Error("a mistake of ours"));
  wakeFailing?.(7);
  await assert.rejects(failing ?? Promise.resolve(), {
    message: "a mistake of ours",
  });
  one.spy.onRead = () => Promise.resolve();
  wakeOther?.(7);
  assert.equal((await other)?.value?.messages.length, 1);
  await end();
});
